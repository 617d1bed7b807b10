"""`POST /webhooks/github`: GitHub's deliveries. A signed delivery is only a hint about where to look.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

import json
from collections.abc import Callable, Collection
from http import HTTPStatus
from urllib.parse import parse_qs

from flask import Blueprint, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from plugin.metrics import Metrics
from plugin.sources import Deliveries
from plugin.state import Unreachable
from plugin.web.bodies import BodyReader

# The largest delivery about one pull request is `edited` with two descriptions, the old and the new one, of 65,536
# characters each, sent as a form: at most 12 bytes each ("%F0%9F%98%80") make 1.5 MiB. GitHub itself goes up to 25 MB
# for events with lists; what is refused is found by polling.
MAX_BODY = 2 * 1024 * 1024


def webhooks(hint: Callable[[Collection[str]], None], deliveries: Deliveries | None, metrics: Metrics) -> Blueprint:
    """Make the route; without `deliveries` there is none.

    Each signed delivery calls `hint` with the repositories that may have changed. `hint` may raise Unreachable.
    """
    blueprint, bodies = Blueprint("webhooks", __name__), BodyReader(MAX_BODY)
    if deliveries is None:
        return blueprint

    @blueprint.post("/webhooks/github")
    def github() -> tuple[Response, HTTPStatus]:
        try:
            names = deliveries.hinted(request.headers, _payload(_signed_body(bodies, deliveries)))
        except HTTPException:
            metrics.deliveries.labels("refused").inc()
            raise
        try:
            if names:
                hint(names)
        except Unreachable:
            metrics.deliveries.labels("failed").inc()
            abort(HTTPStatus.SERVICE_UNAVAILABLE, "the state cannot be reached; polling will find what has changed")
        result = "accepted" if names else "ignored"
        metrics.deliveries.labels(result).inc()
        return jsonify({"message": result}), HTTPStatus.ACCEPTED

    return blueprint


def _signed_body(bodies: BodyReader, deliveries: Deliveries) -> bytes:
    claimed = deliveries.claims_signature(request.headers)
    body = bodies.read() if claimed else b""  # without a signature, the body is not read at all
    if not claimed or not deliveries.is_signed(request.headers, body):
        abort(HTTPStatus.FORBIDDEN, "the signature is missing or wrong")
    return body


def _payload(body: bytes) -> object:
    match request.mimetype:
        case "application/json":
            text: str | bytes = body
        case "application/x-www-form-urlencoded":
            text = _form_field(body, "payload")
        case _:
            abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the content type must be application/json")
    try:
        payload: object = json.loads(text)
    except (ValueError, RecursionError):
        abort(HTTPStatus.BAD_REQUEST, "the payload is not JSON")
    return payload


def _form_field(form: bytes, name: str) -> str:
    try:
        return parse_qs(form.decode("ascii"), max_num_fields=1)[name][0]
    except (ValueError, KeyError):
        abort(HTTPStatus.BAD_REQUEST, f"the form must have one field, {name}")
