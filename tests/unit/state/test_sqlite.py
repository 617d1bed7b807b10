"""State in a file that is written by one process and read by others."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from plugin.state import NOTHING, Head, Known, Outdated, Unreachable
from plugin.state.records import Changes
from plugin.state.sqlite import HEAD_MAX_AGE, SqliteStore, stored_in
from tests.builders import MONDAY
from tests.knowledge import CATALOG, FULL, acknowledgement, acts, details, later, repository, with_repository
from tests.store_promises import DurableStorePromises, Place, place_of


@pytest.fixture(name="place")
def _place(path: Path) -> Iterator[Place]:
    with place_of(f"sqlite:{path}") as place:
        yield place


class TestFile(DurableStorePromises):
    """What every state promises that outlives its process."""


def save(path: Path) -> None:
    with closing(SqliteStore(path)) as store:
        store.save(NOTHING, FULL)


def run(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_a_damaged_entry_costs_nothing_else(path: Path) -> None:
    save(path)
    run(path, "UPDATE entry SET value = x'00' WHERE kind = 'repository' AND key = 'acme/orders'")
    with closing(SqliteStore(path)) as store, capture_logs() as logs:
        value = store.load()

    assert set(value.snapshot.repositories) == {"acme/payments"}
    assert details(value.histories) == details(FULL.histories)
    assert [line["key"] for line in logs] == ["acme/orders"]


def test_a_file_that_is_locked_or_closed_is_unreachable(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugin.state.sqlite_file.BUSY_TIMEOUT", 0.05)
    with closing(SqliteStore(path)) as store, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unreachable, match="locked"):
            store.save(NOTHING, FULL)
        assert store.head() == Head(0, None)
        other.execute("ROLLBACK")
        store.save(NOTHING, FULL)
    for ask in (store.head, store.load):
        with pytest.raises(Unreachable, match=r"state\.db"):
            ask()


def test_a_save_that_fails_halfway_changes_nothing(path: Path) -> None:
    save(path)
    run(path, "CREATE TRIGGER broken BEFORE UPDATE ON head BEGIN SELECT RAISE(ABORT, 'no'); END")
    with closing(SqliteStore(path)) as store:
        with pytest.raises(Unreachable):
            store.save(FULL, with_repository(FULL, repository(title="newer")))
        run(path, "DROP TRIGGER broken")
        assert details(store.load()) == details(FULL)
        store.save(FULL, later(FULL))


def test_a_second_process_reads_and_writes_beside_the_first(path: Path) -> None:
    with closing(SqliteStore(path)) as server, closing(SqliteStore(path)) as command:
        server.save(NOTHING, FULL)
        assert command.head() == FULL.head
        command.act(acknowledgement(CATALOG.fingerprint))
        assert server.head().version == 2
        known = server.load()
        assert known.acts == {**FULL.acts, **acts(acknowledgement(CATALOG.fingerprint))}
        server.save(known, later(known))
        assert command.head().version == 3


class Alone:
    """The lease of the only process that serves."""

    held = True
    token = b""

    def compete(self) -> None:
        """Do nothing: the lease is held."""


def test_the_lease_holder_reads_the_head_once_a_second(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("plugin.state.sqlite.time.monotonic", lambda: now[0])
    with closing(SqliteStore(path, Alone())) as server, closing(SqliteStore(path)) as command:
        server.save(NOTHING, FULL)
        assert server.head() == FULL.head
        command.act(acknowledgement(CATALOG.fingerprint))
        assert server.head() == FULL.head
        now[0] += HEAD_MAX_AGE
        assert server.head().version == FULL.head.version + 1

        assert command.head().version == FULL.head.version + 1
        server.act(acknowledgement("another"))
        assert command.head() == server.head()  # a process that does not serve looks each time
        assert server.head().version == FULL.head.version + 2
        command.act(acknowledgement("a third"))
        with pytest.raises(Outdated):
            server.save(FULL, later(FULL))
        assert server.head().version == FULL.head.version + 3


def test_a_store_can_be_closed_during_a_save(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SqliteStore(path)
    closing_it = threading.Thread(target=store.close, daemon=True)
    changes = store._records.changes  # noqa: SLF001

    def close_meanwhile(before: Known, after: Known) -> Changes:
        closing_it.start()
        time.sleep(0.1)  # until it waits for its turn
        return changes(before, after)

    monkeypatch.setattr(store._records, "changes", close_meanwhile)  # noqa: SLF001
    writing = threading.Thread(target=store.save, args=(NOTHING, FULL), daemon=True)
    writing.start()
    for thread in (writing, closing_it):
        thread.join(10)
        assert not thread.is_alive()
    assert details(stored_in(path)) == details(FULL)


def test_reading_the_stored_state_changes_nothing(path: Path) -> None:
    assert stored_in(path) == NOTHING
    assert not path.exists()

    with closing(SqliteStore(path)) as server:
        server.save(NOTHING, FULL)
        assert details(stored_in(path)) == details(FULL)
    content = path.read_bytes()
    assert details(stored_in(path)) == details(FULL)
    assert path.read_bytes() == content


def test_a_refresh_without_changes_writes_the_readings_only(path: Path) -> None:
    save(path)
    with closing(SqliteStore(path)) as store:
        before = store.load()
        run(
            path,
            "CREATE TABLE written (key)",
            "CREATE TRIGGER t UPDATE ON entry BEGIN INSERT INTO written VALUES (old.kind); END",
        )
        read_at = dict.fromkeys(before.snapshot.read_at, MONDAY + timedelta(seconds=30))
        copy = replace(before.snapshot, read_at=read_at, repositories=dict(before.snapshot.repositories))
        store.save(before, replace(before, snapshot=copy))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT key FROM written").fetchall() == [("readings",)]
