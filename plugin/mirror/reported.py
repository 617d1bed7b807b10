"""Reported: takes what Argo CD says about an Application, and stores it if it is about a preview."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from plugin.core.decision.preview import Preview
from plugin.core.facts.acts import ActKind
from plugin.core.facts.deployments import Deployed, Reported
from plugin.core.facts.lives import State
from plugin.core.life.activity import asked_at
from plugin.errors import InvalidRequest
from plugin.mirror.answers import Answers
from plugin.mirror.current import Current
from plugin.state import Store

# How far Argo CD's clock may be ahead of ours. A report from the far future would hide all that follow.
AHEAD = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Reports:
    """Any number of threads may tell it something, on any replica."""

    _answers: Answers
    _store: Store
    _clock: Callable[[], datetime]
    _ready_after: Callable[[float], None]  # gets how many seconds a preview took from the request until it was ready

    def tell(self, name: str, report: Reported) -> bool:
        """Store a report about the Application of this name. Return False if no preview has it.

        Raises InvalidRequest if it comes from the future, NotReady while nothing is known, and Unreachable.
        """
        if report.started_at > self._clock() + AHEAD:
            raise InvalidRequest("started_at is in the future; compare the clocks of Argo CD and of the plugin")
        current = self._answers.current()
        preview = next((each for each in current.previews if each.name == name and each.verdict.live), None)
        # When the Application of a preview is deleted, the preview has left already.
        if preview is None and name not in current.known.reported:
            return False
        # Nothing of a paused preview runs, and Argo CD still finds it healthy.
        awake = preview is not None and preview.verdict.state is State.ACTIVE
        report = replace(report, reachable=awake and report.state is Deployed.READY)
        self._store.report(name, report)
        if preview and report.reachable and (seconds := _seconds_until_ready(current, preview, report)):
            self._ready_after(seconds)
        return True


def _seconds_until_ready(current: Current, preview: Preview, report: Reported) -> float | None:
    """Return how long it took if this is the first time that a preview is ready; None if that is not known."""
    ask = current.known.acts.get((ActKind.ASK, preview.key))
    asked = asked_at(preview.service.policy.require, preview.pull_request, ask)
    known = current.known.reported.get(preview.name, ())
    # Without an earlier report of this commit, it may have been ready for long.
    if asked is None or not any(each.sha == report.sha for each in known):
        return None
    if any(each.ready_at and each.ready_at >= asked for each in known):
        return None
    return max(0.0, (report.at - asked).total_seconds())
