import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.app import make_app
from plugin.metrics import Metrics
from plugin.mirror.refresh import Mirror
from plugin.settings import Settings
from tests.unit.web.conftest import READ_TOKEN, TOKEN

AUTHORISED = {"Authorization": f"Bearer {READ_TOKEN}"}


def read(client: FlaskClient, path: str = "") -> Any:
    response = client.get(f"/api/v1/previews{path}", headers=AUTHORISED)
    assert response.status_code == 200
    return json.loads(response.data)


def test_every_labelled_pull_request_is_listed_emitted_or_not(client: FlaskClient) -> None:
    answer = read(client)

    assert answer["snapshot"] == {"age_seconds": 0, "complete": True}
    assert len(answer["previews"]) == 15
    assert {
        (preview["locator"], preview["reason"]) for preview in answer["previews"] if preview["state"] == "skipped"
    } == {
        ("acme/payments#124", "it comes from a fork, and a label is no approval of a fork's code"),
        ("acme/shop#34", 'it has the label "no-preview"'),
        ("acme/users#9", "it is a draft"),
    }


def test_one_preview_explains_itself(client: FlaskClient) -> None:
    assert read(client, "/payments/125")["previews"] == [
        {
            "service": "payments",
            "locator": "acme/payments#125",
            "state": "active",
            "reason": 'it has the label "preview"',
            "held": "",
            "namespace": "preview-payments-125",
            "url": "https://payments-125.preview.example.com",
            "expires_at": "",
            "config_error": "",
            "warnings": [],
            "dependencies": [
                {
                    "service": "users",
                    "env": "USERS_URL",
                    "url": "http://app.staging-users.svc.cluster.local",
                    "target": "staging",
                    "namespace": "",
                    "locator": "",
                    "rule": "config",
                    "reason": "acme/users#5 was merged",
                    "rejected": [{"rule": "config", "wish": "pr:5", "reason": "acme/users#5 was merged"}],
                }
            ],
        }
    ]


def test_a_preview_that_is_not_there_is_a_404(client: FlaskClient) -> None:
    response = client.get("/api/v1/previews/orders/19", headers=AUTHORISED)

    assert response.status_code == 404
    assert response.json == {
        "message": "there is no such preview; a pull request has one once it is open and has the labels"
    }


@pytest.mark.parametrize("path", ["/api/v1/previews", "/api/v1/previews/orders/12"])
def test_the_token_of_argocd_does_not_open_the_read_routes(client: FlaskClient, path: str) -> None:
    assert client.get(path, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 403
    assert client.get(path).status_code == 403


@pytest.mark.parametrize("path", ["/api/v1/previews", "/api/v1/previews/orders/12"])
def test_without_a_read_token_there_are_no_read_routes(
    settings: Settings, mirror: Mirror, metrics: Metrics, path: str
) -> None:
    mirror.refresh()
    client = make_app(settings.model_copy(update={"read_token": None}), mirror, metrics).test_client()

    for headers in ({}, AUTHORISED, {"Authorization": f"Bearer {TOKEN}"}):
        assert client.get(path, headers=headers).status_code == 404


def test_before_everything_was_read_the_read_routes_say_so(cold_client: FlaskClient) -> None:
    response = cold_client.get("/api/v1/previews", headers=AUTHORISED)

    assert response.status_code == 503
