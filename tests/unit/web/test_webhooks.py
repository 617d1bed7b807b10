"""GitHub's deliveries: signed ones are hints, all others are nothing."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from plugin.metrics import Metrics
from plugin.sources.github.deliveries import GitHubDeliveries, signature
from plugin.state import Unreachable
from plugin.web.errors import register_errors
from plugin.web.webhooks import MAX_BODY, webhooks

PATH = "/webhooks/github"
SECRET, PREVIOUS = "secret-of-the-webhook", "secret-of-the-past"
OPENED = json.dumps({"action": "opened", "repository": {"full_name": "acme/orders"}}).encode()
CLOSED = json.dumps({"action": "closed", "repository": {"full_name": "acme/payments"}}).encode()
FORM = "application/x-www-form-urlencoded"


@dataclass
class Receiver:
    """The route alone; it records the hints."""

    secrets: tuple[str, ...] = (SECRET, PREVIOUS)
    hints: list[set[str]] = field(default_factory=list)
    metrics: Metrics = field(default_factory=Metrics)
    unreachable: bool = False

    def hint(self, names: Collection[str]) -> None:
        if self.unreachable:
            raise Unreachable("the state cannot be reached")
        self.hints.append(set(names))

    @property
    def client(self) -> FlaskClient:
        app = Flask("plugin", static_folder=None)
        register_errors(app)
        app.register_blueprint(
            webhooks(
                self.hint,
                GitHubDeliveries(self.secrets, lambda *_: True, bool) if self.secrets else None,
                self.metrics,
            )
        )
        return app.test_client()

    def send(self, body: bytes, *, secret: str = SECRET, event: str = "pull_request", **options: Any) -> TestResponse:
        headers = {"X-GitHub-Event": event, "X-Hub-Signature-256": signature(secret, body)}
        defaults = {"data": body, "headers": headers, "content_type": "application/json"}
        return self.client.post(PATH, **defaults | options)

    def counted(self) -> dict[str, float]:
        (family,) = self.metrics.deliveries.collect()
        return {s.labels["result"]: s.value for s in family.samples if s.name.endswith("_total")}


@pytest.fixture(name="receiver")
def _receiver() -> Receiver:
    return Receiver()


def message(response: TestResponse) -> str:
    content = json.loads(response.data)
    assert content.keys() == {"message"}
    assert response.mimetype == "application/json"
    text: str = content["message"]
    return text


def test_a_signed_delivery_is_a_hint(receiver: Receiver) -> None:
    response = receiver.send(OPENED)

    assert (response.status_code, message(response)) == (202, "accepted")
    assert receiver.hints == [{"acme/orders"}]
    assert receiver.counted() == {"accepted": 1}


def test_during_rotation_both_secrets_count(receiver: Receiver) -> None:
    assert receiver.send(OPENED, secret=SECRET).status_code == 202
    assert receiver.send(OPENED, secret=PREVIOUS).status_code == 202
    assert receiver.send(OPENED, secret="secret-of-another").status_code == 403


def test_without_a_secret_the_route_does_not_exist() -> None:
    receiver = Receiver(secrets=())

    assert receiver.send(OPENED).status_code == 404
    assert receiver.send(OPENED, secret="").status_code == 404


def test_the_signature_covers_the_bytes_as_sent(receiver: Receiver) -> None:
    body = b'{"repository" : {"full_name":"acme/orders", "full_name":"acme\\/orders"},\n\n "action":"opened"}  '

    assert receiver.send(body).status_code == 202
    assert receiver.hints == [{"acme/orders"}]


def test_a_delivery_may_come_as_a_form(receiver: Receiver) -> None:
    payload = {"action": "edited", "repository": {"full_name": "acme/orders"}, "title": "Schöner 🚀 & schneller=100%"}
    for text in (json.dumps(payload), json.dumps(payload, ensure_ascii=False)):
        assert receiver.send(urlencode({"payload": text}).encode(), content_type=FORM).status_code == 202

    assert receiver.hints == [{"acme/orders"}] * 2


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="missing"),
        pytest.param({"X-Hub-Signature-256": ""}, id="empty"),
        pytest.param({"X-Hub-Signature-256": "sha256="}, id="no digest"),
        pytest.param({"X-Hub-Signature-256": signature(SECRET, OPENED).removeprefix("sha256=")}, id="no algorithm"),
        pytest.param({"X-Hub-Signature-256": signature(SECRET, OPENED).upper()}, id="upper case"),
        pytest.param({"X-Hub-Signature-256": signature(SECRET, OPENED)[:-1]}, id="shorter"),
        pytest.param({"X-Hub-Signature-256": signature(SECRET, OPENED) + "0"}, id="longer"),
        pytest.param({"X-Hub-Signature-256": signature(SECRET, CLOSED)}, id="of another delivery"),
        pytest.param({"X-Hub-Signature-256": signature("", OPENED)}, id="with an empty secret"),
        pytest.param({"X-Hub-Signature-256": "sha256=ünïcödé"}, id="not ASCII"),
        pytest.param({"X-Hub-Signature": "sha1=0123456789012345678901234567890123456789"}, id="of old"),
        pytest.param({"Authorization": f"Bearer {SECRET}"}, id="the secret itself"),
    ],
)
def test_a_forged_delivery_is_a_403_and_no_hint(receiver: Receiver, headers: dict[str, str]) -> None:
    response = receiver.send(OPENED, headers={"X-GitHub-Event": "pull_request", **headers})

    assert response.status_code == 403
    assert message(response) == "the signature is missing or wrong"
    assert receiver.hints == []
    assert receiver.counted() == {"refused": 1}


def test_a_forged_delivery_is_not_even_parsed(receiver: Receiver) -> None:
    for body in (b"{", b"[" * 100_000, b""):
        assert receiver.send(body, secret="secret-of-another").status_code == 403


def in_chunks(stream: BytesIO) -> dict[str, Any]:
    """A body without a length, as gunicorn passes it on."""
    environ = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    return {"data": None, "input_stream": stream, "environ_overrides": environ}


@pytest.mark.parametrize(("size", "status"), [(MAX_BODY, 202), (MAX_BODY + 1, 413), (2 * MAX_BODY, 413)])
def test_an_oversized_delivery_is_a_413(receiver: Receiver, size: int, status: int) -> None:
    body = OPENED.ljust(size)
    for response in (receiver.send(body), receiver.send(body, **in_chunks(BytesIO(body)))):
        assert response.status_code == status
        assert message(response) == ("accepted" if status == 202 else "the request body is too large")

    assert len(receiver.hints) == (2 if status == 202 else 0)
    assert receiver.counted() == {"accepted" if status == 202 else "refused": 2}


def test_reading_stops_at_the_largest_delivery(receiver: Receiver) -> None:
    stream = BytesIO(bytes(3 * MAX_BODY))
    receiver.send(b"", **in_chunks(stream))

    assert stream.tell() == MAX_BODY + 1


def test_the_largest_delivery_about_a_pull_request_fits(receiver: Receiver) -> None:
    longest = "🚀" * 65_536
    payload = {
        "action": "edited",
        "repository": {"full_name": "acme/orders"},
        "pull_request": {"body": longest},
        "changes": {"body": {"from": longest}},
        "the rest": "x" * 100_000,
    }
    body = urlencode({"payload": json.dumps(payload, ensure_ascii=False)}).encode()

    assert receiver.send(body, content_type=FORM).status_code == 202
    assert receiver.hints == [{"acme/orders"}]


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b"", "application/json", "the payload is not JSON"),
        (b"{", "application/json", "the payload is not JSON"),
        (b"\xff\xfe\xfd", "application/json", "the payload is not JSON"),
        (b"[" * 1_000_000, "application/json", "the payload is not JSON"),
        (b"9" * 10_000, "application/json", "the payload is not JSON"),
        (b"", FORM, "the form must have one field, payload"),
        (b"payload=", FORM, "the form must have one field, payload"),
        (b"body=%7B%7D", FORM, "the form must have one field, payload"),
        (b"payload=%7B%7D&payload=%7B%7D", FORM, "the form must have one field, payload"),
        (b"payload=\xff", FORM, "the form must have one field, payload"),
        (b"payload=%7B", FORM, "the payload is not JSON"),
    ],
)
def test_a_malformed_delivery_is_a_400(receiver: Receiver, body: bytes, content_type: str, expected: str) -> None:
    response = receiver.send(body, content_type=content_type)

    assert response.status_code == 400
    assert message(response) == expected
    assert receiver.hints == []
    assert receiver.counted() == {"refused": 1}


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", ""])
def test_another_content_type_is_a_415(receiver: Receiver, content_type: str) -> None:
    response = receiver.send(OPENED, content_type=content_type)

    assert response.status_code == 415
    assert message(response) == "the content type must be application/json"
    assert receiver.hints == []


@pytest.mark.parametrize("event", ["ping", "push", "workflow_run", ""])
def test_events_that_cannot_change_a_preview_are_ignored(receiver: Receiver, event: str) -> None:
    response = receiver.send(OPENED, event=event)

    assert (response.status_code, message(response)) == (202, "ignored")
    assert receiver.hints == []
    assert receiver.counted() == {"ignored": 1}


@given(st.lists(st.sampled_from([OPENED, CLOSED]), min_size=1))
def test_repeated_and_reordered_deliveries_are_hints_again(bodies: list[bytes]) -> None:
    receiver = Receiver()
    for body in bodies:
        assert receiver.send(body).status_code == 202

    names = {OPENED: {"acme/orders"}, CLOSED: {"acme/payments"}}
    assert receiver.hints == [names[body] for body in bodies]


def test_a_failed_delivery_counts_when_it_is_sent_again(receiver: Receiver) -> None:
    receiver.unreachable = True
    lost = receiver.send(OPENED)
    receiver.unreachable = False

    assert lost.status_code == 503  # so that GitHub shows it as failed
    assert message(lost) == "the state cannot be reached; polling will find what has changed"
    assert receiver.counted() == {"failed": 1}
    assert receiver.send(OPENED).status_code == 202
    assert receiver.hints == [{"acme/orders"}]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_another_method_is_a_405(receiver: Receiver, method: str) -> None:
    assert receiver.client.open(PATH, method=method).status_code == 405


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=100) | st.sampled_from([b"null", b"[]", b'""', b"1e999", b'{"action":[]}']),
    content_type=st.sampled_from(["application/json", FORM]),
    event=st.sampled_from(["pull_request", "installation", "repository", "ping"]),
)
def test_any_signed_delivery_is_accepted_or_refused(
    receiver: Receiver, body: bytes, content_type: str, event: str
) -> None:
    assert receiver.send(body, content_type=content_type, event=event).status_code in {202, 400}
    assert receiver.hints == []
