"""The budget: how often something may be written, so that GitHub never has to refuse it.

GitHub allows 80 requests a minute, and 500 an hour, that create content. Some are left for everything else that uses
the same token. https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from plugin.core.config.names import folded

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

    write: bool
    shares: Counter[str]  # what each pull request has written within an hour
    closed: frozenset[str]  # owners for whom GitHub takes nothing

    def may_ask(self, pull_request: str) -> bool:
        """Tell whether GitHub may be asked anything about a pull request."""
        return _owner(pull_request) not in self.closed

    def may_write(self, pull_request: str) -> bool:
        """Tell whether something may be written about a pull request."""
        return self.write and self.may_ask(pull_request) and self.shares[pull_request] < A_PULL_REQUEST


@dataclass(frozen=True, slots=True)
class Budget:
    """What was written within an hour, the oldest first, and when GitHub takes more again."""

    written: tuple[Written, ...] = ()
    # By owner, as each installation has its own: until when GitHub takes nothing, as a limit was reached all the same
    limits: Mapping[str, datetime] = field(default_factory=dict)

    def spent(self, pull_request: str, now: datetime) -> "Budget":
        """Count one request more."""
        return replace(self, written=(*self._within(HOUR, now), Written(now, pull_request)))

    def closed(self, pull_request: str, until: datetime) -> "Budget":
        """Ask nothing about the pull requests of this one's owner until then."""
        return replace(self, limits={**self.limits, _owner(pull_request): until})

    def free_at(self, now: datetime) -> datetime:
        """Return when something may be written: now, or later."""
        free = now
        for window, most in ((MINUTE, A_MINUTE), (HOUR, AN_HOUR)):
            recent = self._within(window, now)
            if len(recent) >= most:
                free = max(free, recent[-most].at + window)
        return free

    def allows(self, now: datetime) -> "Allowance":
        """Return what may be done now."""
        shares = Counter(each.pull_request for each in self._within(HOUR, now))
        closed = frozenset(owner for owner, until in self.limits.items() if not has_come(until, now))
        return Allowance(write=self.free_at(now) <= now, shares=shares, closed=closed)

    def _within(self, window: timedelta, now: datetime) -> list[Written]:
        # What lies in the future was written before the clock was set back, which must not stop everything for long.
        return [each for each in self.written if -MINUTE < now - each.at < window]


def _owner(pull_request: str) -> str:
    return folded(pull_request.partition("/")[0])
