"""The file of a state, as users, disks, other programs and other versions of this one leave it."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from plugin.errors import InvalidSettings
from plugin.state import NOTHING, Unreachable, upgrades
from plugin.state.entries import SCHEMA
from plugin.state.file_lease import FileLease
from plugin.state.sqlite import SqliteStore, stored_in
from plugin.state.sqlite_file import APPLICATION_ID
from tests.knowledge import FULL, details, later
from tests.version_1 import FOLDER, STORIES, copy_file, expected


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


def number(path: Path, query: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        ((found,),) = connection.execute(query)
        return int(found)


def foreign(path: Path) -> None:
    path.unlink()
    run(path, "CREATE TABLE recipes (name TEXT)")


BROKEN: dict[str, Callable[[Path], object]] = {
    "JSON": lambda path: path.write_text('{"version": 1}'),
    "noise": lambda path: path.write_bytes(os.urandom(50_000)),
    "another program's database": foreign,
    "another program's mark": lambda path: run(path, "PRAGMA application_id = 1"),
    "of a version that never was": lambda path: run(path, "PRAGMA user_version = 0"),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-4096]),
    "cut off in the header": lambda path: path.write_bytes(path.read_bytes()[:50]),
    "noise in the middle": lambda path: overwrite(path, 4096, os.urandom(4096)),
    "noise in the index": lambda path: overwrite(path, 3 * 4096, os.urandom(4096)),  # which only the check reads
    "all zeros": lambda path: path.write_bytes(bytes(8192)),
    "without entries": lambda path: run(path, "DROP TABLE entry"),
    "without a head": lambda path: run(path, "DELETE FROM head"),
    "with two heads": lambda path: run(path, "INSERT INTO head VALUES (9, NULL)"),
    "with a strange time": lambda path: run(path, "UPDATE head SET fresh_at = 'noon'"),
}


@pytest.mark.parametrize("breaking", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_set_aside_and_a_new_state_begins(path: Path, breaking: Callable[[Path], object]) -> None:
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


@pytest.mark.parametrize("breaking", BROKEN.values(), ids=BROKEN)
def test_reading_a_broken_file_reports_it_and_leaves_it(path: Path, breaking: Callable[[Path], object]) -> None:
    save(path)
    breaking(path)
    broken = path.read_bytes()
    with pytest.raises(Unreachable, match=r"state\.db"):
        stored_in(path)
    assert path.read_bytes() == broken


def test_a_file_that_is_set_aside_takes_its_journal_along(path: Path) -> None:
    save(path)
    with closing(sqlite3.connect(path)) as another_program:
        another_program.execute("PRAGMA application_id = 1")  # in the journal only, as long as this is open
        SqliteStore(path).close()
        (aside,) = path.parent.glob("state.db.set-aside-2*Z")
        assert number(aside, "PRAGMA application_id") == 1
    assert stored_in(path) == NOTHING


def test_a_broken_file_that_another_process_serves_from_stays(path: Path) -> None:
    save(path)
    with closing(FileLease(path)) as lease:
        lease.compete()
        run(path, "PRAGMA application_id = 1")
        with pytest.raises(InvalidSettings, match="another process serves"):
            SqliteStore(path)
    assert [file.name for file in path.parent.iterdir() if "set-aside" in file.name] == []


def test_an_empty_file_becomes_a_state(path: Path) -> None:
    path.touch()
    save(path)

    assert list(path.parent.iterdir()) == [path]


def test_a_state_is_marked_with_its_program_and_schema(path: Path) -> None:
    save(path)

    assert number(path, "PRAGMA application_id") == APPLICATION_ID
    assert number(path, "PRAGMA user_version") == SCHEMA
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_folder_is_made_and_others_cannot_read_the_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "state.db"
    save(path)

    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["", "folder", "file/state.db", "/proc/state.db"])
def test_a_path_that_cannot_be_written_is_an_invalid_setting(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(InvalidSettings, match=r"^PREVIEW_STATE: /.*") as error:
        SqliteStore(tmp_path / name)
    assert str(tmp_path / name) in str(error.value)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "file", tmp_path / "folder"]


@pytest.mark.parametrize("story", STORIES)
def test_a_file_of_version_1_is_upgraded_in_place(path: Path, story: str) -> None:
    copy_file(story, path)
    wanted = expected(story)
    with capture_logs() as logs, closing(SqliteStore(path)) as store:
        assert store.head() == wanted.head
        before = store.load()
        assert details(before) == details(wanted)
        store.save(before, later(before))
        assert store.load().head.version == wanted.head.version + 1
    assert number(path, "PRAGMA user_version") == SCHEMA
    assert number(path, "SELECT count(*) FROM entry WHERE kind IN ('emitted', 'acknowledged')") == 0

    kept = path.with_name("state.db.version-1")
    (line,) = logs
    assert (line["log_level"], line["before"], line["schema"], line["kept_as"]) == ("info", 1, SCHEMA, str(kept))


def test_an_upgrade_keeps_a_copy_for_a_rollback(path: Path) -> None:
    kept = path.with_name("state.db.version-1")
    kept.write_text("of an upgrade before")
    copy_file("held", path)
    SqliteStore(path).close()
    SqliteStore(path).close()  # an upgraded file is not copied

    assert sorted(file.name for file in path.parent.iterdir()) == ["state.db", "state.db.lock", "state.db.version-1"]
    original_file = f"{(FOLDER / 'held.db').as_uri()}?immutable=1"  # so that nothing is written beside it
    with closing(sqlite3.connect(kept)) as copy, closing(sqlite3.connect(original_file, uri=True)) as original:
        for query in ("PRAGMA user_version", "PRAGMA application_id", "SELECT * FROM head", "SELECT * FROM entry"):
            assert copy.execute(query).fetchall() == original.execute(query).fetchall()
    assert kept.stat().st_mode & 0o077 == 0
    assert details(stored_in(kept)) == details(expected("held"))


@pytest.mark.parametrize("story", STORIES)
def test_reading_a_file_of_version_1_changes_nothing(path: Path, story: str) -> None:
    copy_file(story, path)
    content = path.read_bytes()

    assert details(stored_in(path)) == details(expected(story))
    assert path.read_bytes() == content
    assert not path.with_name("state.db.version-1").exists()


def test_an_upgrade_that_fails_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy_file("calm", path)

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as failing:
        failing.setattr("plugin.state.sqlite_file.upgraded", fail)
        with pytest.raises(InvalidSettings, match="disk is full"):
            SqliteStore(path)
    assert number(path, "PRAGMA user_version") == 1
    with closing(SqliteStore(path)) as store:
        assert details(store.load()) == details(expected("calm"))


def test_a_file_that_an_older_program_serves_from_is_not_upgraded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugin.state.file_lease.RETRY_INTERVAL", 0.01)
    monkeypatch.setattr("plugin.state.sqlite_file.FileLease", lambda path: FileLease(path, 0.05))
    copy_file("calm", path)
    content = path.read_bytes()
    with closing(FileLease(path)) as server:
        server.compete()
        with pytest.raises(InvalidSettings, match="another process serves"):
            SqliteStore(path)
    assert path.read_bytes() == content


def test_a_file_that_another_process_has_just_upgraded_stays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy_file("calm", path)
    compete = FileLease.compete

    def compete_late(lease: FileLease) -> None:
        monkeypatch.setattr(FileLease, "compete", compete)
        SqliteStore(path).close()  # the other process
        monkeypatch.setattr(upgrades, "_STEPS", {})
        compete(lease)

    monkeypatch.setattr(FileLease, "compete", compete_late)
    with closing(SqliteStore(path)) as store:
        assert details(store.load()) == details(expected("calm"))


def test_a_file_of_a_newer_version_stops_the_start_and_stays(path: Path) -> None:
    save(path)
    run(path, f"PRAGMA user_version = {SCHEMA + 1}")
    content = path.read_bytes()
    with pytest.raises(InvalidSettings) as error:
        SqliteStore(path)

    assert str(error.value) == (
        f"PREVIEW_STATE: {path} cannot be used: a newer version of this program wrote it (its schema has version "
        f"{SCHEMA + 1}, this program knows {SCHEMA}); start the newer version again, or move it away"
    )
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(Unreachable, match="a newer version of this program wrote it"):
        stored_in(path)


def test_a_file_of_a_newer_version_names_the_copy_that_was_kept(path: Path) -> None:
    save(path)
    kept = path.with_name(f"state.db.version-{SCHEMA}")
    kept.write_bytes(path.read_bytes())
    run(path, f"PRAGMA user_version = {SCHEMA + 1}")
    with pytest.raises(InvalidSettings, match=rf"or put {kept.name} in its place, which was kept before the upgrade$"):
        SqliteStore(path)

    path.write_bytes(kept.read_bytes())
    assert details(stored_in(path)) == details(FULL)
