"""State in a file, as users, disks and other programs break it."""

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from plugin.errors import InvalidSettings
from plugin.state import NOTHING, Head, Known, Outdated, Unreachable
from plugin.state.entries import SCHEMA
from plugin.state.file_lease import FileLease
from plugin.state.records import Changes
from plugin.state.sqlite import APPLICATION_ID, LOOK, SqliteStore, stored_in
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


def overwrite(path: Path, start: int, data: bytes) -> None:
    content = bytearray(path.read_bytes())
    content[start : start + len(data)] = data
    path.write_bytes(content)


def run(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def foreign(path: Path) -> None:
    path.unlink()
    run(path, "CREATE TABLE recipes (name TEXT)")


BROKEN: dict[str, Callable[[Path], object]] = {
    "JSON": lambda path: path.write_text('{"version": 1}'),
    "noise": lambda path: path.write_bytes(os.urandom(50_000)),
    "another program's database": foreign,
    "another program's mark": lambda path: run(path, "PRAGMA application_id = 1"),
    "of a newer version": lambda path: run(path, f"PRAGMA user_version = {SCHEMA + 1}"),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-4096]),
    "cut off in the header": lambda path: path.write_bytes(path.read_bytes()[:50]),
    "noise in the middle": lambda path: overwrite(path, 4096, os.urandom(4096)),
    "noise in the index": lambda path: overwrite(path, 3 * 4096, os.urandom(4096)),  # which nothing reads but the check
    "all zeros": lambda path: path.write_bytes(bytes(8192)),
    "without entries": lambda path: run(path, "DROP TABLE entry"),
    "without a head": lambda path: run(path, "DELETE FROM head"),
    "with two heads": lambda path: run(path, "INSERT INTO head VALUES (9, NULL)"),
    "with a strange time": lambda path: run(path, "UPDATE head SET fresh_at = 'noon'"),
}


@pytest.mark.parametrize("breaking", BROKEN.values(), ids=BROKEN)
def test_a_file_that_is_no_whole_state_is_set_aside_and_a_new_state_begins(
    path: Path, breaking: Callable[[Path], object]
) -> None:
    save(path)
    breaking(path)
    broken = path.read_bytes()
    with capture_logs() as logs, closing(SqliteStore(path)) as store:
        assert store.load() == NOTHING
        store.save(NOTHING, FULL)

    (aside,) = path.parent.glob("state.db.set-aside-2*Z")
    assert aside.read_bytes() == broken
    (line,) = logs
    assert (line["log_level"], line["file"], line["kept_as"]) == ("error", str(path), str(aside))
    assert line["reason"]
    with closing(SqliteStore(path)) as store:
        assert details(store.load()) == details(FULL)


def test_a_file_that_is_set_aside_takes_its_journal_along(path: Path) -> None:
    save(path)
    with closing(sqlite3.connect(path)) as newer_program:
        newer_program.execute(f"PRAGMA user_version = {SCHEMA + 1}")  # in the journal only, as long as this is open
        SqliteStore(path).close()
        (aside,) = path.parent.glob("state.db.set-aside-2*Z")
        with closing(sqlite3.connect(aside)) as looking:
            assert looking.execute("PRAGMA user_version").fetchone() == (SCHEMA + 1,)
    assert stored_in(path) == NOTHING


def test_an_empty_file_becomes_a_state(path: Path) -> None:
    path.touch()
    save(path)

    assert list(path.parent.iterdir()) == [path]


def test_what_was_written_for_another_program_is_never_read(path: Path) -> None:
    save(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_single_entry_that_is_damaged_costs_nothing_else(path: Path) -> None:
    save(path)
    run(path, "UPDATE entry SET value = x'00' WHERE kind = 'repository' AND key = 'acme/orders'")
    with closing(SqliteStore(path)) as store, capture_logs() as logs:
        value = store.load()

    assert set(value.snapshot.repositories) == {"acme/payments"}
    assert details(value.histories) == details(FULL.histories)
    assert [line["key"] for line in logs] == ["acme/orders"]


def test_the_folder_is_made_and_others_cannot_read_the_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "state.db"
    save(path)

    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["", "folder", "file/state.db", "/proc/state.db"])
