"""Knowledge in memory: it ends with the process, and a new process answers 503 until it has read everything."""

import threading
from collections.abc import Collection
from dataclasses import replace

from plugin.core.breaker import Emitted
from plugin.core.filters import Filters
from plugin.state import NOTHING, Head, Known, Outdated


class MemoryStore:
    """Keeps one reference."""

    def __init__(self, known: Known = NOTHING) -> None:
        self._known = known
        self._writing = threading.Lock()

    def head(self) -> Head:
        return self._known.head

    def load(self) -> Known:
        return self._known

    def save(self, before: Known, after: Known) -> None:
        with self._writing:
            self._check(before.head.version)
            self._known = replace(
                after, emitted={**self._known.emitted, **after.emitted}, acknowledged=self._known.acknowledged
            )

    def emit(self, version: int, filters: Filters, emitted: Emitted) -> None:
        with self._writing:
            self._check(version)
            self._known = replace(self._known, emitted={**self._known.emitted, filters: emitted})

    def acknowledge(self, fingerprint: str) -> None:
        with self._writing:
            head = replace(self._known.head, version=self._known.head.version + 1)
            self._known = replace(self._known, head=head, acknowledged=self._known.acknowledged | {fingerprint})

    def _check(self, version: int) -> None:
        if version != self._known.head.version:
            raise Outdated("something newer was stored meanwhile")


class LocalBoard:
    def __init__(self) -> None:
        self._hints: set[str] = set()
        self._asked = 0

    def hint(self, repositories: Collection[str]) -> None:
        self._hints.update(repositories)

    def take_hints(self) -> frozenset[str]:
        hints, self._hints = frozenset(self._hints), set()
        return hints

    def asked(self, version: int) -> None:
        self._asked = max(self._asked, version)

    def newest_asked(self) -> int:
        return self._asked


class LocalLease:
    held = True
