"""Pace: when to refresh next. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from plugin.sources import Usage

LONGEST = timedelta(minutes=5)  # between two tries, however bad it looks
RESERVE = 0.1  # the share of what is left that is kept for webhooks and people
JITTER = 0.1  # so that many installations do not ask in step


@dataclass(frozen=True, slots=True)
class Cycle:
    """What the refreshes so far say about the next one."""

    points: int = 0  # that the last complete refresh cost
    failures: int = 0  # refreshes in a row that brought nothing


def next_refresh(interval: timedelta, cycle: Cycle, usage: Usage, now: datetime, chance: float) -> timedelta:
    """Return how long to wait before the next refresh; `chance` is between 0 and 1.

    Twice as long after each failure; longer when the points that are left would not last until they are renewed.
    """
    wait = max(min(interval * 2 ** min(cycle.failures, 10), max(LONGEST, interval)), _affordable(cycle, usage, now))
    return wait * (1 + JITTER * chance) if wait > interval else interval


def _affordable(cycle: Cycle, usage: Usage, now: datetime) -> timedelta:
    if usage.remaining is None or usage.resets_at is None or usage.resets_at <= now:
        return timedelta(0)
    refreshes = usage.remaining * (1 - RESERVE) / max(cycle.points, 1)
    return min((usage.resets_at - now) / max(refreshes, 1), LONGEST)
