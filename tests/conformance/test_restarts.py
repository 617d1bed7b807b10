"""The plugin's state survives kill -9, and a broken or stale one is never answered from."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conformance.stage import DEMO, NEVER_READ, PLUGIN_ERROR, PUSHED, Stage, refused, stage, well
from tests.fakes.github import faults
from tests.fakes.github.wire import Request
from tests.server import wait_for

DOWN = faults.server_error(503)
EVERYTHING = "acme/backoffice, acme/orders, acme/payments, acme/shop, acme/users"


@pytest.fixture(name="staged", scope="module")
def _staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Shared; each test restores it."""
    with well(tmp_path_factory.mktemp("state")) as staged:
        yield staged


@pytest.mark.parametrize("milliseconds", [0, 2, 4, 8])  # storing a new version takes about as long
def test_a_plugin_killed_while_it_stores_remembers_its_answers(staged: Stage, milliseconds: int) -> None:
    before, killers = staged.deployed(), []

    def kill_soon(_: Request) -> None:
        killers.append(threading.Timer(milliseconds / 1000, staged.server.kill))
        killers[-1].start()

    staged.github.intercept = faults.times(1, faults.on("Details", kill_soon))
    head = staged.push()
    wait_for(lambda: staged.server.process.poll() is not None)
    killers[0].join()

    staged.github.intercept = DOWN
    staged.start_plugin(remembers=True)
    reconciled = staged.reconcile()
    assert reconciled.fine
    assert reconciled.touched == {*reconciled.updated} <= {PUSHED}
    assert staged.deployed() in {before, head}

    staged.github.intercept = None
    staged.recovers()


def garbage(file: Path) -> None:
    file.write_bytes(b"this is no database" * 1000)


def half(file: Path) -> None:
    content = file.read_bytes()
    for suffix in ("-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    file.write_bytes(content[: len(content) // 2])


def another_programs(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE users (name TEXT)")


@pytest.mark.parametrize("spoil", [garbage, half, another_programs])
def test_an_unusable_state_is_set_aside_and_kept(staged: Stage, spoil: Callable[[Path], None]) -> None:
    staged.stop_plugin()
    with closing(sqlite3.connect(staged.state)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    spoil(staged.state)
    staged.github.intercept = DOWN
    staged.start_plugin(remembers=True)
    refused(staged.reconcile(), NEVER_READ + EVERYTHING)
    assert "the state file cannot be used; it was set aside, and a new state begins" in staged.server.log.read_text(
        "utf-8"
    )
    assert [*staged.state.parent.glob("state.db.set-aside-*Z")]

    staged.github.intercept = None
    staged.start_plugin(remembers=True)  # otherwise it would wait longer and longer for GitHub
    staged.ready()
    staged.recovers()


def test_a_state_of_a_later_version_stops_the_start_and_deletes_nothing(staged: Stage) -> None:
    staged.stop_plugin()
    version = schema(staged.state, 999)
    with pytest.raises(AssertionError, match="a newer version of this program wrote it"):
        staged.start_plugin(remembers=True)
    refused(staged.reconcile(), "error listing params")

    schema(staged.state, version)
    staged.start_plugin(remembers=True)
    staged.recovers()


def schema(file: Path, version: int) -> int:
    """Set the version of the state's schema, and return the one before."""
    with closing(sqlite3.connect(file)) as connection:
        (before,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(f"PRAGMA user_version = {version}")
    return int(before)


def test_an_answer_that_cannot_be_stored_is_not_given(staged: Stage) -> None:
    with closing(sqlite3.connect(staged.state, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")  # as if the disk were full
        staged.push()
        wait_for(lambda: staged.server.metric("preview_refresh_failures_total") > 0)
        reconciled = staged.reconcile()
        assert reconciled.fine
        assert reconciled.touched == set()
        connection.execute("ROLLBACK")
    staged.recovers()


@pytest.fixture(name="jumping")
def _jumping(tmp_path: Path) -> Iterator[tuple[Stage, Path]]:
    clock = tmp_path / "clock"
    clock.write_text("0")
    command = ("python", "-m", "tests.conformance.jumping")
    with stage(tmp_path, command=command, CLOCK=str(clock)) as staged:
        staged.ready()
        assert len(staged.reconcile().created) == DEMO
        yield staged, clock


def test_a_clock_that_jumps_changes_nothing(jumping: tuple[Stage, Path]) -> None:
    staged, clock = jumping
    for years in (10, -10, 0):
        clock.write_text(str(years * 365 * 86400))
        staged.recovers()
        staged.start_plugin(remembers=True)
        reconciled = staged.reconcile()
        assert reconciled.fine
        assert reconciled.touched == set()


def test_a_stale_snapshot_is_not_answered_and_deletes_nothing(jumping: tuple[Stage, Path]) -> None:
    staged, clock = jumping
    staged.github.intercept = DOWN
    stale = f"{PLUGIN_ERROR}503: nothing could be read for longer than PREVIEW_MAX_STALE; the log says why"
    for remembers in (False, True):  # it keeps running, then is restarted with its state
        if remembers:
            staged.start_plugin(remembers=True)
        clock.write_text("3500")
        assert staged.reconcile().touched == set()
        assert staged.reconcile().fine
        clock.write_text("3700")
        refused(staged.reconcile(), stale)

    staged.github.intercept = None
    staged.start_plugin(remembers=True)  # otherwise it would wait longer and longer for GitHub
    staged.ready()
    staged.recovers()
