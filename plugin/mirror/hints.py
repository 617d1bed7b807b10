"""Hints: repositories that are said to have changed. Each is read soon, and again once GitHub's API can know."""

from collections.abc import Collection
from dataclasses import dataclass, field

# GitHub's webhooks arrive before its API knows, and rarely alone.
SETTLING = 2.0  # seconds from a hint until the API has caught up
LONGEST = 3 * SETTLING  # seconds between two readings at most while hints keep coming


@dataclass(slots=True)
class Hints:
    """The hints whose repositories wait to be read, so that a burst of them costs few readings.

    The first hint after some quiet is read at once, because the API often knows already. That reading proves nothing:
    only one that begins SETTLING after a hint is the last that the hint asks for.
    """

    _settled_at: dict[str, float] = field(default_factory=dict)  # by repository: when the API can know its newest hint
    _waiting_since: float = 0.0

    def ready(self, new: Collection[str], now: float) -> frozenset[str]:
        """Add hints; return all repositories to read now, each once. `now` is in seconds of a steady clock."""
        quiet = not self._settled_at
        self._settled_at |= dict.fromkeys(new, now + SETTLING)
        if quiet:
            self._waiting_since = now
            return frozenset(new)
        if now < max(self._settled_at.values()) and now < self._waiting_since + LONGEST:
            return frozenset()
        names = frozenset(self._settled_at)
        self._settled_at = {name: at for name, at in self._settled_at.items() if at > now}
        self._waiting_since = now
        return names
