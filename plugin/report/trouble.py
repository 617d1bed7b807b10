"""Trouble: what the reporter leaves alone for some time after something went wrong, and what of it was logged.

Whatever goes wrong for one target or one owner must not keep all others waiting.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from plugin.core.config.names import folded
from plugin.core.reports.content import Kind, Target

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(minutes=5)  # of a server, or of a step that failed
FIRST_RETRY, LONGEST_RETRY = timedelta(minutes=1), timedelta(hours=1)  # of a step that was refused
QUIET = timedelta(hours=1)  # before the same is logged again
MOST_LOGGED = 1000  # causes that are remembered
OFF_FOR = timedelta(hours=1)  # a kind of target for which a permission is missing
SEVERAL = 3  # targets that failed in a row; after that many, the cause is not one of them: the server has trouble


@dataclass(frozen=True, slots=True)
class _Wait:
    until: datetime
    times: int  # in a row


@dataclass(slots=True)
class Trouble:
    """It is forgotten when the process ends. Used by one thread."""

    off: dict[tuple[Kind, str], datetime] = field(default_factory=dict)  # until when, by what `switch` returns
    _paused: dict[str, _Wait] = field(default_factory=dict)  # by server
    _in_a_row: dict[str, set[Target]] = field(default_factory=dict)  # by server: what failed since a step succeeded
    _failed: dict[Target, datetime] = field(default_factory=dict)  # when, since a step succeeded at the target
    _left: dict[tuple[Target, object], _Wait] = field(default_factory=dict)  # by step
    _logged: dict[str, datetime] = field(default_factory=dict)

    def until(self, target: Target, step: object) -> datetime | None:
        """Return when a step may be tried; None: now."""
        waits = [self._paused.get(_server(target)), self._left.get((target, step))]
        moments = [wait.until for wait in waits if wait]
        return max([*moments, *([off] if (off := self.off.get(switch(target))) else [])], default=None)

    def failed_at(self, target: Target) -> datetime | None:
        """Return when a target failed; None: it did not lately, or a step has succeeded there since."""
        return self._failed.get(target)

    def pauses(self, target: Target, now: datetime) -> None:
        """Leave the target's server alone, longer each time."""
        self._paused[_server(target)] = _longer(self._paused.get(_server(target)), now, FIRST_PAUSE, LONGEST_PAUSE)

    def fails(self, target: Target, step: object, now: datetime) -> None:
        """Leave this step alone, longer each time, and the server too if several targets failed in a row."""
        self._leave(target, step, now, FIRST_PAUSE, LONGEST_PAUSE)
        self._failed = {known: at for known, at in self._failed.items() if now - at < LONGEST_RETRY} | {target: now}
        in_a_row = self._in_a_row.setdefault(_server(target), set())
        in_a_row.add(target)
        if len(in_a_row) >= SEVERAL:
            self.pauses(target, now)

    def refuses(self, target: Target, step: object, now: datetime) -> None:
        """Leave this step alone, longer each time. Anything else may be tried at this target."""
        self._leave(target, step, now, FIRST_RETRY, LONGEST_RETRY)

    def passed(self, target: Target, step: object) -> None:
        """Take note that a step at a target succeeded."""
        self._paused.pop(_server(target), None)
        self._in_a_row.pop(_server(target), None)
        self._failed.pop(target, None)
        self._left.pop((target, step), None)

    def _leave(self, target: Target, step: object, now: datetime, first: timedelta, longest: timedelta) -> None:
        self._left = {known: wait for known, wait in self._left.items() if now - wait.until < LONGEST_RETRY}
        self._left[target, step] = _longer(self._left.get((target, step)), now, first, longest)

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
    return target.kind, folded(target.repository) if target.kind is Kind.COMMAND else _owner(target)


def _server(target: Target) -> str:
    """Return what has trouble of its own: on GitHub, each owner has an installation and limits of its own."""
    return "jira" if target.kind is Kind.LINK else f"github {_owner(target)}"


def _owner(target: Target) -> str:
    return folded(target.repository.partition("/")[0])


def _longer(before: _Wait | None, now: datetime, first: timedelta, longest: timedelta) -> _Wait:
    times = before.times + 1 if before else 1
    return _Wait(now + min(first * 2 ** min(times - 1, 20), longest), times)
