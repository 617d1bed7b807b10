"""Trouble: what the reporter leaves alone for some time after something went wrong, and what of it was logged."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from plugin.core.config.names import folded
from plugin.core.reports.content import Kind, Target

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(minutes=5)  # of a server
FIRST_RETRY, LONGEST_RETRY = timedelta(minutes=1), timedelta(hours=1)  # of a step that was refused
QUIET = timedelta(hours=1)  # before the same is logged again
MOST_LOGGED = 1000  # causes that are remembered
OFF_FOR = timedelta(hours=1)  # a kind of target for which a permission is missing


@dataclass(frozen=True, slots=True)
class _Wait:
    until: datetime
    times: int  # in a row
    step: object = None  # only for this one; None: for all


@dataclass(slots=True)
class Trouble:
    """It is forgotten when the process ends. Used by one thread."""

    off: dict[tuple[Kind, str], datetime] = field(default_factory=dict)  # until when, by what `switch` returns
    _paused: dict[str, _Wait] = field(default_factory=dict)  # by server
    _refused: dict[Target, _Wait] = field(default_factory=dict)
    _logged: dict[str, datetime] = field(default_factory=dict)

    def until(self, target: Target, step: object) -> datetime | None:
        """Return when a step may be tried; None: now."""
        waits = [self._paused.get(_server(target)), self._refused.get(target)]
        moments = [wait.until for wait in waits if wait and wait.step in (None, step)]
        return max([*moments, *([off] if (off := self.off.get(switch(target))) else [])], default=None)

    def pauses(self, target: Target, now: datetime) -> None:
        """Leave the target's server alone, longer each time."""
        self._paused[_server(target)] = _longer(
            self._paused.get(_server(target)), None, now, FIRST_PAUSE, LONGEST_PAUSE
        )

    def refuses(self, target: Target, step: object, now: datetime) -> None:
        """Leave this step alone, longer each time. Anything else may be tried at this target."""
        self._refused = {known: wait for known, wait in self._refused.items() if now - wait.until < LONGEST_RETRY}
        before = self._refused.get(target)
        before = before if before and before.step == step else None
        self._refused[target] = _longer(before, step, now, FIRST_RETRY, LONGEST_RETRY)

    def passed(self, target: Target) -> None:
        """Take note that a step at a target succeeded."""
        self._paused.pop(_server(target), None)
        self._refused.pop(target, None)

    def is_news(self, cause: str, now: datetime) -> bool:
        """Tell whether a cause was not logged lately; from now on it was."""
        self._logged = {known: at for known, at in self._logged.items() if now - at < QUIET}
        if cause in self._logged or len(self._logged) >= MOST_LOGGED:
            return False
        self._logged[cause] = now
        return True


def switch(target: Target) -> tuple[Kind, str]:
    """Return what is switched off as a whole where a permission is missing: a kind of target of one owner.

    Who may give commands is asked with an account that may lack write access to a single repository.
    """
    return target.kind, folded(
        target.repository if target.kind is Kind.COMMAND else target.repository.partition("/")[0]
    )


def _server(target: Target) -> str:
    return "jira" if target.kind is Kind.LINK else "github"


def _longer(before: _Wait | None, step: object, now: datetime, first: timedelta, longest: timedelta) -> _Wait:
    times = before.times + 1 if before else 1
    return _Wait(now + min(first * 2 ** min(times - 1, 20), longest), times, step)
