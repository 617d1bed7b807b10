"""What every command that reads says if it cannot."""

import json
from pathlib import Path

import pytest

from plugin.app import watch_catalog
from plugin.cli.reading import trouble
from plugin.errors import InvalidFile
from plugin.state import Known, Unreachable
from tests.builders import make_pull_request
from tests.server import free_port
from tests.stage import Stage
from tests.unit.cli.commands import run


@pytest.mark.parametrize("command", [["params"], ["list"], ["list", "--json"], ["explain", "acme/orders#12"]])
def test_one_line_says_that_nothing_can_be_read(command: list[str], tmp_path: Path) -> None:
    missing = tmp_path / "organisation.yaml"
    result = run(*command, PREVIEW_CATALOG="tests/acme/catalog.yaml", PREVIEW_SOURCE=f"file:{missing}")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "acme/backoffice, acme/orders, acme/payments and 2 others: "
        f"there is no file {missing}, which PREVIEW_SOURCE names\n"
    )


def test_one_line_says_that_github_cannot_be_reached() -> None:
    environment = {"PREVIEW_GITHUB_URL": f"http://127.0.0.1:{free_port()}", "PREVIEW_GITHUB_TOKEN": "t"}
    result = run("list", PREVIEW_CATALOG="tests/acme/catalog.yaml", **environment)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "acme/backoffice, acme/orders, acme/payments and 2 others: "
        "GitHub could not be reached or sent an invalid response (ConnectionError); "
        "check the network and PREVIEW_GITHUB_URL\n"
    )


def test_each_reason_has_a_line() -> None:
    gone, slow = "GitHub found nothing there (404)", "it took\ntoo long"
    doubts = {"a/a": slow, "a/b": gone, "a/c": slow, "a/d": slow, "a/e": slow}

    assert list(trouble(doubts)) == ["a/a, a/c, a/d and 1 other: it took too long", f"a/b: {gone}"]
    assert list(trouble({})) == []


def test_what_is_stored_is_shown_while_nothing_can_be_read(stored: Stage) -> None:
    stored.source.listed["acme/orders"] = [make_pull_request(1)]
    stored.refresh()
    stored.source.listed.clear()
    result = run("list", "--json")

    assert [one["namespace"] for one in json.loads(result.stdout)["previews"]] == ["preview-orders-1"]
    assert result.stderr == "acme/orders, acme/payments: no answer\n"


def test_what_can_be_read_does_not_hide_what_cannot(stored: Stage) -> None:
    stored.refresh()
    del stored.source.listed["acme/payments"]
    result = run("params")

    assert (result.exit_code, result.stdout) == (0, '{"output":{"parameters":[]}}\n')
    assert result.stderr == "acme/payments: no answer\n"


def test_a_repository_that_was_never_read_is_named(stored: Stage) -> None:
    del stored.source.listed["acme/payments"]
    result = run("list")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "acme/payments: no answer\nthese repositories have never been read: acme/payments\n"


def test_invalid_settings_are_all_named() -> None:
    result = run("params", PREVIEW_SOURCE="file:", PREVIEW_STATE="disk")

    assert result.exit_code == 1
    assert result.stderr == (
        "these settings are invalid or missing:\n"
        'PREVIEW_SOURCE: must be "github" or "file:PATH"\n'
        'PREVIEW_STATE: must be "sqlite:PATH", "redis://HOST:PORT/DB", "rediss://..." or "memory"\n'
    )


def test_a_missing_catalog_is_named_with_its_setting(tmp_path: Path) -> None:
    missing = tmp_path / "catalog.yaml"
    result = run("params", PREVIEW_CATALOG=str(missing), PREVIEW_SOURCE="file:x", PREVIEW_STATE="memory")

    assert result.exit_code == 1
    assert result.stderr == f"PREVIEW_CATALOG: there is no file {missing}; preview-plugin init writes one\n"


def test_the_catalog_in_the_working_directory_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = f"file:{Path('examples/acme/organisation.yaml').absolute()}"
    catalog = Path("tests/acme/catalog.yaml").read_bytes()
    monkeypatch.chdir(tmp_path)
    missing = run("list", PREVIEW_SOURCE=source)
    (tmp_path / "catalog.yaml").write_bytes(catalog)

    assert missing.exit_code == 1
    assert missing.stderr == "PREVIEW_CATALOG: there is no file catalog.yaml; preview-plugin init writes one\n"
    assert run("list", PREVIEW_SOURCE=source).exit_code == 0


def test_a_broken_catalog_without_one_in_the_state_is_an_error(stored: Stage) -> None:
    stored.path.write_text("version: 2", "utf-8")
    result = run("params")

    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{stored.path}:1: domain: is missing" in result.stderr


def test_a_broken_catalog_is_reported_while_the_state_is_unreachable(
    stored: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> Known:
        raise Unreachable("the state cannot be reached")

    monkeypatch.setattr(stored.state.store, "load", fail)
    stored.path.write_text("version: 2", "utf-8")
    with pytest.raises(InvalidFile):
        watch_catalog(stored.path, stored.state.store)
