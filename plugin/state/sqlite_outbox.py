"""The outbox in the file of a state, on a connection of its own: nothing that is answered waits for it."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from plugin.core.reports.budget import Budget
from plugin.core.reports.content import Target
from plugin.core.reports.steps import Standing
from plugin.state import Unreachable
from plugin.state.entries import Name
from plugin.state.outbox import BUDGET, KINDS, STANDING, Sent, budget_entry, read_sent, standing_entry
from plugin.state.sqlite_file import connect, transaction

_ENTRIES = f"SELECT kind, key, value FROM entry WHERE kind IN ({', '.join('?' * len(KINDS))})"  # noqa: S608  only marks
_PUT = "INSERT INTO entry VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
_DELETE = "DELETE FROM entry WHERE kind = ? AND key = ?"


class SqliteOutbox:
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

    def keep(self, budget: Budget, target: Target, standing: Standing | None) -> None:
        """Keep what is known of one target, or forget it. Raises Unreachable."""
        with self._working, self._errors(), transaction(self._connection):
            self._connection.execute(_PUT, (BUDGET, "", budget_entry(budget)))
            if standing:
                self._connection.execute(_PUT, (STANDING, target.key, standing_entry(standing)))
            else:
                self._connection.execute(_DELETE, (STANDING, target.key))

    def close(self) -> None:
        """Close the connection."""
        with self._working:
            self._connection.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise Unreachable(f"the state in {self._path} cannot be used: {error}") from error
