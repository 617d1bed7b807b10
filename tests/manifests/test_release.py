"""The release: only what has passed, signed by digest, and a bundle that builds and names exactly that image."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from plugin import __version__
from tests.manifests.test_workflows import read, run, script
from tools.rendering import ROOT, build

RELEASE = read(ROOT / ".github/workflows/release.yaml")
DIGEST = f"sha256:{'0a' * 32}"
IMAGE = "ghcr.io/someone/preview-plugin"


def step(job: str, name: str) -> dict[str, Any]:
    (found,) = (step for step in RELEASE["jobs"][job]["steps"] if name in (step.get("name"), step.get("id")))
    assert isinstance(found, dict)
    return found


def only(job: str, action: str) -> dict[str, Any]:
    (found,) = (step for step in RELEASE["jobs"][job]["steps"] if step.get("uses", "").startswith(f"{action}@"))
    assert isinstance(found, dict)
    return found


def started(found: dict[str, Any], folder: Path, **environment: str) -> tuple[int, str]:
    result = run(["bash", "-e", "-c", found["run"]], cwd=folder, env=os.environ | environment)
    return result.returncode, result.stdout


@pytest.fixture(name="tree")
def _tree(tmp_path: Path) -> Path:
    """A commit that is ready for its release."""
    (tmp_path / "plugin").mkdir()
    (tmp_path / "plugin/__init__.py").write_text('__version__ = "1.2.3"\n')
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "preview-plugin"\nversion = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text("## 1.2.3\n")
    return tmp_path


def test_a_tag_starts_it_and_nothing_else() -> None:
    assert RELEASE["on"] == {"push": {"tags": ["v*"]}}
    assert RELEASE["jobs"]["image"]["needs"] == "ready"
    assert RELEASE["jobs"]["bundle"]["needs"] == "image"


@pytest.mark.parametrize(
    ("tag", "file", "text", "message"),
    [
        ("v1.2.3", "", "", ""),
        ("v1.2.4", "", "", "The tag is v1.2.4, but pyproject.toml has version 1.2.3"),
        ("v1.2.3", "plugin/__init__.py", '__version__ = "1.2.2"\n', "plugin/__init__.py has another version"),
        ("v1.2.3", "CHANGELOG.md", "## Unreleased\n", "CHANGELOG.md has no section 1.2.3"),
        ("v1.2.3", "CHANGELOG.md", "## 1.2.30\n## 1x2.3\n", "CHANGELOG.md has no section 1.2.3"),
        ("v1.2.3", "CHANGELOG.md", "## 1.2.3 (2026-12-01)\n", ""),
    ],
)
def test_the_tag_must_be_the_version(tree: Path, tag: str, file: str, text: str, message: str) -> None:
    if file:
        (tree / file).write_text(text)
    code, printed = started(step("ready", "The tag is the version"), tree, GITHUB_REF_NAME=tag)

    assert (code == 0) == (message == "")
    assert message in printed


def test_both_places_have_the_same_version() -> None:
    assert f'\nversion = "{__version__}"\n' in (ROOT / "pyproject.toml").read_text("utf-8")


@pytest.mark.parametrize(("runs", "good"), [("2", True), ("0", False)])
def test_ci_must_have_passed_for_the_commit(tmp_path: Path, runs: str, good: bool) -> None:  # noqa: FBT001
    script(tmp_path / "gh", f'case "$*" in *"--workflow ci.yaml --commit abc --status success"*) echo {runs} ;; esac')
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "GITHUB_REPOSITORY": "a/b", "GITHUB_SHA": "abc"}
    code, _ = started(step("ready", "CI has passed for this commit"), tmp_path, **environment)

    assert (code == 0) == good
    assert (ROOT / ".github/workflows/ci.yaml").exists()


def test_the_image_is_for_both_architectures_with_sbom_and_provenance() -> None:
    given = only("image", "docker/build-push-action")["with"]

    assert given["platforms"] == "linux/amd64,linux/arm64"
    assert (given["sbom"], given["provenance"], given["push"]) == ("true", "mode=max", "true")
    assert not [key for key in given if key.startswith("cache")]


def test_names_for_the_registry_are_lower_case(tmp_path: Path) -> None:
    output = tmp_path / "output"
    environment = {"GITHUB_REPOSITORY_OWNER": "Acme", "GITHUB_REF_NAME": "v1.2.3", "GITHUB_OUTPUT": str(output)}

    assert started(step("image", "name"), tmp_path, **environment) == (0, "")
    assert output.read_text() == "name=ghcr.io/acme/preview-plugin\nversion=1.2.3\n"


def test_what_is_signed_is_what_was_built() -> None:
    signed = step("image", "Sign the image")

    assert step("image", "build") == only("image", "docker/build-push-action")
    assert signed["env"]["IMAGE"] == "${{ steps.name.outputs.name }}@${{ steps.build.outputs.digest }}"
    assert signed["run"] == 'cosign sign --yes --recursive "$IMAGE"'
    assert RELEASE["jobs"]["image"]["outputs"]["digest"] == "${{ steps.build.outputs.digest }}"
    assert step("bundle", "Bundle the manifests")["env"]["DIGEST"] == "${{ needs.image.outputs.digest }}"


def bundle(folder: Path, digest: str = DIGEST) -> Path:
    result = run([ROOT / "tools/bundle", IMAGE, "1.2.3", digest, folder])
    assert result.returncode == 0, result.stderr
    return folder / "previews-1.2.3.tar.gz"


def test_the_bundle_builds_and_names_the_image_by_its_digest(tmp_path: Path) -> None:
    unpacked = run(["tar", "--extract", "--file", bundle(tmp_path / "out"), "--directory", tmp_path])
    assert unpacked.returncode == 0, unpacked.stderr
    (deployment,) = (
        found for found in build(tmp_path / "previews-1.2.3/manifests/plugin/base") if found["kind"] == "Deployment"
    )
    names = {path.name for path in (tmp_path / "previews-1.2.3").iterdir()}

    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == f"{IMAGE}:1.2.3@{DIGEST}"
    assert names == {"manifests", "applicationsets", "examples", "LICENSE", "CHANGELOG.md"}


def test_the_same_content_gives_the_same_bundle(tmp_path: Path) -> None:
    assert bundle(tmp_path / "one").read_bytes() == bundle(tmp_path / "two").read_bytes()


def test_a_bundle_needs_a_digest(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="is not a digest"):
        bundle(tmp_path, "latest")


def test_security_says_how_to_check_a_signature() -> None:
    security = (ROOT / "SECURITY.md").read_text("utf-8")

    assert re.search(r"certificate-identity \S+/\.github/workflows/release\.yaml@refs/tags/v\d", security)
    assert "https://token.actions.githubusercontent.com" in security
