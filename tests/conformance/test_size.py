"""A company's worth of previews in one ApplicationSet."""

from pathlib import Path

import pytest

from tests.bench import company
from tests.conformance.conftest import MakeStage
from tests.conformance.stage import differences
from tests.server import wait_for


def test_a_thousand_previews_in_one_set(
    make_stage: MakeStage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text(company.catalog(), "utf-8")
    # Longer than the default, so that a refresh does not disturb what is measured.
    staged = make_stage(company.organisation(), PREVIEW_CATALOG=str(catalog), PREVIEW_REFRESH="10s")
    wait_for(lambda: staged.server.ask("GET", "/readyz", None).status == 200)
    first = staged.reconcile()
    assert first.fine
    assert len(first.created) == company.PULL_REQUESTS == len(staged.argocd.applications())

    # One push among a thousand.
    staged.change("big/service-07", 3, head_sha="f" * 40)
    pushed = staged.settle()
    (change,) = pushed.updated.values()
    assert pushed.fine
    assert pushed.touched == {"preview-service-07-3"}
    assert differences(*change).keys() == {
        "metadata.annotations.preview.example.com/deploy-sha",
        "spec.source.kustomize.images[0]",
    }
    assert pushed.generator_seconds < 5
    with capsys.disabled():
        print(f"\n{company.PULL_REQUESTS:,} previews in one ApplicationSet  {'reconcile':>10} {'of it the plugin':>18}")
        for what, done in {"all are new": first, "one of them was pushed to": pushed}.items():
            print(f"  {what:<38}  {done.seconds:>8.2f} s {done.generator_seconds:>16.2f} s")
