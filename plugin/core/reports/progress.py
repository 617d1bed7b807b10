"""Progress: how far one preview has come, from its verdict and from what Argo CD reported."""

from dataclasses import dataclass
from enum import StrEnum

from plugin.core.decision.preview import Preview
from plugin.core.facts.deployments import Deployed, Reported


class Stage(StrEnum):
    """How far a live preview has come with the commit that is to run."""

    UNKNOWN = "unknown"  # nobody tells
    QUEUED = "queued"  # Argo CD has not begun, as far as is known
    DEPLOYING = "deploying"
    WORKS = "works"  # it can be reached, or could be until it was paused
    ASLEEP = "asleep"  # it was deployed while it was paused, so nobody knows whether it works
    FAILED = "failed"  # the sync failed
    DEGRADED = "degraded"  # it is deployed, but unhealthy


_STAGES = {
    Deployed.DEPLOYING: Stage.DEPLOYING,
    Deployed.READY: Stage.ASLEEP,  # unless it is reachable
    Deployed.FAILED: Stage.FAILED,
    Deployed.DEGRADED: Stage.DEGRADED,
    Deployed.GONE: Stage.QUEUED,  # that Application is deleted, and another one comes
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one preview has come."""

    preview: Preview
    stage: Stage | None  # None: it is not live
    message: str  # what Argo CD says about a failure, or ""
    running: str  # the commit that was ready last, and so runs as far as is known; "": none was

    @property
    def failed(self) -> bool:
        """Whether somebody has to do something before the commit works."""
        return self.stage in (Stage.FAILED, Stage.DEGRADED)


def progress(preview: Preview, reported: tuple[Reported, ...], *, told: bool = True) -> Progress:
    """Return how far a preview has come; `reported` is what Argo CD said of its commits, the newest last.

    `told` says whether Argo CD can tell the plugin anything.
    """
    if not preview.verdict.live:
        return Progress(preview, None, "", "")
    newest = next((each for each in reported if each.sha == preview.deploy_sha), None)
    ready = ["", *(each.sha for each in reported if each.ready_at is not None)]
    stage = _stage(newest, ready[-1]) if newest else Stage.QUEUED if told else Stage.UNKNOWN
    message = newest.message if newest and stage in (Stage.FAILED, Stage.DEGRADED) else ""
    return Progress(preview, stage, message, ready[-1])


def _stage(newest: Reported, running: str) -> Stage:
    if not newest.reachable:
        return _STAGES[newest.state]
    # It works also while it is deployed again, with another link or to pause it. But if another commit was ready later,
    # that one runs until Argo CD has deployed this one again.
    return Stage.WORKS if newest.sha == running else Stage.QUEUED
