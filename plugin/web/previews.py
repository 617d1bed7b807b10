"""The read routes: every preview, emitted or not, with its reasons."""

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, Response, abort, jsonify

from plugin.mirror.answers import Answers
from plugin.mirror.described import describe, describe_deployments, describe_history, state_of
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
        found = [describe(each, current) for each in current.previews]
        return jsonify(state_of(current, clock()) | {"previews": found})

    @blueprint.get("/<service>/<int:number>")
    def one(service: str, number: int) -> Response:
        current, key = answers.current(), f"{service}/{number}"
        found = [
            describe(preview, current) | {"deployments": describe_deployments(preview, current)}
            for preview in current.previews
            if preview.key == key
        ]
        events = current.known.histories.get(key, ())
        if not found and not events:
            abort(404, "there is no such preview; a pull request has one once it is open and has the labels")
        content = {"previews": found, "history": describe_history(events)}
        return jsonify(state_of(current, clock()) | content)

    return blueprint
