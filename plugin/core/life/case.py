"""A case: everything that the rules about the life of one preview look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from plugin.core.config.catalog import Service
from plugin.core.config.lifecycle import Shortened
from plugin.core.config.names import folded
from plugin.core.facts.acts import Act, ActKind
from plugin.core.facts.lives import Life
from plugin.core.facts.model import PullRequest
from plugin.core.facts.traffic import Used


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a refresh found out about one repository beyond its pull requests, and the moment of every decision.

    Two are equal if only time has passed.
    """

    now: datetime = field(compare=False)
    stamp: datetime | None = field(compare=False)  # the source's time; None: the clocks disagree
    first: bool = False  # nothing was ever answered, so nobody knows what was live
    ready: Mapping[tuple[str, str], bool] = field(default_factory=dict)  # by service and commit; missing: unknown
    commits: Mapping[int, tuple[str, ...]] = field(default_factory=dict)  # by number, the newest first
    used: Used | None = None  # None: traffic is not measured, or not known
    in_doubt: bool = False  # the last reading of the repository does not count
    frozen: bool = False  # it is in doubt, or the clock is, or traffic is where it is measured
    nothing_newer: frozenset[int] = frozenset()  # looked up by number in this refresh: nobody did anything
    missed: timedelta = timedelta(0)  # time in which the repository was not read


@dataclass(frozen=True, slots=True)
class Case:
    """One preview that a pull request asks for, and that no fact rules out."""

    key: str  # <service>/<number>
    repository: str
    service: Service
    pull_request: PullRequest
    granted: str  # why the facts give it a preview
    shortened: Shortened
    before: Life | None
    deployed: str | None  # the commit that the last answer gave it; None: the last answer did not have it
    acts: Mapping[ActKind, Act]  # those of its age
    ask: Act | None  # the newest one that began an age
    asked_at: datetime | None
    activity: datetime | None  # the newest one without traffic; None: not known
    in_doubt: bool  # its facts are in doubt
    frozen: bool  # time changes nothing for it

    @property
    def was_live(self) -> bool:
        """Whether the last answer had it."""
        return self.deployed is not None

    @property
    def oldest_at(self) -> datetime | None:
        """When it reaches its maximum age; None: never."""
        max_age = self.service.lifecycle.max_age
        return None if max_age is None or self.asked_at is None else self.asked_at + max_age

    def has(self, keep: str) -> bool:
        """Tell whether it has the label that keeps it from pausing and expiring; forks cannot have it."""
        return bool(keep) and not self.pull_request.fork and folded(keep) in map(folded, self.pull_request.labels)


def shorter(one: timedelta | None, other: timedelta | None) -> timedelta | None:
    """Return the shorter of two durations; None is endless."""
    return min((each for each in (one, other) if each is not None), default=None)


def earliest(*moments: datetime | None) -> datetime | None:
    """Return the earliest of the moments that are known."""
    return min((moment for moment in moments if moment is not None), default=None)


def latest(*moments: datetime | None) -> datetime | None:
    """Return the latest of the moments that are known."""
    return max((moment for moment in moments if moment is not None), default=None)
