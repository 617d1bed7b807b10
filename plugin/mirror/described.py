"""Previews as plain data, for the read routes and for commands that print JSON."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from plugin.core.answers.history import Event
from plugin.core.config.messages import timestamp
from plugin.core.decision.parameters import dependency_parameters
from plugin.core.decision.preview import Preview
from plugin.core.facts.deployments import Reported
from plugin.mirror.current import Current


def state_of(current: Current, now: datetime) -> dict[str, Any]:
    """Return how fresh and how certain everything is."""
    snapshot = current.known.snapshot
    oldest = snapshot.oldest_reading or now
    return {
        "snapshot": {"age_seconds": int((now - oldest).total_seconds()), "complete": not snapshot.doubts},
        "doubts": dict(snapshot.doubts),  # by repository: why all of its previews stay as they were
        "missing_labels": current.missing_labels,  # by repository: labels of the catalog that do not exist there
        "unread": list(current.unread),  # repositories that have never been read: their services wait
        "unheard": current.unheard,  # by repository: why its newest comments were not read: commands wait
        "breaker": {
            "held_back": dict(current.departures),
            "earlier_ends": current.earlier_ends,  # how many ends an edit would bring forward
            "to_release": current.to_release,
        },
    }


def describe(preview: Preview, current: Current) -> dict[str, Any]:
    """Return one preview with the reasons for everything."""
    life = current.life(preview)
    announced = life.announced if life and preview.verdict.ends_at else None  # what is skipped for now has no end
    return {
        "service": preview.service.name,
        "locator": preview.locator,
        "state": preview.verdict.state.value,
        "reason": preview.verdict.reason,
        "since": timestamp(life.since if life else None),
        "queue_place": current.queue_place(preview),
        "held": current.moment.held.get(preview.key, ""),
        "namespace": preview.name,
        "url": preview.url,
        "expires_at": timestamp(preview.verdict.ends_at),
        "announced_at": timestamp(announced.at if announced else None),
        "head_sha": preview.pull_request.head_sha,
        "deploy_sha": preview.deploy_sha,
        "reported": _describe_report(current.reported.get(preview.key)),
        "config_error": preview.config_error,
        "warnings": list(preview.warnings),
        "dependencies": [
            dependency_parameters(dependency)
            | {
                "rejected": [
                    {"rule": rejected.rule.value, "wish": rejected.wish, "reason": rejected.reason}
                    for rejected in dependency.rejected
                ]
            }
            for dependency in preview.dependencies
        ],
    }


def describe_deployments(preview: Preview, current: Current) -> list[dict[str, str]]:
    """Return what Argo CD reported about each commit of one preview, the newest last."""
    known = current.known.reported.get(preview.name, ())
    return [{"sha": each.sha, "started_at": timestamp(each.started_at)} | _describe_report(each) for each in known]


def _describe_report(report: Reported | None) -> dict[str, str]:
    if report is None:  # Argo CD has said nothing about this commit
        return {"state": "", "message": "", "since": ""}
    return {"state": report.state.value, "message": report.message, "since": timestamp(report.at)}


def describe_history(events: Iterable[Event]) -> list[dict[str, str]]:
    """Return what happened to one preview, the oldest event first."""
    return [{"at": timestamp(event.at), "kind": event.kind.value, "reason": event.reason} for event in events]
