"""State in memory: it ends with the process, and a new process answers 503 until it has read everything."""

import threading
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TypeVar

from plugin.core.answers.breaker import Emitted
from plugin.core.answers.filters import Filters
from plugin.state import NOTHING, Head, Known, Outdated

K = TypeVar("K")
V = TypeVar("V")


class MemoryStore:
    """Keeps one reference; replacing it is atomic."""

    def __init__(self, known: Known = NOTHING) -> None:
        self._known = known
        self._writing = threading.Lock()

    def head(self) -> Head:
        """Return the head of what was stored last."""
        return self._known.head

    def load(self) -> Known:
        """Return what was stored last."""
        return self._known

    def save(self, before: Known, after: Known) -> None:
        """Keep `after`, and what was emitted since `before`. Raises Outdated."""
        with self._writing:
            self._must_be_newest(before.head.version)
            self._known = replace(after, emitted=_merged(self._known.emitted, before.emitted, after.emitted))

    def emit(self, version: int, filters: Filters, emitted: Emitted) -> None:
        """Keep what was answered to an input for the first time. Raises Outdated."""
        with self._writing:
            self._must_be_newest(version)
            self._known = replace(self._known, emitted={**self._known.emitted, filters: emitted})

    def acknowledge(self, fingerprint: str) -> None:
        """Remember that a human has acknowledged a catalog, in a new version."""
        with self._writing:
            head = replace(self._known.head, version=self._known.head.version + 1)
            self._known = replace(self._known, head=head, acknowledged=self._known.acknowledged | {fingerprint})

    def _must_be_newest(self, version: int) -> None:
        if version != self._known.head.version:
            raise Outdated("something newer was stored meanwhile")


class LocalBoard:
    """The board of a process that has no other replicas."""

    def __init__(self) -> None:
        self._hints: frozenset[str] = frozenset()
        self._asked = 0
        self._writing = threading.Lock()

    def hint(self, repositories: Collection[str]) -> None:
        """Say that something may have changed in these repositories."""
        with self._writing:
            self._hints |= frozenset(repositories)

    def take_hints(self) -> frozenset[str]:
        """Return what was hinted at since the last time, once."""
        with self._writing:
            hints, self._hints = self._hints, frozenset()
            return hints

    def asked(self, version: int) -> None:
        """Say that an answer of this version was given to Argo CD."""
        with self._writing:
            self._asked = max(self._asked, version)

    def newest_asked(self) -> int:
        """Return the newest version that was given to Argo CD."""
        return self._asked


class LocalLease:
    """The lease of a process that has no other replicas: always held."""

    held = True

    def compete(self) -> None:
        """Do nothing: there is nobody else."""


def _merged(stored: Mapping[K, V], before: Mapping[K, V], after: Mapping[K, V]) -> Mapping[K, V]:
    """Return `stored` with the changes from `before` to `after`."""
    kept = {key: value for key, value in stored.items() if key in after or key not in before}
    changed = {key: value for key, value in after.items() if key not in before or before[key] is not value}
    return kept | changed
