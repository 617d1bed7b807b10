"""The outbox in the file of a state, on a connection of its own: nothing that is answered waits for it."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from plugin.core.commands.answer import Note
from plugin.core.reports.budget import Budget
from plugin.core.reports.content import Target
from plugin.core.reports.steps import Standing
from plugin.state import Unreachable
from plugin.state.entries import Name
from plugin.state.outbox import (
    BUDGET,
    KINDS,
    NOTE,
    SINCE,
    STANDING,
    Sent,
    budget_entry,
    note_entry,
    read_sent,
    since_entry,
    standing_entry,
)
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
        self._keep(budget, Name(STANDING, target.key), standing_entry(standing) if standing else None)

    def keep_note(self, budget: Budget, key: str, note: Note | None) -> None:
        """Keep what is known of one command, or forget it. Raises Unreachable."""
        self._keep(budget, Name(NOTE, key), note_entry(note) if note else None)

    def keep_since(self, budget: Budget, since: datetime | None) -> None:
        """Keep since when comments can be commands, or that none can. Raises Unreachable."""
        self._keep(budget, Name(SINCE), since_entry(since) if since else None)

    def close(self) -> None:
        """Close the connection."""
        with self._working:
            self._connection.close()

    def _keep(self, budget: Budget, name: Name, data: bytes | None) -> None:
        with self._working, self._errors(), transaction(self._connection):
            self._connection.execute(_PUT, (BUDGET, "", budget_entry(budget)))
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
