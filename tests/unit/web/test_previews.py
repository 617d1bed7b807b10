import json
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.app import Plugin, make_app
from plugin.metrics import Metrics
from plugin.settings import Settings
from tests.builders import SHA, catalog_text, make_pull_request
from tests.lives import asked
from tests.stage import Stage
from tests.unit.web.conftest import NOTIFICATIONS_TOKEN, READ_TOKEN, TOKEN

AUTHORISED = {"Authorization": f"Bearer {READ_TOKEN}"}


def read(client: FlaskClient, path: str = "") -> Any:
    response = client.get(f"/api/v1/previews{path}", headers=AUTHORISED)
    assert response.status_code == 200
    return json.loads(response.data)


def test_every_labelled_pull_request_is_listed_emitted_or_not(client: FlaskClient) -> None:
    answer = read(client)

    assert answer["snapshot"] == {"age_seconds": 0, "complete": True}
    assert answer["doubts"] == {}
    assert answer["unread"] == []
    assert len(answer["previews"]) == 15
    assert {
        (preview["locator"], preview["reason"]) for preview in answer["previews"] if preview["state"] == "skipped"
    } == {
        ("acme/payments#124", "it comes from a fork, and a label does not approve a fork's code"),
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
            "since": "",
            "queue_place": 0,
            "expires_at": "",
            "announced_at": "",
            "head_sha": "125c125c125c125c125c125c125c125c125c125c",
            "deploy_sha": "125c125c125c125c125c125c125c125c125c125c",
            "reported": {"state": "", "message": "", "since": ""},
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
            "deployments": [],
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
    settings: Settings, plugin: Plugin, metrics: Metrics, path: str
) -> None:
    plugin.refresher.refresh()
    client = make_app(settings.model_copy(update={"read_token": None}), plugin, metrics).test_client()

    for headers in ({}, AUTHORISED, {"Authorization": f"Bearer {TOKEN}"}):
        assert client.get(path, headers=headers).status_code == 404


def test_before_everything_was_read_it_is_a_503(cold_client: FlaskClient) -> None:
    response = cold_client.get("/api/v1/previews", headers=AUTHORISED)

    assert response.status_code == 503


@pytest.fixture(name="staged")
def _staged(stage: Stage, settings: Settings, metrics: Metrics) -> FlaskClient:
    """A client of a server whose source says what the test sets."""
    return make_app(
        settings,
        Plugin(stage.source, stage.refresher, stage.answers, stage.newest, stage.state.store),
        metrics,
        lambda: stage.clock.now,
    ).test_client()


def test_nothing_is_held_without_a_reason(client: FlaskClient) -> None:
    assert read(client)["breaker"] == {"held_back": {}, "earlier_ends": 0, "to_release": ""}
    assert read(client, "/payments/125")["breaker"] == {"held_back": {}, "earlier_ends": 0, "to_release": ""}


def test_a_history_says_what_happened_when_and_why(stage: Stage, staged: FlaskClient) -> None:
    stage.source.listed["acme/orders"] = [make_pull_request(1)]
    stage.refresh()
    stage.source.listed["acme/orders"] = []
    stage.refresh()

    reason = stage.known().snapshot.repositories["acme/orders"].held[1].reason
    answer = read(staged, "/orders/1")
    assert answer["history"] == [
        {"at": "2026-11-21T09:00:01Z", "kind": "created", "reason": 'it has the label "preview"'},
        {
            "at": "2026-11-21T09:00:02Z",
            "kind": "held",
            "reason": reason,
        },
    ]
    assert answer["previews"][0]["held"] == reason
    del answer["previews"][0]["deployments"]
    assert read(staged)["previews"] == answer["previews"]


def test_what_argocd_reported_is_shown_with_its_beginning(stage: Stage, staged: FlaskClient) -> None:
    stage.source.listed["acme/orders"] = [make_pull_request(1)]
    stage.refresh()
    for sha, phase, minute, message in (("f" * 40, "Succeeded", 1, ""), (SHA, "Failed", 2, "Job/migrate: it failed")):
        delivery = {
            "application": "preview-orders-1",
            "sha": sha,
            "started_at": f"2026-11-21T08:0{minute}:00Z",
            "sync": "Synced",
            "health": "Healthy",
            "phase": phase,
            "message": message,
        }
        headers = {"Authorization": f"Bearer {NOTIFICATIONS_TOKEN}"}
        assert staged.post("/webhooks/argocd", json=delivery, headers=headers).status_code == 202

    (one,) = read(staged, "/orders/1")["previews"]
    since = one["deployments"][1]["since"]
    assert one["reported"] == {"state": "failed", "message": "Job/migrate: it failed", "since": since}
    assert [(it["sha"], it["state"], it["started_at"]) for it in one["deployments"]] == [
        ("f" * 40, "ready", "2026-11-21T08:01:00Z"),
        (SHA, "failed", "2026-11-21T08:02:00Z"),
    ]
    assert read(staged)["previews"][0]["reported"] == one["reported"]


