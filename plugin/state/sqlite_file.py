"""The file of a state: created, checked, upgraded, or set aside if it is not a whole state.

A damaged file, or one of another program, is set aside under a name with the time, and a new state begins. A file of an
older schema is upgraded in place; a copy is kept beside it, so that the program can be rolled back. A file of a newer
schema is left alone: this program cannot read it, and setting it aside would lose everything on a rollback.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from plugin.errors import InvalidSettings
from plugin.logs import get_logger
from plugin.state import Head, Known
from plugin.state.entries import SCHEMA, Name
from plugin.state.file_lease import FileLease
from plugin.state.records import Records
from plugin.state.upgrades import upgraded

# In the file's header, so that a file of another program is never mistaken for a state:
# https://www.sqlite.org/pragma.html#pragma_application_id
APPLICATION_ID = int.from_bytes(b"PrVw")
BUSY_TIMEOUT = 5.0  # seconds to wait while another process (`preview-plugin acknowledge`) writes

_CREATE = (
    "CREATE TABLE head (version INTEGER NOT NULL, fresh_at TEXT) STRICT",
    "INSERT INTO head VALUES (0, NULL)",
    "CREATE TABLE entry (kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (kind, key)) STRICT",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA}",
)
# An entry and no column, because files of this schema were made without one.
_REPORTS = "kind = 'head' AND key = 'reports'"
_HEAD = f"SELECT version, fresh_at, (SELECT CAST(value AS TEXT) FROM entry WHERE {_REPORTS}) FROM head"  # noqa: S608
_ENTRIES = f"SELECT kind, key, value FROM entry WHERE NOT ({_REPORTS})"  # noqa: S608
REPORTS = Name("head", "reports")
_DAMAGE = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Unusable(Exception):
    """The file is not a whole state. The text says why."""


class _Newer(Unusable):
    """The file has a newer schema than this program knows."""


class _Older(Exception):
    """The file has an older schema and must be upgraded."""


def open_file(path: Path) -> sqlite3.Connection:
    """Open the file of a state, or start a new one. Raises InvalidSettings."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _opened(path)
        except _Newer:
            raise
        except _Older:
            with _unused(path):
                _upgrade(path)
        except Unusable as error:
            with _unused(path, timeout=0.0):
                _set_aside(path, str(error))
        return _opened(path)
    except (OSError, sqlite3.Error, Unusable) as error:
        reason = "is a folder; name a file in it" if path.is_dir() else f"cannot be used: {error}"
        raise InvalidSettings(f"PREVIEW_STATE: {path} {reason}") from error


def connect(path: Path) -> sqlite3.Connection:
    """Connect to an existing file. Callers take turns, so threads may share the connection."""
    return sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)


def check(path: Path, connection: sqlite3.Connection) -> int:
    """Return the version of the schema. Raises Unusable or sqlite3.Error unless the file is a whole state."""
    if _number(connection, "PRAGMA application_id") != APPLICATION_ID:
        raise Unusable("it is a database of another program")
    version = _number(connection, "PRAGMA user_version")
    if version > SCHEMA:
        raise _Newer(_what_to_do(path, version))
    if version < 1:
        raise Unusable(f"its schema has version {version}, which never existed")
    ((damage, *_), *_) = connection.execute("PRAGMA integrity_check(1)")
    if damage != "ok":
        raise Unusable(f"it is damaged: {damage}")
    try:
        read_head(connection)
    except ValueError as error:
        raise Unusable("its head is missing or wrong") from error
    connection.execute(f"{_ENTRIES} LIMIT 1").fetchone()
    return version


def read_head(connection: sqlite3.Connection) -> Head:
    """Return the head."""
    ((version, fresh_at, reports),) = connection.execute(_HEAD)
    return Head(version, datetime.fromisoformat(fresh_at) if fresh_at else None, reports or "")


