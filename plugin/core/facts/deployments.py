"""Deployments: what Argo CD reported about the Applications of previews. Pure.

A report is a hint. It says what people see, and never decides whether there is a preview. So a report that is lost,
late, repeated or forged does no harm: the next one of its Application replaces it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

KEPT = 10  # commits of one preview
KEPT_FOR = timedelta(days=7)  # what was reported about previews that are gone

# What Argo CD says of an operation and of an Application's health; "" where there is none. `Deleting` is our own.
# https://github.com/argoproj/argo-cd/blob/v3.5.1/gitops-engine/pkg/sync/common/types.go
Phase = Literal["", "Running", "Terminating", "Succeeded", "Failed", "Error", "Deleting"]
# https://github.com/argoproj/argo-cd/blob/v3.5.1/gitops-engine/pkg/health/health.go
Health = Literal["", "Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown"]


class Deployed(StrEnum):
    """What became of one commit of a preview."""

    DEPLOYING = "deploying"
    READY = "ready"  # the sync succeeded and everything is healthy; a paused preview is too, but nothing of it runs
    FAILED = "failed"  # the sync failed, or Argo CD could not begin one
    DEGRADED = "degraded"  # the sync succeeded, but something is unhealthy
    GONE = "gone"  # the Application is being deleted


@dataclass(frozen=True, slots=True)
class Reported:
    """What Argo CD reported last about one commit of one preview."""

    state: Deployed
    sha: str  # the commit that the operation synced, 40 hexadecimal digits
    message: str  # what Argo CD says about a failure, in one line; "" if there is none
    at: datetime  # when this state was first reported, by our clock
    started_at: datetime  # when the operation began that this belongs to, by Argo CD's clock
    ready_at: datetime | None = None  # when this commit could first be reached, by our clock
    reachable: bool = False  # unless it sleeps: as of the newest operation that ended, also while another one runs


Reports = Mapping[str, tuple[Reported, ...]]  # by the name of the preview; one for each commit, the newest last


def deployed(phase: Phase, health: Health) -> Deployed:
    """Return what the phase of the newest operation and the health of the Application mean."""
    match phase, health:
        case "Deleting", _:
            return Deployed.GONE
        case (("Failed" | "Error" | ""), _):
            return Deployed.FAILED
        case "Succeeded", "Healthy":
            return Deployed.READY
        case "Succeeded", "Degraded":
            return Deployed.DEGRADED
        case _:
            return Deployed.DEPLOYING


def with_report(known: tuple[Reported, ...], new: Reported) -> tuple[Reported, ...]:
    """Add a report about a preview to what is known of it; return the same object if that changes nothing.

    Only who stores a report knows whether the preview is awake: `new.reachable` says that it is ready and awake.
    """
    old = next((each for each in known if each.sha == new.sha), None)
    if old is not None and not _replaces(new, old):
        return known
    continued = _continuing(new, old, known)
    replaced = [continued if each is old else _beside(new, each) for each in known]
    reports = replaced if old else [*replaced, continued]
    after = tuple(sorted(reports, key=lambda each: each.started_at))[-KEPT:]
    return known if after == known else after


def without_old(reports: Reports, live: Collection[str], now: datetime) -> Reports:
    """Drop what was reported long ago about previews that are gone; `live` are the names of the others."""
    oldest = now - KEPT_FOR
    kept = {name: known for name, known in reports.items() if name in live or known[-1].at >= oldest}
    return kept if len(kept) < len(reports) else reports


def _replaces(new: Reported, old: Reported) -> bool:
    if new.started_at != old.started_at:
        return new.started_at > old.started_at
    # An operation that has ended does not begin again, and neither does an Application that is being deleted.
    return new.state is not Deployed.DEPLOYING and old.state is not Deployed.GONE


def _continuing(new: Reported, old: Reported | None, known: tuple[Reported, ...]) -> Reported:
    """Take over since when the commit has been in this state, and since when it could be reached."""
    if old and (old.state, old.started_at) == (new.state, new.started_at):
        # Said again. What was deployed asleep is not reachable by that: waking it is another operation.
        return replace(old, message=new.message)
    at = old.at if old and old.state is new.state else new.at
    # After the Application was deleted, or another commit ran, it has to become ready anew.
    before = old if old and old.state is not Deployed.GONE and not _was_replaced(old, known) else None
    reachable = _reachable(new, before)
    ready_at = before.ready_at if before and before.ready_at else new.at if reachable else None
    return replace(new, at=at, ready_at=ready_at, reachable=reachable)


def _was_replaced(old: Reported, known: tuple[Reported, ...]) -> bool:
    return any(each.ready_at and each.started_at > old.started_at for each in known)


def _reachable(new: Reported, before: Reported | None) -> bool:
    """Tell whether the commit can be reached once it is awake: falling asleep and waking up do not change that."""
    was = before is not None and before.reachable
    match new.state:
        case Deployed.READY:
            return was or new.reachable
        case Deployed.DEPLOYING:
            return was
        case _:
            return False


def _beside(new: Reported, other: Reported) -> Reported:
    """Return what is known of another commit after a report: an Application is deleted with all that it ran."""
    if new.state is not Deployed.GONE or other.state is Deployed.GONE or other.started_at > new.started_at:
        return other
    return Reported(Deployed.GONE, other.sha, "", new.at, other.started_at)
