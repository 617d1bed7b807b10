"""Lives: what must be remembered of each preview beyond its pull request, and what was decided about its state last.

The replica that polls decides with one `now` and stores the result here. Everything else only shows it, so no verdict
depends on whose clock is read, or when.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """The state of a preview."""

    ACTIVE = "active"
    PAUSED = "paused"
    WAITING = "waiting"
    QUEUED = "queued"
    EXPIRED = "expired"
    SKIPPED = "skipped"

    @property
    def live(self) -> bool:
        """Whether Argo CD gets previews in this state."""
        return self in (State.ACTIVE, State.PAUSED)


@dataclass(frozen=True, slots=True)
class Announcement:
    """An end that was announced."""

    end: datetime
    at: datetime  # moved forward by the time in which the source was not read


@dataclass(frozen=True, slots=True)
class Latch:
    """A preview that expired. It stays so until somebody does something with it."""

    at: datetime
    activity: datetime  # the newest one at that time, without traffic; anything newer releases the latch
    asked_at: datetime
    by_age: bool  # past `max_age`: only asking again releases it


@dataclass(frozen=True, slots=True)
class Life:
    """What is remembered of one preview. Times of people's deeds are the source's; `since` is ours."""

    state: State
    reason: str
    since: datetime | None = None  # when it got into this state
    ends_at: datetime | None = None  # None: never, or it is not live
    deploy_sha: str = ""  # "": the head
    asked_at: datetime | None = None  # when somebody asked for it; None: not known
    admitted_at: datetime | None = None  # when it became live; None: it was live when the first answer was made
    unstamped: bool = False  # it became live while the clocks did not agree: it counts from when they do again
    ready: tuple[str, ...] = ()  # commits that were ready once, the newest last
    walked: bool = False  # whether its older commits were looked at, too
    used_at: datetime | None = None  # the newest traffic that keeps it awake
    used_for_end_at: datetime | None = None  # the newest traffic that moved its end, which it does more rarely
    asleep: str = ""  # why it sleeps, if it does: the part of the reason that time does not change while it is in doubt
    announced: Announcement | None = None
    expired: Latch | None = None


Lives = Mapping[str, Mapping[str, Life]]  # by repository, then by `<service>/<number>`
NO_LIVES: Mapping[str, Life] = {}  # one object, because decisions compare by identity