def read_known(connection: sqlite3.Connection, records: Records, version: int = SCHEMA) -> Known:
    """Return everything in a file whose schema has this version."""
    with transaction(connection, "DEFERRED"):  # both queries see the same state
        head, entries = read_head(connection), _read_entries(connection)
    return records.known(head, upgraded(version, head, entries).items())


@contextmanager
def transaction(connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    """Do everything inside in one transaction, or nothing."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _opened(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)  # it holds what people wrote in private repositories
    connection = connect(path)
    try:
        # Under the lock for writing: another process may be creating the file at this very moment.
        with transaction(connection):
            if _is_empty(connection):
                for statement in _CREATE:
                    connection.execute(statement)
            _check_newest(path, connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # what was saved is on the disk before it is answered
    except sqlite3.Error as error:
        connection.close()
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE:  # the lower byte is the kind of error
            raise Unusable(str(error)) from error
        raise
    except (Unusable, _Older):
        connection.close()
        raise
    return connection


def _check_newest(path: Path, connection: sqlite3.Connection) -> None:
    if check(path, connection) < SCHEMA:
        raise _Older


@contextmanager
def _unused(path: Path, timeout: float | None = None) -> Iterator[None]:
    """Make sure that no other process serves from the file while it is replaced or upgraded."""
    with closing(FileLease(path) if timeout is None else FileLease(path, timeout)) as lease:
        lease.compete()
        yield


def _upgrade(path: Path) -> None:
    with closing(connect(path)) as connection, transaction(connection):
        version = check(path, connection)
        if version == SCHEMA:  # another process has just done it
            return
        kept = _keep_copy(path, version)
        entries = upgraded(version, read_head(connection), _read_entries(connection))
        connection.execute("DELETE FROM entry")
        rows = ((name.kind, name.key, value) for name, value in entries.items())
        connection.executemany("INSERT INTO entry VALUES (?, ?, ?)", rows)
        connection.execute(f"PRAGMA user_version = {SCHEMA}")
    get_logger().info("the state file was upgraded", file=str(path), schema=SCHEMA, before=version, kept_as=str(kept))


def _keep_copy(path: Path, version: int) -> Path:
    kept = _copy_of(path, version)
    unfinished = kept.with_name(f"{kept.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    # Through a second connection: SQLite refuses to copy from one that is writing.
    with closing(connect(path)) as source, closing(sqlite3.connect(unfinished)) as target:
        source.backup(target)
    unfinished.replace(kept)
    return kept


def _copy_of(path: Path, version: int) -> Path:
    return path.with_name(f"{path.name}.version-{version}")


def _what_to_do(path: Path, version: int) -> str:
    kept = _copy_of(path, SCHEMA)
    instead = f"put {kept.name} in its place, which was kept before the upgrade" if kept.exists() else "move it away"
    return (
        f"a newer version of this program wrote it (its schema has version {version}, this program knows {SCHEMA}); "
        f"start the newer version again, or {instead}"
    )


def _set_aside(path: Path, reason: str) -> None:
    kept = path.with_name(f"{path.name}.set-aside-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    for suffix in ("-wal", "-shm", ""):  # the file itself last, so that its journal never belongs to a new one
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(kept.with_name(kept.name + suffix))
    get_logger().error(
        "the state file cannot be used; it was set aside, and a new state begins",
        file=str(path),
        kept_as=str(kept),
        reason=reason,
    )


def _is_empty(connection: sqlite3.Connection) -> bool:
    header = _number(connection, "PRAGMA application_id"), _number(connection, "PRAGMA user_version")
    return header == (0, 0) and not _number(connection, "SELECT count(*) FROM sqlite_master")


def _read_entries(connection: sqlite3.Connection) -> Mapping[Name, bytes]:
    return {Name(kind, key): value for kind, key, value in connection.execute(_ENTRIES)}


def _number(connection: sqlite3.Connection, query: str) -> int:
    ((number,),) = connection.execute(query)
    return int(number)
