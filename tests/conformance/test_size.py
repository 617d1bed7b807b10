"""A company's worth of previews in one ApplicationSet."""

from pathlib import Path

import pytest

from tests.bench import company
from tests.conformance.conftest import MakeStage
from tests.server import wait_for


def test_a_thousand_previews_in_one_set(
    make_stage: MakeStage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text(company.catalog(), "utf-8")
    staged = make_stage(company.organisation(), PREVIEW_CATALOG=str(catalog), PREVIEW_REFRESH="1h")
    wait_for(lambda: staged.server.ask("GET", "/readyz", None).status == 200)
    first = staged.reconcile()
    assert first.fine
    assert len(first.created) == company.PULL_REQUESTS == len(staged.argocd.applications())

    assert first.generator_seconds < 5
    with capsys.disabled():
        print(f"\n{company.PULL_REQUESTS:,} previews in one ApplicationSet, all new: {first.seconds:.1f} s", end="")
        print(f", of it {first.generator_seconds:.2f} s in the plugin")
