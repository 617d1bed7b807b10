"""The outbox in the file of a state, on a connection of its own: nothing that is answered waits for it."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plugin.state import Unreachable
from plugin.state.entries import Name
from plugin.state.outbox import BUDGET, KINDS, EntryOutbox, Sent, read_sent
from plugin.state.sqlite_file import connect, transaction

_ENTRIES = f"SELECT kind, key, value FROM entry WHERE kind IN ({', '.join('?' * len(KINDS))})"  # noqa: S608  only marks
_PUT = "INSERT INTO entry VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
_DELETE = "DELETE FROM entry WHERE kind = ? AND key = ?"


class SqliteOutbox(EntryOutbox):
    """Entries beside those of the store, which leaves them alone. Only one process serves from a file."""

    def __init__(self, path: Path) -> None:
        """Connect to a file that exists."""
        self._path = path
        self._connection = connect(path)
        self._working = threading.Lock()

    def load(self) -> Sent:
        """Return what was kept last. Raises Unreachable."""
        with self._working, self._errors():
            rows = self._connection.execute(_ENTRIES, sorted(KINDS)).fetchall()
        return read_sent((Name(kind, key), value) for kind, key, value in rows)

    def close(self) -> None:
        """Close the connection."""
        with self._working:
            self._connection.close()

    def _store(self, budget: bytes, name: Name, data: bytes | None) -> None:
        with self._working, self._errors(), transaction(self._connection):
            self._connection.execute(_PUT, (BUDGET, "", budget))
            if data is None:
                self._connection.execute(_DELETE, (name.kind, name.key))
            else:
                self._connection.execute(_PUT, (name.kind, name.key, data))

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise Unreachable(f"the state in {self._path} cannot be used: {error}") from error
