"""`preview-plugin acknowledge`, beside the server that waits for it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result

from plugin.core.facts.acts import ActKind
from plugin.state import NOTHING, Known, OpenedState
from plugin.state.opening import open_state
from tests.knowledge import FULL, hold, later
from tests.server import free_port
from tests.stage import Stage
from tests.unit.cli import commands
from tests.unit.cli.commands import run


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREVIEW_CATALOG", "catalog.yaml")  # which this command does not read
    monkeypatch.setenv("PREVIEW_SOURCE", "file:organisation.yaml")


@pytest.fixture(name="state")
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenedState]:
    """The server's state."""
    monkeypatch.setenv("PREVIEW_STATE", f"sqlite:{tmp_path}/state.db")
    state = open_state(f"sqlite:{tmp_path}/state.db")
    state.lease.compete()
    yield state
    state.close()


def acknowledge(fingerprint: str) -> Result:
    return run("acknowledge", fingerprint)


def test_an_acknowledgement_is_stored_with_who_and_when(state: OpenedState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    state.store.save(NOTHING, FULL)
    started = datetime.now(UTC)
    result = acknowledge(hold().catalog)

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        f"{hold().catalog}: acknowledged; the next refresh releases the previews that this catalog removes\n"
    )
    known = state.store.load()
    act = known.acts[ActKind.ACKNOWLEDGE, hold().catalog]
    assert act.by == "ada"
    assert started <= act.at <= datetime.now(UTC)
    assert known.head.version == FULL.head.version + 1


def test_an_acknowledgement_releases_previews_at_the_next_refresh(stored: Stage) -> None:
    fingerprint = commands.hold(stored)
    assert acknowledge(fingerprint).exit_code == 0
    assert len(stored.answer()) == 7

    stored.refresh()
    assert stored.answer() == []


def test_an_acknowledgement_lets_ends_come_that_an_edit_brings_forward(stored: Stage) -> None:
    fingerprint = commands.plan_shorter_lives(stored)
    result = acknowledge(fingerprint)
    assert result.stdout == (
        f"{fingerprint}: acknowledged; the next refresh lets the ends come that this catalog plans\n"
    )
    before = [preview.verdict.ends_at for preview in stored.current().previews]

    stored.refresh()
    assert stored.known().ends is None
    after = [preview.verdict.ends_at for preview in stored.current().previews]
    assert all(now and then and now < then for now, then in zip(after, before, strict=True))


def test_while_previews_are_held_back_only_their_catalog_can_be_acknowledged(stored: Stage) -> None:
    earlier = commands.plan_shorter_lives(stored)
    stored.write_catalog({"payments": {}})
    stored.refresh()
    hold = stored.known().hold
    assert hold

    assert acknowledge(earlier).stderr == f"the breaker waits for {hold.catalog}, not for {earlier}\n"
    assert stored.current().to_release == f"preview-plugin acknowledge {hold.catalog}"


def test_a_user_without_a_login_name_is_unknown(state: OpenedState, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 123_456_789)
    state.store.save(NOTHING, FULL)
    acknowledge(hold().catalog)

    assert state.store.load().acts[ActKind.ACKNOWLEDGE, hold().catalog].by == "unknown"


def test_another_fingerprint_is_refused(state: OpenedState) -> None:
    state.store.save(NOTHING, FULL)
    result = acknowledge("0123456789ab")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"the breaker waits for {hold().catalog}, not for 0123456789ab\n"
    assert state.store.load() == FULL


@pytest.mark.parametrize("stored", [NOTHING, later(FULL, hold=None, ends=None)], ids=["new state", "nothing held"])
def test_without_a_hold_every_fingerprint_is_refused(state: OpenedState, stored: Known) -> None:
    state.store.save(NOTHING, stored)
    result = acknowledge(hold().catalog)

    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "the breaker holds nothing back\n")


def test_an_unreachable_state_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("PREVIEW_STATE", f"redis://127.0.0.1:{port}/0")
    result = acknowledge(hold().catalog)

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Redis at 127.0.0.1:{port} cannot be used: ")