def test_a_place_that_cannot_be_written_is_a_wrong_setting(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(InvalidSettings, match=r"^PREVIEW_STATE: /.*") as error:
        SqliteStore(tmp_path / name)
    assert str(tmp_path / name) in str(error.value)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "file", tmp_path / "folder"]


LIMITED = """
import resource, sys
from pathlib import Path
from plugin.errors import PluginError
from plugin.state import NOTHING
from plugin.state.sqlite import SqliteStore
from tests.knowledge import FULL
store = SqliteStore(Path(sys.argv[1])) if sys.argv[2] == "later" else None
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))  # as a disk that is full
try:
    store = store or SqliteStore(Path(sys.argv[1]))
    store.save(NOTHING, FULL)
except PluginError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(("when", "error"), [("at once", "InvalidSettings"), ("later", "Unreachable")])
def test_a_full_disk_is_a_wrong_setting_at_the_start_and_unreachable_later(path: Path, when: str, error: str) -> None:
    command = [sys.executable, "-c", LIMITED, str(path), when]
    said = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout

    assert said.startswith(error)
    assert str(path) in said
    with closing(SqliteStore(path)) as store:
        assert store.load() == NOTHING


def test_a_state_that_is_gone_or_locked_for_long_is_unreachable(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugin.state.sqlite.WAIT", 0.05)
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


def test_a_save_that_fails_half_way_leaves_everything_as_it_was(path: Path) -> None:
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

    def compete(self) -> None:
        """It has it."""


def test_who_serves_alone_looks_once_in_a_second_and_at_once_after_writing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("plugin.state.sqlite.time.monotonic", lambda: now[0])
    with closing(SqliteStore(path, Alone())) as server, closing(SqliteStore(path)) as command:
        server.save(NOTHING, FULL)
        assert server.head() == FULL.head
        command.act(acknowledgement(CATALOG.fingerprint))
        assert server.head() == FULL.head
        now[0] += LOOK
        assert server.head().version == FULL.head.version + 1

        assert command.head().version == FULL.head.version + 1
        server.act(acknowledgement("another"))
        assert command.head() == server.head()  # who does not serve looks each time
        assert server.head().version == FULL.head.version + 2
        command.act(acknowledgement("a third"))
        with pytest.raises(Outdated):
            server.save(FULL, later(FULL))
        assert server.head().version == FULL.head.version + 3


def test_what_somebody_serves_from_is_not_set_aside(path: Path) -> None:
    save(path)
    with closing(FileLease(path)) as lease:
        lease.compete()
        run(path, f"PRAGMA user_version = {SCHEMA + 1}")
        with pytest.raises(InvalidSettings, match="another process serves"):
            SqliteStore(path)
    assert [file.name for file in path.parent.iterdir() if "set-aside" in file.name] == []


def test_it_can_be_closed_while_it_is_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_looking_at_what_is_stored_changes_nothing(path: Path) -> None:
    assert stored_in(path) == NOTHING
    assert not path.exists()

    with closing(SqliteStore(path)) as server:
        server.save(NOTHING, FULL)
        assert details(stored_in(path)) == details(FULL)
    content = path.read_bytes()
    assert details(stored_in(path)) == details(FULL)
    assert path.read_bytes() == content


@pytest.mark.parametrize("breaking", BROKEN.values(), ids=BROKEN)
def test_looking_at_a_broken_file_says_so_and_leaves_it_where_it_is(
    path: Path, breaking: Callable[[Path], object]
) -> None:
    save(path)
    breaking(path)
    broken = path.read_bytes()
    with pytest.raises(Unreachable, match=r"state\.db"):
        stored_in(path)
    assert path.read_bytes() == broken


def test_a_refresh_that_changed_nothing_writes_next_to_nothing(path: Path) -> None:
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
