"""Progress: how far one preview has come, from its verdict and from what Argo CD reported."""

from dataclasses import dataclass
from enum import StrEnum

from plugin.core.decision.preview import Preview
from plugin.core.facts.deployments import Deployed, Reported
from plugin.core.facts.lives import State


class Stage(StrEnum):
    """How far a live preview has come with the commit that is to run."""

    QUEUED = "queued"  # Argo CD has not begun, as far as is known
    DEPLOYING = "deploying"
    WORKS = "works"  # it can be reached
    FAILED = "failed"  # the sync failed
    DEGRADED = "degraded"  # it is deployed, but unhealthy


_STAGES = {
    Deployed.DEPLOYING: Stage.DEPLOYING,
    Deployed.READY: Stage.WORKS,
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


def progress(preview: Preview, reported: tuple[Reported, ...]) -> Progress:
    """Return how far a preview has come; `reported` is what Argo CD said of its commits, the newest last."""
    if not preview.verdict.live:
        return Progress(preview, None, "", "")
    # What was reported before the Application was deleted is about another environment.
    gone = max((index for index, each in enumerate(reported) if each.state is Deployed.GONE), default=-1)
    alive = reported[gone + 1 :]
    newest = next((each for each in reversed(reported) if each.sha == preview.deploy_sha), None)
    stage = _STAGES[newest.state] if newest else Stage.QUEUED
    if stage is Stage.DEPLOYING and preview.verdict.state is State.PAUSED and newest and newest.ready_at:
        stage = Stage.WORKS  # only its pods stop, which is no news
    ready = [each.sha for each in alive if each.ready_at is not None or each.state is Deployed.READY]
    message = newest.message if newest and stage in (Stage.FAILED, Stage.DEGRADED) else ""
    return Progress(preview, stage, message, ready[-1] if ready else "")
