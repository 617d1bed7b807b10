"""Pace: when to refresh next. Pure."""

from datetime import datetime, timedelta

from plugin.sources import Usage

LONGEST = timedelta(minutes=5)  # between two tries, however many have failed
JITTER = 0.1  # so that many installations do not ask in step


def next_refresh(interval: timedelta, failures: int, usage: Usage, now: datetime, chance: float) -> timedelta:
    """Return how long to wait before the next refresh; `chance` is between 0 and 1.

    The wait doubles with each of `failures` failed refreshes in a row, and is longer while no token has points left.
    """
    backoff = min(interval * 2 ** min(failures, 10), max(LONGEST, interval))
    rest = min(usage.resumes_at - now, LONGEST) if usage.resumes_at else timedelta(0)
    wait = max(backoff, rest)
    return wait * (1 + JITTER * chance) if wait > interval else interval
