"""Applications with the status that Argo CD's application controller writes while it syncs them.

The shapes: https://github.com/argoproj/argo-cd/blob/v3.5.1/controller/sync.go and appcontroller.go. The notifications
program refuses fields that an Application does not have.
"""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

Object = dict[str, Any]
REVISION = "c0ffee" + "0" * 34  # of the repository with the manifests, never a commit of the app
START = datetime(2026, 11, 29, 9, tzinfo=UTC)


def at(minute: float) -> str:
    return f"{START + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%SZ}"


def new(application: Object) -> Object:
    """An Application as its ApplicationSet has just created it."""
    found = deepcopy(application)
    found.pop("status", None)
    return found


def synced(
    application: Object,
    phase: str,
    minute: float,
    *,
    health: str = "Healthy",
    health_since: float | None = None,
    message: str = "",
    results: list[Object] | None = None,
    source: Object | None = None,
    **status: Any,
) -> Object:
    """An Application whose newest operation began in this minute and synced `source`, by default what its spec has.

    It has ended half a minute later unless it is running.
    """
    found, source = deepcopy(application), deepcopy(source or application["spec"]["source"])
    operation: Object = {
        "phase": phase,
        "message": message,
        "startedAt": at(minute),
        "operation": {
            "sync": {"source": source, "revision": REVISION, "prune": True, "syncOptions": ["PruneLast=true"]},
            "initiatedBy": {"automated": True},
            "retry": {"limit": 2},
        },
        "syncResult": {"revision": REVISION, "source": source, "resources": results or []},
    }
    if phase in {"Succeeded", "Failed", "Error"}:
        operation["finishedAt"] = at(minute + 0.5)
    found["status"] = {
        "sync": {"status": "Synced", "revision": REVISION, "comparedTo": {"source": source, "destination": {}}},
        "health": {"status": health, "lastTransitionTime": at(minute + 0.6 if health_since is None else health_since)},
        "operationState": operation,
        "reconciledAt": at(minute + 1),
        "sourceType": "Kustomize",
        "resourceHealthSource": "appTree",
    } | status
    return found


def broken(application: Object, minute: float, message: str, kind: str = "ComparisonError") -> Object:
    """An Application of whose spec Argo CD could make no manifests; the operation before stays as it was."""
    found = deepcopy(application)
    status = found.setdefault("status", {})
    status["sync"] = {
        "status": "Unknown",
        "comparedTo": {"source": deepcopy(application["spec"]["source"]), "destination": {}},
    }
    status["health"] = status.get("health", {"status": "Missing", "lastTransitionTime": at(minute)})
    status["conditions"] = [{"type": kind, "message": message, "lastTransitionTime": at(minute)}]
    status["reconciledAt"] = at(minute)
    return found


def deleted(application: Object, minute: float) -> Object:
    """An Application that is being deleted."""
    found = deepcopy(application)
    found["metadata"] |= {"deletionTimestamp": at(minute)}
    return found


def result(kind: str, name: str, message: str = "", **given: Any) -> Object:
    """What became of one resource in an operation."""
    return {
        "group": "", "version": "v1", "kind": kind, "namespace": "preview-orders-12", "name": name, "message": message
    } | given  # fmt: skip


def failed_hook(name: str, message: str) -> Object:
    return result("Job", name, message, group="batch", hookType="PostSync", hookPhase="Failed", syncPhase="PostSync")


def resource(kind: str, name: str, **given: Any) -> Object:
    """An entry of `status.resources`; `health` is only there with `controller.resource.health.persist`."""
    return {"version": "v1", "kind": kind, "namespace": "preview-orders-12", "name": name, "status": "Synced"} | given
