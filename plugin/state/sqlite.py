"""State in one SQLite file: it survives the process, and kill -9 or a power cut at any moment.

A file that is damaged, of another program or of another version is set aside under a name that tells the time.
"""

import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from plugin.core.facts.acts import Act
from plugin.errors import InvalidSettings
from plugin.logs import get_logger
from plugin.state import NOTHING, Head, Known, Lease, Outdated, Unreachable
from plugin.state.entries import SCHEMA, Name
from plugin.state.file_lease import FileLease
from plugin.state.records import Records, act_entry, act_in

# In the file's header, so that no other program's file is ever taken for ours: https://www.sqlite.org/pragma.html#pragma_application_id
APPLICATION_ID = int.from_bytes(b"PrVw")
WAIT = 5.0  # seconds for a second process (`preview-plugin acknowledge`) to end its writing
LOOK = 1.0  # seconds between two looks at what that one wrote

_CREATE = (
    "CREATE TABLE head (version INTEGER NOT NULL, fresh_at TEXT) STRICT",
    "INSERT INTO head VALUES (0, NULL)",
    "CREATE TABLE entry (kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (kind, key)) STRICT",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA}",
)
_HEAD = "SELECT version, fresh_at FROM head"
_ENTRIES = "SELECT kind, key, value FROM entry"
_VALUE = "SELECT value FROM entry WHERE kind = ? AND key = ?"
_PUT = "INSERT INTO entry VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
_DAMAGE = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class _Unusable(Exception):
    """The file is no state of this version; the text says why."""


class SqliteStore:
    """One connection looks at the head, so that no request ever waits for the other one, which does all else.

    Who has the lease looks once in a second, because it writes every answer itself: SQLite lets go of Python's lock
    several times in a query, which under load costs more than all the rest of an answer.
    """

    def __init__(self, path: Path, lease: Lease | None = None) -> None:
        """Open the file or start a new one; without a lease each look is a real one. Raises InvalidSettings."""
        self._path = path
        self._lease = lease
        self._records = Records()
        self._working = threading.Lock()
        self._looking = threading.Lock()
        self._connection = _open(path)
        self._heads = _connect(path)
        self._looked: tuple[Head, float] | None = None  # until when that may be used, by the steady clock

    def head(self) -> Head:
        """Return the newest head, also of another process's making. Raises Unreachable."""
        looked = self._looked
        if looked and time.monotonic() < looked[1]:
            return looked[0]
        with self._looking, self._errors():
            until, head = time.monotonic() + LOOK, _head(self._heads)
            self._looked = (head, until) if self._lease and self._lease.held else None
            return head

    def load(self) -> Known:
        """Return everything. Raises Unreachable."""
        with self._working, self._errors():
            return _load(self._connection, self._records)

    def save(self, before: Known, after: Known) -> None:
        """Store `after` where `before` is stored. Raises Outdated or Unreachable."""
        with self._working:
            changes = self._records.changes(before, after)
            with self._transaction():
                self._must_be_newest(before.head.version)
                self._put(changes.put.items())
                deleted = ((name.kind, name.key) for name in changes.deleted)
                self._connection.executemany("DELETE FROM entry WHERE kind = ? AND key = ?", deleted)
                fresh_at = after.head.fresh_at.isoformat() if after.head.fresh_at else None
                self._connection.execute("UPDATE head SET version = ?, fresh_at = ?", (after.head.version, fresh_at))

    def act(self, act: Act) -> None:
        """Store what somebody said, in a new version, unless a newer act is stored. Raises Unreachable."""
        name, data = act_entry(act)
        with self._working, self._transaction():
            stored = self._connection.execute(_VALUE, (name.kind, name.key)).fetchone()
            if act.replaces(act_in(stored[0]) if stored else None):
                self._put([(name, data)])
                self._connection.execute("UPDATE head SET version = version + 1")

    def close(self) -> None:
        """Let go of the file."""
        with self._working, self._looking:  # in this order, as a write does
            self._heads.close()
            self._connection.close()

    def _must_be_newest(self, version: int) -> None:
        if _head(self._connection).version != version:
            raise Outdated("something newer was stored meanwhile")

    def _put(self, entries: Iterable[tuple[Name, bytes]]) -> None:
        self._connection.executemany(_PUT, ((name.kind, name.key, data) for name, data in entries))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            with self._errors(), _transaction(self._connection):
                yield
        finally:
            with self._looking:
                self._looked = None

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _unreachable(self._path, error) from error


