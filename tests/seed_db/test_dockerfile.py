"""The Dockerfile runs the same scripts and versions as the tests."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.seed_db.host import SEED_DB, Host
from tools.rendering import ROOT, tool

DOCKERFILE = (SEED_DB / "Dockerfile").read_text()
VERSIONS = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / "tools/versions.env").read_text(), re.MULTILINE))


def test_the_dockerfile_uses_the_pinned_versions(host: Host) -> None:
    server = host.run("postgres", "--version").stdout

    assert re.findall(r"^ARG GOOSE=(.*)$", DOCKERFILE, re.MULTILINE) == [VERSIONS["GOOSE"]]
    assert re.findall(r"^FROM postgres:(.*)@", DOCKERFILE, re.MULTILINE) == [server.split()[-1]]
    assert re.findall(r"^FROM golang:(.*)@", DOCKERFILE, re.MULTILINE) == [VERSIONS["GO"]]
    assert (
        VERSIONS["GOOSE"]
        in subprocess.run([tool("get-goose"), "--version"], capture_output=True, text=True, check=True).stdout
    )


@pytest.mark.parametrize(
    "file", [ROOT / "Dockerfile", SEED_DB / "Dockerfile"], ids=lambda file: str(file.relative_to(ROOT))
)
def test_base_images_have_a_full_version_and_a_digest(file: Path) -> None:
    images = re.findall(r"^FROM (\S+)(?: AS (\S+))?$", file.read_text(), re.MULTILINE)
    stages = {name for _, name in images}
    bases = [image for image, _ in images if image not in stages]

    assert "ARG " not in file.read_text().partition("FROM ")[0]  # which Dependabot would not renew
    assert len(bases) == len(set(bases)) > 0
    for image in bases:
        assert re.fullmatch(r"\w+:\d+\.\d+(\.\d+)?(-slim)?@sha256:[0-9a-f]{64}", image)


def test_the_dockerfile_builds_goose_as_the_tests_do() -> None:
    tags = r"-tags '(.*)'"

    assert re.findall(tags, DOCKERFILE) == re.findall(tags, (ROOT / "tools/get-goose").read_text())


def test_its_only_build_steps_are_the_scripts() -> None:
    steps = re.findall(r"^(?:RUN|CMD|ENTRYPOINT|USER) (?!CGO)(.*)$", DOCKERFILE, re.MULTILINE)

    assert steps == [
        "install --directory --owner=postgres /seed",
        "postgres",
        '/source/build "${DATASET}" /seed',
        "999:999",
        "[]",
        '["/seed/copy", "/seed/start"]',
    ]


def test_the_dockerfile_contains_no_password() -> None:
    assert "PASSWORD" not in DOCKERFILE.upper()
