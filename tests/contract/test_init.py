"""`preview-plugin init` and `list` with nothing but a token, against a fake GitHub that is reached as a real one."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plugin.core.config.catalog import load_catalog
from tests.fakes.github import GitHub

PROGRAM = Path(sys.executable).parent / "preview-plugin"
INIT = ("init", "--owner", "acme", "--domain", "preview.acme.io")


def run(github: GitHub, folder: Path, token: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREVIEW_")}
    environment |= {"PREVIEW_GITHUB_URL": github.url, "PREVIEW_GITHUB_TOKEN": token}
    environment |= {"HOME": str(folder)}  # where the state would be
    command = [str(PROGRAM), *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("person", [False, True])
def test_a_token_is_enough_to_see_what_would_get_a_preview(github: GitHub, tmp_path: Path, *, person: bool) -> None:
    if person:
        github.make_person("acme")
    github.archive("acme/backoffice", datetime(2026, 1, 1, tzinfo=UTC))
    written = run(github, tmp_path, github.token, *INIT)
    assert (written.returncode, written.stderr) == (0, "")
    catalog = load_catalog((tmp_path / "catalog.yaml").read_text("utf-8"), "catalog.yaml")
    listed = run(github, tmp_path, github.token, "list")

    assert list(catalog.repositories) == ["acme/orders", "acme/payments", "acme/shop", "acme/users"]
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "orders-15     acme/orders#15" in listed.stdout
    assert listed.stdout.endswith("\n12 previews, 1 without one\n")
    assert {path.name for path in tmp_path.iterdir()} == {*("catalog.yaml", "kustomization.yaml", "argocd")}


@pytest.mark.parametrize("command", [["list"], ["params"], ["explain", "acme/orders#12"], [*INIT, "--directory", "x"]])
def test_a_wrong_token_is_one_line(github: GitHub, tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "catalog.yaml").write_bytes(Path("examples/acme/catalog.yaml").read_bytes())
    result = run(github, tmp_path, "wrong", *command)

    assert (result.returncode, result.stdout) == (1, "")
    assert len(result.stderr.splitlines()) == 1
    assert "GitHub refused the credentials (401): Bad credentials" in result.stderr
