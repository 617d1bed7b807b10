"""The budget: how often something may be written, so that GitHub never has to refuse it.

GitHub allows 80 requests a minute, and 500 an hour, that create content. Some are left for everything else that uses
the same token. https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

A_MINUTE = 20
AN_HOUR = 400
A_PULL_REQUEST = AN_HOUR // 2  # an hour, so that a robot that pushes all day does not use up everything
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def has_come(moment: datetime | None, now: datetime) -> bool:
    """Tell whether a moment has come that something waits for; None: it has.

    Nothing waits for more than an hour, so a later moment comes from a clock that was wrong.
    """
    return moment is None or not now < moment <= now + HOUR


@dataclass(frozen=True, slots=True)
class Written:
    """One request that wrote something, or tried to."""

    at: datetime
    pull_request: str


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the budget allows at one moment."""

    ask: bool  # anything at all
    write: bool
    shares: Counter[str]  # what each pull request has written within an hour

    def may_write(self, pull_request: str) -> bool:
        """Tell whether something may be written about a pull request."""
        return self.write and self.shares[pull_request] < A_PULL_REQUEST


@dataclass(frozen=True, slots=True)
class Budget:
    """What was written within an hour, the oldest first, and when GitHub takes more again."""

    written: tuple[Written, ...] = ()
    closed_until: datetime | None = None  # None: it has refused nothing lately

    def spent(self, pull_request: str, now: datetime) -> "Budget":
        """Count one request more."""
        return replace(self, written=(*self._within(HOUR, now), Written(now, pull_request)))

    def closed(self, until: datetime) -> "Budget":
        """Write nothing until then, because a limit was reached all the same."""
        return replace(self, closed_until=until)

    def free_at(self, now: datetime) -> datetime:
        """Return when something may be written: now, or later."""
        free = self.opens_at(now)
        for window, most in ((MINUTE, A_MINUTE), (HOUR, AN_HOUR)):
            recent = self._within(window, now)
            if len(recent) >= most:
                free = max(free, recent[-most].at + window)
        return free

    def opens_at(self, now: datetime) -> datetime:
        """Return when GitHub takes requests again after a limit: now, or later."""
        closed = self.closed_until
        return now if closed is None or has_come(closed, now) else closed

    def allows(self, now: datetime) -> "Allowance":
        """Return what may be done now."""
        shares = Counter(each.pull_request for each in self._within(HOUR, now))
        return Allowance(ask=self.opens_at(now) <= now, write=self.free_at(now) <= now, shares=shares)

    def _within(self, window: timedelta, now: datetime) -> list[Written]:
        # What lies in the future was written before the clock was set back, which must not stop everything for long.
        return [each for each in self.written if -MINUTE < now - each.at < window]
