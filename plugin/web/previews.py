"""The read routes: every preview, emitted or not, with its reasons."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, abort, jsonify

from plugin.core.decision.parameters import dependency_parameters
from plugin.core.decision.preview import Preview
from plugin.mirror.answers import Answers
from plugin.mirror.current import Current
from plugin.web.auth import require_token


def previews(answers: Answers, read_token: str | None, clock: Callable[[], datetime]) -> Blueprint:
    """Make the routes; without a token there are no routes."""
    blueprint = Blueprint("previews", __name__, url_prefix="/api/v1/previews")
    if read_token is None:
        return blueprint

    @blueprint.before_request
    def authorise() -> None:
        require_token(read_token)

    @blueprint.get("")
    def every() -> Response:
        current = answers.current()
        return jsonify(_common(current, clock()) | {"previews": [describe(each, current) for each in current.previews]})

    @blueprint.get("/<service>/<int:number>")
    def one(service: str, number: int) -> Response:
        current, key = answers.current(), f"{service}/{number}"
        found = [preview for preview in current.previews if preview.key == key]
        events = current.known.histories.get(key, ())
        if not found and not events:
            abort(404, "there is no such preview; a pull request has one once it is open and has the labels")
        content = {
            "previews": [describe(preview, current) for preview in found],
            "history": [{"at": _time(event.at), "kind": event.kind, "reason": event.reason} for event in events],
        }
        return jsonify(_common(current, clock()) | content)

    return blueprint


def _common(current: Current, now: datetime) -> dict[str, Any]:
    snapshot = current.known.snapshot
    oldest = snapshot.oldest_reading or now
    return {
        "snapshot": {"age_seconds": int((now - oldest).total_seconds()), "complete": not snapshot.doubts},
        "doubts": dict(snapshot.doubts),  # by repository: why all of its previews stay as they were
        "missing_labels": current.missing_labels,  # by repository: labels of the catalog that do not exist there
        "unread": list(current.unread),  # repositories that have never been read: their services wait
        "breaker": {
            "held_back": dict(current.departures),
            "to_release": current.to_release,
        },
    }


def describe(preview: Preview, current: Current) -> dict[str, Any]:
    """Return one preview with the reasons for everything."""
    return {
        "service": preview.service.name,
        "locator": preview.locator,
        "state": preview.verdict.state.value,
        "reason": preview.verdict.reason,
        "held": current.moment.held.get(preview.key, ""),
        "namespace": preview.name,
        "url": preview.url,
        "expires_at": "",
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


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
