"""`POST /api/v1/getparams.execute`, which Argo CD's ApplicationSet controller calls.

The protocol: https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Generators-Plugin/
Argo CD reads any 2xx without `output.parameters` as "none left" and deletes, so only one line here returns a 200.
"""

import json
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from cachetools import TTLCache
from flask import Blueprint, Response, abort, g, request

from plugin.errors import InvalidRequest
from plugin.mirror.answers import Answers
from plugin.web.auth import require_token

MAX_BODY = 64 * 1024
ENVELOPE = (b'{"output":{"parameters":', b"}}")  # what Argo CD wants around the list
LOGGED_AGAIN_AFTER = 600.0  # seconds; logging an unchanged answer now and then shows that Argo CD still asks


def getparams(answers: Answers, token: str) -> Blueprint:
    """Make the route."""
    blueprint = Blueprint("getparams", __name__)
    logged = Logged()

    @blueprint.post("/api/v1/getparams.execute")
    def execute() -> Response:
        require_token(token)
        # One byte more, because a chunked body is cut at the limit instead of being refused.
        request.max_content_length = MAX_BODY + 1
        body = request.get_data()
        if len(body) > MAX_BODY:
            abort(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        name, parameters = parse_request(body)
        g.application_set = name
        try:
            answer = answers.parameters(parameters, ENVELOPE)
        except Exception:
            logged.forget(body)  # so that the next answer is logged
            raise
        g.quiet = logged.already(body, answer)
        return Response(answer, mimetype="application/json")

    return blueprint


class Logged:
    """Remembers which answers were logged, so that the log shows changes and not the same answer twice a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        # Hashes instead of answers: a hundred answers of megabytes each would fill the memory.
        self._latest = TTLCache[bytes, int](maxsize=100, ttl=LOGGED_AGAIN_AFTER, timer=clock)
        self._lock = threading.Lock()

    def already(self, asked: bytes, answer: bytes) -> bool:
        """Tell whether this answer to this request was logged, and remember it."""
        with self._lock:
            if self._latest.get(asked) == hash(answer):
                return True
            self._latest[asked] = hash(answer)
            return False

    def forget(self, asked: bytes) -> None:
        """Forget the answer to this request."""
        with self._lock:
            self._latest.pop(asked, None)


def parse_request(body: bytes) -> tuple[str, dict[str, Any]]:
    """Return the ApplicationSet's name and its input parameters. Raises InvalidRequest."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidRequest("the request body is not JSON") from None
    if not isinstance(content, dict):
        raise InvalidRequest("the request body must be a JSON object")
    name = content.get("applicationSetName", "")
    if not isinstance(name, str):
        raise InvalidRequest("applicationSetName must be a string")
    if "input" not in content:
        raise InvalidRequest(
            'input is missing; the smallest request is {"applicationSetName": "previews", "input": {}}'
        )
    if not isinstance(content["input"], dict):
        raise InvalidRequest("input must be a JSON object")
    parameters = content["input"].get("parameters", {})
    if not isinstance(parameters, dict):
        raise InvalidRequest("input.parameters must be a JSON object")
    return name, parameters
