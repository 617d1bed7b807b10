"""What the world was like: GitHub's answers can be some seconds old, and can be older than the one before."""

from collections import deque
from datetime import datetime, timedelta

from .world import World

KEPT = timedelta(seconds=10)


class History:
    """The worlds of the last seconds."""

    def __init__(self, world: World) -> None:
        self.newest = world
        self._before: deque[tuple[datetime, World]] = deque()  # each until when it was like that

    def add(self, world: World, now: datetime) -> None:
        """Let `world` begin."""
        while self._before and self._before[0][0] < now - KEPT:
            self._before.popleft()
        self._before.append((now, self.newest))
        self.newest = world

    def at(self, moment: datetime) -> World:
        """Return the world as it was; at most `KEPT` ago."""
        return next((world for until, world in self._before if moment < until), self.newest)
