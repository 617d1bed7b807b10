"""The read routes: every preview with its reasons, emitted or not."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, abort, jsonify

from plugin.answer import Answers
from plugin.core.decide import Preview
from plugin.core.model import Snapshot
from plugin.core.parameters import dependency_parameters
from plugin.web.auth import require_token


def previews(answers: Answers, read_token: str | None, clock: Callable[[], datetime]) -> Blueprint:
    """Make the routes; without a token there are none."""
    blueprint = Blueprint("previews", __name__, url_prefix="/api/v1/previews")
    if read_token is None:
        return blueprint

    @blueprint.before_request
    def authorise() -> None:
        require_token(read_token)

    @blueprint.get("")
    def every() -> Response:
        found, snapshot = answers.previews()
        return _answer(found, snapshot, clock())

    @blueprint.get("/<service>/<int:number>")
    def one(service: str, number: int) -> Response:
        found, snapshot = answers.previews()
        matching = [
            preview for preview in found if (preview.service.name, preview.pull_request.number) == (service, number)
        ]
        if not matching:
            abort(404, "there is no such preview; a pull request has one once it is open and has the labels")
        return _answer(matching, snapshot, clock())

    return blueprint


def _answer(found: Iterable[Preview], snapshot: Snapshot, now: datetime) -> Response:
    oldest = snapshot.oldest_reading or now
    return jsonify(
        {
            "snapshot": {"age_seconds": int((now - oldest).total_seconds()), "complete": not snapshot.doubts},
            "previews": [describe(preview) for preview in found],
        }
    )


def describe(preview: Preview) -> dict[str, Any]:
    """Return one preview with the reasons for everything."""
    return {
        "service": preview.service.name,
        "locator": preview.locator,
        "state": preview.verdict.state.value,
        "reason": preview.verdict.reason,
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
