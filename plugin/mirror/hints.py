"""Hints: repositories that are said to have changed; they are read together, once GitHub's API can know."""

from collections.abc import Collection
from dataclasses import dataclass, field

# GitHub's webhooks arrive before its API knows, and rarely alone.
SETTLING = 2.0  # seconds from the newest hint to the reading
LONGEST = 3 * SETTLING  # seconds from the first hint, however many follow


@dataclass(slots=True)
class Hints:
    """The hints whose repositories wait to be read."""

    _names: set[str] = field(default_factory=set)
    _first: float = 0.0
    _newest: float = 0.0

    def ready(self, new: Collection[str], now: float) -> frozenset[str]:
        """Add hints; return all repositories to read now, each once. `now` is in seconds of a steady clock."""
        if new:
            self._first = self._first if self._names else now
            self._newest = now
            self._names.update(new)
        if not self._names or (now < self._newest + SETTLING and now < self._first + LONGEST):
            return frozenset()
        names, self._names = frozenset(self._names), set()
        return names
