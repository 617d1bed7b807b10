"""Deployments: what Argo CD reported about the Applications of previews.

A report is a hint. It says what people see, and never decides whether there is a preview.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Deployed(StrEnum):
    """What became of one commit of a preview."""

    DEPLOYING = "deploying"
    READY = "ready"  # synced and healthy, so reachable; a paused preview is too
    FAILED = "failed"  # the sync failed
    DEGRADED = "degraded"  # synced, but unhealthy
    GONE = "gone"  # the Application is being deleted


@dataclass(frozen=True, slots=True)
class Reported:
    """What Argo CD reported last about one commit of one preview."""

    state: Deployed
    sha: str  # the commit that the operation synced, 40 hexadecimal digits
    message: str  # what Argo CD says about a failure, in one line; "" if there is none
    at: datetime  # when this state was first reported, by our clock
    started_at: datetime  # when the operation began that this belongs to, by Argo CD's clock
    ready_at: datetime | None = None  # when this commit was first reported as ready, by our clock


Reports = Mapping[str, tuple[Reported, ...]]  # by the name of the preview; the newest last, one for each commit
