"""State in one SQLite file: it survives the end of the process, `kill -9` and a power cut at any moment."""

import sqlite3
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from plugin.core.facts.acts import Act
from plugin.core.facts.deployments import Reported, with_report
from plugin.state import NOTHING, Head, Known, Lease, Outdated, Unreachable
from plugin.state.entries import Name
from plugin.state.records import Records, act_entry, act_in, reported_entry, reported_in
from plugin.state.sqlite_file import (
    BUSY_TIMEOUT,
    REPORTS,
    Unusable,
    check,
    connect,
    open_file,
    read_head,
    read_known,
    transaction,
)

HEAD_MAX_AGE = 0.5  # seconds for which the process with the lease may use a head that it read

_VALUE = "SELECT value FROM entry WHERE kind = ? AND key = ?"
_PUT = "INSERT INTO entry VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
_DELETE = "DELETE FROM entry WHERE kind = ? AND key = ?"


class SqliteStore:
    """One connection reads the head, so that a request never waits for the other connection, which does the rest.

    The process that holds the lease writes every version itself, so it reads the head only twice a second: SQLite
    releases Python's lock several times in a query, which under load costs more than the rest of an answer.
    """

    def __init__(self, path: Path, lease: Lease | None = None) -> None:
        """Open the file or start a new one. Without a lease the head is read each time. Raises InvalidSettings."""
        self._path = path
        self._lease = lease
        self._records = Records()
        self._working = threading.Lock()
        self._looking = threading.Lock()
        self._connection = open_file(path)
        self._heads = connect(path)
        self._looked: tuple[Head, float] | None = None  # and until when it may be used, by the steady clock

    def head(self) -> Head:
        """Return the newest head, including one stored by another process. Raises Unreachable."""
        looked = self._looked
        if looked and time.monotonic() < looked[1]:
            return looked[0]
        with self._looking, self._errors():
            until, head = time.monotonic() + HEAD_MAX_AGE, read_head(self._heads)
            self._looked = (head, until) if self._lease and self._lease.held else None
            return head

    def load(self) -> Known:
        """Return everything. Raises Unreachable."""
        with self._working, self._errors():
            return read_known(self._connection, self._records)

    def save(self, before: Known, after: Known) -> None:
        """Replace `before` with `after` in one step. Raises Outdated or Unreachable."""
        with self._working:
            changes = self._records.changes(before, after)
            with self._transaction():
                if read_head(self._connection).version != before.head.version:
                    raise Outdated("something newer was stored in the meantime")
                self._put(changes.put.items())
                self._connection.executemany(_DELETE, ((name.kind, name.key) for name in changes.deleted))
                fresh_at = after.head.fresh_at.isoformat() if after.head.fresh_at else None
                self._connection.execute("UPDATE head SET version = ?, fresh_at = ?", (after.head.version, fresh_at))

    def act(self, act: Act) -> None:
        """Store what somebody said, in a new version, unless a newer act is stored. Raises Unreachable."""
        name, data = act_entry(act)
        with self._working, self._transaction():
            if act.replaces(act_in(self._value(name))):
                self._put([(name, data)])
                self._connection.execute("UPDATE head SET version = version + 1")

    def report(self, name: str, report: Reported) -> None:
        """Store what Argo CD reported about the preview of this name. Raises Unreachable."""
        with self._working, self._transaction():
            before = reported_in(self._value(Name("reported", name)))
            if (after := with_report(before, report)) is not before:
                self._put([reported_entry(name, after), (REPORTS, uuid.uuid4().hex.encode())])

    def close(self) -> None:
        """Close the file."""
        with self._working, self._looking:  # in this order, as a write does
            self._heads.close()
            self._connection.close()

    def _value(self, name: Name) -> bytes | None:
        found = self._connection.execute(_VALUE, (name.kind, name.key)).fetchone()
        return found[0] if found else None

    def _put(self, entries: Iterable[tuple[Name, bytes]]) -> None:
        self._connection.executemany(_PUT, ((name.kind, name.key, data) for name, data in entries))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            with self._errors(), transaction(self._connection):
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
    """Return what a file holds, without changing it; nothing if it does not exist. Raises Unreachable."""
    if not path.exists():
        return NOTHING
    try:
        uri = f"{path.as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT, isolation_level=None)) as connection:
            return read_known(connection, Records(), check(path, connection))
    except (sqlite3.Error, Unusable) as error:
        raise _unreachable(path, error) from error


def _unreachable(path: Path, error: Exception) -> Unreachable:
    return Unreachable(f"the state in {path} cannot be used: {error}")
