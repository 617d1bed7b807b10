"""`POST /webhooks/argocd`: what Argo CD's notifications say about the Applications of previews.

Each is only a hint for people: it is stored beside what is known, and decides nothing. The templates that send it are
in `manifests/argocd/notifications`.
https://argo-cd.readthedocs.io/en/stable/operator-manual/notifications/services/webhook/
"""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal

from flask import Blueprint, Response, abort, jsonify
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from werkzeug.exceptions import HTTPException

from plugin.core.config.messages import one_line
from plugin.core.facts.deployments import Health, Phase, Reported, deployed
from plugin.errors import InvalidRequest, NotReady
from plugin.metrics import Metrics
from plugin.state import Unreachable
from plugin.web.auth import require_token
from plugin.web.bodies import BodyReader

MAX_BODY = 32 * 1024  # the template cuts a message to 1,000 bytes
AT_ONCE = 2  # bodies; only Argo CD has the token, and it sends one after the other

Tell = Callable[[str, Reported], bool]


class Notification(BaseModel):
    """One delivery, as the template writes it."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    application: Annotated[str, Field(min_length=1, max_length=253)]
    sha: Annotated[str, Field(pattern=r"^([0-9a-f]{40})?$")]  # what the operation synced; "" if its source does not say
    started_at: AwareDatetime
    sync: Literal["", "Synced", "OutOfSync", "Unknown"]
    health: Health
    phase: Phase
    message: str

    def report(self, now: datetime) -> Reported:
        """Return what it says."""
        state = deployed(self.phase, self.health)
        return Reported(state, self.sha, one_line(self.message), now, self.started_at)


def notifications(tell: Tell, token: str | None, metrics: Metrics, clock: Callable[[], datetime]) -> Blueprint:
    """Make the route; without a token there is none.

    `tell` gets the name of the Application, and returns whether it is a preview's. It may raise InvalidRequest,
    NotReady and Unreachable.
    """
    blueprint, bodies = Blueprint("notifications", __name__), BodyReader(MAX_BODY, at_once=AT_ONCE)
    if token is None:
        return blueprint

    @blueprint.post("/webhooks/argocd")
    def argocd() -> tuple[Response, HTTPStatus]:
        try:
            require_token(token)  # before the body is read
            notification = _parsed(bodies.read())
            known = bool(notification.sha) and tell(notification.application, notification.report(clock()))
        except (HTTPException, InvalidRequest):
            metrics.notifications.labels("refused").inc()
            raise
        except (NotReady, Unreachable):
            metrics.notifications.labels("failed").inc()
            abort(HTTPStatus.SERVICE_UNAVAILABLE, "nothing can be stored at the moment; send it again")
        result = "accepted" if known else "ignored"
        metrics.notifications.labels(result).inc()
        return jsonify({"message": result}), HTTPStatus.ACCEPTED

    return blueprint


def _parsed(body: bytes) -> Notification:
    try:
        return Notification.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the request body"
        raise InvalidRequest(one_line(f"{where}: {first['msg']}")) from None
