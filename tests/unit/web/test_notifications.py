"""What Argo CD's notifications deliver: parsed strictly, believed by nobody."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from plugin.core.facts.deployments import Deployed, Reported
from plugin.errors import InvalidRequest, NotReady
from plugin.metrics import Metrics
from plugin.state import Unreachable
from plugin.web.errors import register_errors
from plugin.web.notifications import MAX_BODY, notifications
from tests.builders import SHA

PATH = "/webhooks/argocd"
TOKEN = "notifications-token"
NOW = datetime(2026, 11, 29, 10, tzinfo=UTC)
READY = {
    "application": "preview-orders-1",
    "sha": SHA,
    "started_at": "2026-11-29T09:59:00Z",
    "sync": "Synced",
    "health": "Healthy",
    "phase": "Succeeded",
    "message": "",
}


@dataclass
class Receiver:
    """The route alone; it records what it is told."""

    token: str | None = TOKEN
    told: list[tuple[str, Reported]] = field(default_factory=list)
    metrics: Metrics = field(default_factory=Metrics)
    error: Exception | None = None

    def tell(self, name: str, report: Reported) -> bool:
        if self.error:
            raise self.error
        self.told.append((name, report))
        return name.startswith("preview-")

    @property
    def client(self) -> FlaskClient:
        app = Flask("plugin", static_folder=None)
        register_errors(app)
        app.register_blueprint(notifications(self.tell, self.token, self.metrics, lambda: NOW))
        return app.test_client()

    def send(self, content: Any, token: str = TOKEN, **options: Any) -> TestResponse:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.client.post(PATH, data=body, headers={"Authorization": f"Bearer {token}"}, **options)

    def counted(self) -> dict[str, float]:
        (family,) = self.metrics.notifications.collect()
        return {s.labels["result"]: s.value for s in family.samples if s.name.endswith("_total")}


@pytest.fixture(name="receiver")
def _receiver() -> Receiver:
    return Receiver()


def message(response: TestResponse) -> str:
    content = json.loads(response.data)
    assert content.keys() == {"message"}
    text: str = content["message"]
    return text


def test_a_delivery_says_what_became_of_a_commit(receiver: Receiver) -> None:
    response = receiver.send(READY)

    assert (response.status_code, message(response)) == (202, "accepted")
    started_at = datetime(2026, 11, 29, 9, 59, tzinfo=UTC)
    assert receiver.told == [("preview-orders-1", Reported(Deployed.READY, SHA, "", NOW, started_at))]
    assert receiver.counted() == {"accepted": 1}


def test_a_message_becomes_one_bounded_line(receiver: Receiver) -> None:
    text = "Job/migrate:\n\n  relation \u202e exists\0" + "x" * 5000
    receiver.send(READY | {"phase": "Failed", "message": text})

    ((_, report),) = receiver.told
    assert report.state is Deployed.FAILED
    assert report.message.startswith("Job/migrate: relation exists xxx")
    assert len(report.message) == 300
    assert report.message.isprintable()


def test_other_applications_of_argocd_are_ignored(receiver: Receiver) -> None:
    response = receiver.send(READY | {"application": "guestbook"})

    assert (response.status_code, message(response)) == (202, "ignored")
    assert receiver.counted() == {"ignored": 1}


def test_a_delivery_that_does_not_say_which_commit_is_ignored(receiver: Receiver) -> None:
    response = receiver.send(READY | {"sha": ""})

    assert (response.status_code, message(response)) == (202, "ignored")
    assert receiver.told == []


def test_without_a_token_the_route_does_not_exist() -> None:
    assert Receiver(token=None).send(READY).status_code == 404


@pytest.mark.parametrize("token", ["", "another", "$preview-plugin-token", TOKEN[:-1], f"{TOKEN}x"])
def test_a_wrong_token_is_a_403_and_the_body_is_not_read(receiver: Receiver, token: str) -> None:
    stream = BytesIO(json.dumps(READY).encode())
    environ = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    response = receiver.client.post(
        PATH, headers={"Authorization": f"Bearer {token}"}, input_stream=stream, environ_overrides=environ
    )

    assert response.status_code == 403
    assert message(response) == "the bearer token is missing or wrong"
    assert stream.tell() == 0
    assert receiver.told == []
    assert receiver.counted() == {"refused": 1}


def test_a_missing_token_is_a_403(receiver: Receiver) -> None:
    assert receiver.client.post(PATH, json=READY).status_code == 403


@pytest.mark.parametrize("size", [MAX_BODY, MAX_BODY + 1])
def test_an_oversized_delivery_is_a_413(receiver: Receiver, size: int) -> None:
    response = receiver.send(json.dumps(READY).encode().ljust(size))

    assert response.status_code == (202 if size == MAX_BODY else 413)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"", "the request body: Invalid JSON: EOF while parsing a value at line 1 column 0", id="empty"),
        pytest.param([], "the request body: ", id="a list"),
        pytest.param({}, "application: Field required", id="nothing"),
        pytest.param(READY | {"more": 1}, "more: ", id="an unknown field"),
        pytest.param(READY | {"application": ""}, "application: ", id="no name"),
        pytest.param(READY | {"application": "x" * 254}, "application: ", id="a long name"),
        pytest.param(READY | {"sha": "main"}, "sha: ", id="a branch"),
        pytest.param(READY | {"sha": f"{SHA}0"}, "sha: ", id="a long sha"),
        pytest.param(READY | {"sha": f"{SHA}\n"}, "sha: ", id="a line break"),
        pytest.param(READY | {"sha": SHA.upper()}, "sha: ", id="upper case"),
        pytest.param(READY | {"started_at": ""}, "started_at: ", id="no time"),
        pytest.param(READY | {"started_at": "2026-11-29T09:59:00"}, "started_at: ", id="no time zone"),
        pytest.param(READY | {"started_at": 1_700_000_000}, "started_at: ", id="seconds"),
        pytest.param(READY | {"health": "healthy"}, "health: ", id="another health"),
        pytest.param(READY | {"phase": "Gone"}, "phase: ", id="another phase"),
        pytest.param(READY | {"sync": None}, "sync: ", id="null"),
        pytest.param(READY | {"message": 7}, "message: ", id="a number"),
        pytest.param(b"[" * 20_000, "the request body: ", id="deep"),
        pytest.param(b'{"application": "\xff"}', "the request body: ", id="not UTF-8"),
    ],
)
def test_anything_else_is_a_400_that_names_the_field(receiver: Receiver, content: Any, expected: str) -> None:
    response = receiver.send(content)

    assert response.status_code == 400
    assert message(response).startswith(expected)
    assert len(message(response)) <= 300
    assert receiver.told == []
    assert receiver.counted() == {"refused": 1}


@pytest.mark.parametrize("error", [NotReady("nothing was read yet"), Unreachable("Redis is down")])
def test_what_cannot_be_stored_is_a_503_so_that_argocd_sends_it_again(receiver: Receiver, error: Exception) -> None:
    receiver.error = error
    response = receiver.send(READY)

    assert response.status_code == 503
    assert message(response) == "nothing can be stored at the moment; send it again"
    assert receiver.counted() == {"failed": 1}


def test_a_report_that_makes_no_sense_is_a_400(receiver: Receiver) -> None:
    receiver.error = InvalidRequest("started_at is in the future")

    assert receiver.send(READY).status_code == 400
    assert receiver.counted() == {"refused": 1}


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_another_method_is_a_405(receiver: Receiver, method: str) -> None:
    assert receiver.client.open(PATH, method=method).status_code == 405


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=200)
    | st.fixed_dictionaries(
        {name: st.text(max_size=50) | st.none() | st.integers() | st.just(value) for name, value in READY.items()}
    ).map(lambda content: json.dumps(content).encode())
)
def test_any_delivery_is_accepted_or_refused(receiver: Receiver, body: bytes) -> None:
    assert receiver.send(body).status_code in {202, 400}


def test_times_in_any_zone_are_understood(receiver: Receiver) -> None:
    receiver.send(READY | {"started_at": "2026-11-29T10:59:00+01:00"})

    ((_, report),) = receiver.told
    assert report.started_at - NOW == timedelta(minutes=-1)