def test_a_preview_that_left_is_explained_by_its_history(stage: Stage, staged: FlaskClient) -> None:
    stage.source.listed["acme/orders"] = [make_pull_request(1)]
    stage.refresh()
    stage.source.close("acme/orders", 1)
    stage.refresh()

    answer = read(staged, "/orders/1")
    assert answer["previews"] == []
    assert [(event["kind"], event["reason"]) for event in answer["history"]] == [
        ("created", 'it has the label "preview"'),
        ("gone", "acme/orders#1 was closed"),
    ]


def test_held_back_previews_are_listed_with_the_release_command(stage: Stage, staged: FlaskClient) -> None:
    stage.source.listed["acme/orders"] = [make_pull_request(number) for number in range(1, 8)]
    stage.refresh()
    stage.write_catalog({"payments": {}})
    stage.refresh()

    hold = stage.known().hold
    assert hold
    expected = {
        "held_back": {f"orders/{number}": "the catalog no longer has the service orders" for number in range(1, 8)},
        "earlier_ends": 0,
        "to_release": f"preview-plugin acknowledge {hold.catalog}",
    }
    assert read(staged)["breaker"] == expected
    assert read(staged, "/orders/3")["breaker"] == expected
    answer = read(staged, "/orders/3")
    assert answer["history"][-1]["kind"] == "held"
    (one,) = answer["previews"]  # the old answer stays, so it is shown as it is answered
    assert (one["state"], one["held"]) == (
        "active",
        "the breaker holds it back: the catalog no longer has the service orders",
    )
    stage.acknowledge(hold.catalog)
    stage.refresh()
    assert read(staged)["breaker"] == {"held_back": {}, "earlier_ends": 0, "to_release": ""}
    last = read(staged, "/orders/3")["history"][-1]
    assert (last["kind"], last["reason"]) == ("gone", "the catalog no longer has the service orders")


def test_the_life_of_a_preview_is_shown(stage: Stage, staged: FlaskClient) -> None:
    stage.clock.step = timedelta(0)
    now = stage.clock.now
    plan = {"defaults": {"lifecycle": {"expire_after": "6h"}}, "limits": {"total": 1}}
    stage.path.write_text(catalog_text({"orders": {}, "payments": {}}, **plan), "utf-8")
    stage.refresh()
    stage.source.listed["acme/orders"] = [asked(number, at=now - timedelta(hours=number)) for number in (1, 2, 3)]
    stage.refresh()
    stage.clock.now += timedelta(hours=4)
    stage.refresh()
    first, second, third = read(staged)["previews"]

    assert (third["state"], third["since"]) == ("active", "2026-11-21T09:00:00Z")
    assert (third["expires_at"], third["announced_at"]) == ("2026-11-21T17:00:00Z", "2026-11-21T13:00:00Z")
    assert third["deploy_sha"] == third["head_sha"] == SHA
    assert [(each["state"], each["queue_place"]) for each in (first, second, third)] == [
        ("queued", 2),
        ("queued", 1),
        ("active", 0),
    ]
    assert (first["expires_at"], first["announced_at"]) == ("", "")


def test_a_repository_that_was_never_read_is_named(stage: Stage, staged: FlaskClient) -> None:
    stage.source.listed["acme/orders"] = [make_pull_request(1)]
    stage.refresh()
    stage.write_catalog({"orders": {}, "payments": {}, "shop": {}})
    stage.refresh()

    answer = read(staged)
    assert answer["unread"] == ["acme/shop"]
    assert [preview["locator"] for preview in answer["previews"]] == ["acme/orders#1"]


def test_the_age_is_of_the_oldest_reading_and_doubts_are_named(stage: Stage, staged: FlaskClient) -> None:
    stage.refresh()
    del stage.source.listed["acme/payments"]
    stage.clock.now += timedelta(minutes=10)
    stage.refresh()

    # Each look at the clock takes a second: one for this answer, after ten minutes.
    answer = read(staged)
    assert answer["snapshot"] == {"age_seconds": 601, "complete": False}
    assert answer["doubts"] == {"acme/payments": "no answer"}