def stored_in(path: Path) -> Known:
    """Return what a file holds, without changing it; nothing if there is none. Raises Unreachable."""
    if not path.exists():
        return NOTHING
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=WAIT)) as connection:
            _check(connection)
            return _load(connection, Records())
    except (sqlite3.Error, _Unusable) as error:
        raise _unreachable(path, error) from error


def _unreachable(path: Path, error: Exception) -> Unreachable:
    return Unreachable(f"the state in {path} cannot be used: {error}")


def _open(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _opened(path)
        except _Unusable as error:
            with closing(FileLease(path, patience=0.0)) as lease:
                lease.compete()  # whoever serves from it knows it better
                _set_aside(path, str(error))
        return _opened(path)
    except (OSError, sqlite3.Error, _Unusable) as error:
        reason = "is a folder; name a file in it" if path.is_dir() else f"cannot be used: {error}"
        raise InvalidSettings(f"PREVIEW_STATE: {path} {reason}") from error


def _opened(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)  # it holds what people wrote in private repositories
    connection = _connect(path)
    try:
        # Under the lock for writing: another process may be creating the file at this very moment.
        with _transaction(connection):
            if _is_empty(connection):
                for statement in _CREATE:
                    connection.execute(statement)
            _check(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # what was saved is on the disk before it is answered
    except sqlite3.Error as error:
        connection.close()
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE:  # the lower byte is the kind of error
            raise _Unusable(str(error)) from error
        raise
    except _Unusable:
        connection.close()
        raise
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=WAIT, isolation_level=None, check_same_thread=False)  # locks take turns


def _is_empty(connection: sqlite3.Connection) -> bool:
    header = _number(connection, "PRAGMA application_id"), _number(connection, "PRAGMA user_version")
    return header == (0, 0) and not _number(connection, "SELECT count(*) FROM sqlite_master")


def _check(connection: sqlite3.Connection) -> None:
    """Raise _Unusable, or sqlite3.Error, unless this is a state of this version and whole."""
    if _number(connection, "PRAGMA application_id") != APPLICATION_ID:
        raise _Unusable("it is a database of another program")
    version = _number(connection, "PRAGMA user_version")
    if version != SCHEMA:
        raise _Unusable(f"its schema has version {version}; this program knows {SCHEMA}")
    ((damage, *_), *_) = connection.execute("PRAGMA integrity_check(1)")
    if damage != "ok":
        raise _Unusable(f"it is damaged: {damage}")
    try:
        _head(connection)
    except ValueError as error:
        raise _Unusable("its head is missing or wrong") from error
    connection.execute(f"{_ENTRIES} LIMIT 1").fetchone()


def _set_aside(path: Path, reason: str) -> None:
    kept = path.with_name(f"{path.name}.set-aside-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    for suffix in ("-wal", "-shm", ""):  # the file itself last, so that its journal never belongs to a new one
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(kept.with_name(kept.name + suffix))
    get_logger().error(
        "the state file cannot be used; it is set aside, and a new state begins",
        file=str(path),
        kept_as=str(kept),
        reason=reason,
    )


def _head(connection: sqlite3.Connection) -> Head:
    ((version, fresh_at),) = connection.execute(_HEAD)
    return Head(version, datetime.fromisoformat(fresh_at) if fresh_at else None)


def _load(connection: sqlite3.Connection, records: Records) -> Known:
    with _transaction(connection, "DEFERRED"):  # both queries see the same state
        head = _head(connection)
        entries = [(Name(kind, key), value) for kind, key, value in connection.execute(_ENTRIES)]
    return records.known(head, entries)


def _number(connection: sqlite3.Connection, query: str) -> int:
    ((number,),) = connection.execute(query)
    return int(number)


@contextmanager
def _transaction(connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
