"""The Dockerfile does what the tests run, with the versions that they run."""

import re
import subprocess

from tests.seed_db.host import ROOT, SEED_DB, Host, tool

DOCKERFILE = (SEED_DB / "Dockerfile").read_text()
VERSIONS = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / "tools/versions.env").read_text(), re.MULTILINE))


def test_its_versions_are_the_pinned_ones(host: Host) -> None:
    server = host.run("postgres", "--version").stdout

    assert re.findall(r"^ARG GOOSE=(.*)$", DOCKERFILE, re.MULTILINE) == [VERSIONS["GOOSE"]]
    assert f"(PostgreSQL) {re.findall('^ARG POSTGRES_IMAGE=postgres:(.*)$', DOCKERFILE, re.MULTILINE)[0]}." in server
    assert VERSIONS["GO"].startswith(re.findall(r"^ARG GO_IMAGE=golang:(.*)$", DOCKERFILE, re.MULTILINE)[0] + ".")
    assert (
        VERSIONS["GOOSE"]
        in subprocess.run([tool("goose"), "--version"], capture_output=True, text=True, check=True).stdout
    )


def test_it_builds_goose_as_the_tests_do() -> None:
    tags = r"-tags '(.*)'"

    assert re.findall(tags, DOCKERFILE) == re.findall(tags, (ROOT / "tools/get-goose").read_text())


def test_its_only_steps_are_the_scripts() -> None:
    steps = re.findall(r"^(?:RUN|CMD|ENTRYPOINT|USER) (?!CGO)(.*)$", DOCKERFILE, re.MULTILINE)

    assert steps == [
        "install --directory --owner=postgres /seed",
        "postgres",
        '/source/build "${DATASET}" /seed',
        "999:999",
        "[]",
        '["sh", "-c", "/seed/copy && exec /seed/start"]',
    ]


def test_it_knows_no_password() -> None:
    assert "PASSWORD" not in DOCKERFILE.upper()
