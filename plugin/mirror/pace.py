"""Pace: when to refresh next. Pure."""

from datetime import datetime, timedelta

from plugin.sources import Usage

LONGEST = timedelta(minutes=5)  # between two tries, however bad it looks
JITTER = 0.1  # so that many installations do not ask in step


def next_refresh(interval: timedelta, failures: int, usage: Usage, now: datetime, chance: float) -> timedelta:
    """Return how long to wait before the next refresh; `chance` is between 0 and 1.

    Twice as long after each of `failures` refreshes in a row that brought nothing; longer where no token can pay.
    """
    backoff = min(interval * 2 ** min(failures, 10), max(LONGEST, interval))
    rest = min(usage.resumes_at - now, LONGEST) if usage.resumes_at else timedelta(0)
    wait = max(backoff, rest)
    return wait * (1 + JITTER * chance) if wait > interval else interval
