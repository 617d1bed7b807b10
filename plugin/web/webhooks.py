"""`POST /webhooks/github`: GitHub's deliveries. A signed one is only a hint about where to look.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

import json
import re
from collections.abc import Callable, Collection, Sequence
from hmac import compare_digest
from http import HTTPStatus
from urllib.parse import parse_qs

from flask import Blueprint, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from plugin.metrics import Metrics
from plugin.sources.github.deliveries import hinted, signature
from plugin.state import Unreachable
from plugin.web.bodies import BodyReader

# The largest delivery about one pull request is `edited` with two descriptions, the old and the new one, of 65,536
# characters each, sent as a form: at most 12 bytes each ("%F0%9F%98%80") make 1.5 MiB. GitHub itself goes up to 25 MB
# for events with lists; what is refused is found by polling.
MAX_BODY = 2 * 1024 * 1024

_SIGNATURE = re.compile(rb"sha256=[0-9a-f]{64}")


def webhooks(hint: Callable[[Collection[str]], None], secrets: Sequence[str], metrics: Metrics) -> Blueprint:
    """Make the route; without a secret there is none.

    Each delivery that is signed with one of `secrets` calls `hint` with the repositories that may have changed. `hint`
    may raise Unreachable.
    """
    blueprint, bodies = Blueprint("webhooks", __name__), BodyReader(MAX_BODY)
    if not secrets:
        return blueprint

    @blueprint.post("/webhooks/github")
    def github() -> tuple[Response, HTTPStatus]:
        try:
            names = hinted(request.headers.get("X-GitHub-Event", ""), _payload(_signed_body(bodies, secrets)))
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


def _signed_body(bodies: BodyReader, secrets: Sequence[str]) -> bytes:
    # WSGI hands headers over as Latin-1; as text, compare_digest would raise for anything but ASCII.
    presented = request.headers.get("X-Hub-Signature-256", "").encode("latin-1")
    if not _SIGNATURE.fullmatch(presented):  # then the body is not read at all
        abort(HTTPStatus.FORBIDDEN, "the signature is missing or wrong")
    body = bodies.read()
    if not any(compare_digest(presented, signature(secret, body).encode()) for secret in secrets):
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
