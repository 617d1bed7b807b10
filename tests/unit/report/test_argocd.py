"""When Argo CD is told about a change, and how."""

import hashlib
import hmac
import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.metrics import Metrics
from plugin.report import argocd as nudge
from plugin.report.argocd import Nudger, pause
from tests.server import wait_for
from tests.unit.report.reports import report
from tests.unit.report.webhook import SECRET, ArgoCD, asks, counted, running


def test_one_delivery_is_enough_when_argocd_asks(argocd: ArgoCD, nudger: Nudger, metrics: Metrics) -> None:
    asks(argocd, 1, after=1)
    with running(nudger):
        nudger.changed(1)
        wait_for(lambda: "asked for 1" in argocd.events)
        asks(argocd, 2, after=2)
        nudger.changed(2)
        wait_for(lambda: "asked for 2" in argocd.events)

    assert argocd.events == ["asked for 0", "delivery", "asked for 1", "asked for 1", "delivery", "asked for 2"]
    assert counted(metrics) == {"sent": 2}


def test_the_delivery_is_one_that_argocd_takes(argocd: ArgoCD, nudger: Nudger) -> None:
    # https://github.com/argoproj/argo-cd/blob/v3.5.1/applicationset/webhook/webhook.go
    asks(argocd, 1, after=1)
    with running(nudger):
        nudger.changed(1)
        wait_for(lambda: argocd.asked == 1)

    (delivery,) = argocd.deliveries
    assert delivery.path == "/api/webhook"
    assert delivery.headers["X-GitHub-Event"] == "pull_request"
    assert delivery.headers["Content-Type"] == "application/json"
    digest = hmac.new(SECRET.encode(), delivery.body, hashlib.sha256).hexdigest()
    assert delivery.headers["X-Hub-Signature-256"] == f"sha256={digest}"
    assert json.loads(delivery.body) == {
        "action": "labeled",
        "repository": {"name": "none", "url": "https://preview-plugin.invalid/none", "owner": {"login": "none"}},
    }


def test_without_a_secret_there_is_no_signature(argocd: ArgoCD, metrics: Metrics) -> None:
    asks(argocd, 1, after=1)
    nudger = Nudger(argocd.url, None, argocd.newest_asked, metrics)
    with running(nudger):
        nudger.changed(1)
        wait_for(lambda: argocd.asked == 1)

    assert "X-Hub-Signature-256" not in argocd.deliveries[0].headers


def test_argocd_is_told_again_until_it_asks(argocd: ArgoCD, nudger: Nudger) -> None:
    asks(argocd, 1, after=3)
    with running(nudger):
        nudger.changed(1)
        wait_for(lambda: argocd.asked == 1)

    assert len(argocd.deliveries) == 3


def test_a_request_for_an_older_version_is_not_enough(argocd: ArgoCD, nudger: Nudger) -> None:
    argocd.asked = 4
    asks(argocd, 5, after=2)
    with running(nudger):
        nudger.changed(5)
        nudger.changed(3)  # is late, and no reason to forget the newer one
        wait_for(lambda: argocd.asked == 5)

    assert len(argocd.deliveries) == 2


def test_nothing_is_sent_when_argocd_has_asked_already(argocd: ArgoCD, nudger: Nudger) -> None:
    argocd.asked = 5
    with running(nudger):
        nudger.changed(5)
        wait_for(lambda: "asked for 5" in argocd.events)
        asks(argocd, 6, after=1)
        nudger.changed(6)
        wait_for(lambda: "asked for 6" in argocd.events)

    assert argocd.events == ["asked for 5", "asked for 5", "delivery", "asked for 6"]


def test_changes_that_come_together_share_one_delivery(argocd: ArgoCD, nudger: Nudger) -> None:
    asks(argocd, 3, after=1)
    for version in (1, 2, 3):
        nudger.changed(version)
    with running(nudger):
        wait_for(lambda: "asked for 3" in argocd.events)

    assert argocd.events == ["asked for 0", "delivery", "asked for 3"]


def test_changes_right_after_a_delivery_share_the_next_one(
    argocd: ArgoCD, nudger: Nudger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nudge, "SPACING", 1.0)
    asks(argocd, 9, after=2)
    with running(nudger):
        nudger.changed(1)
        wait_for(lambda: len(argocd.deliveries) == 1)
        for version in range(2, 10):
            nudger.changed(version)
        with pytest.raises(AssertionError):
            wait_for(lambda: len(argocd.deliveries) > 1, seconds=0.3)
        wait_for(lambda: "asked for 9" in argocd.events)

    assert len(argocd.deliveries) == 2


def test_a_newer_change_does_not_wait_for_a_long_pause_to_end(
    argocd: ArgoCD, nudger: Nudger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nudge, "SHORTEST", 3600.0)
    monkeypatch.setattr(nudge, "LONGEST", 3600.0)
    with running(nudger):
        nudger.changed(1)
        wait_for(lambda: len(argocd.deliveries) == 1)
        nudger.changed(2)
        wait_for(lambda: len(argocd.deliveries) >= 2)


def test_a_change_is_accepted_at_once_while_argocd_does_not_answer(argocd: ArgoCD, nudger: Nudger) -> None:
    release, released = threading.Event(), threading.Event()

    def hang(_: int) -> None:
        release.wait(10)
        released.set()
        argocd.asked = 2

    argocd.on_delivery = hang
    with running(nudger):
        nudger.changed(1)
        wait_for(lambda: len(argocd.deliveries) == 1)
        nudger.changed(2)
        assert not released.is_set()
        release.set()
        wait_for(released.is_set)


def test_a_refresh_nudges_only_if_it_changed_an_answer(argocd: ArgoCD, nudger: Nudger) -> None:
    asks(argocd, 7, after=1)
    with running(nudger):
        nudger.observe(report(changed=False))
        with pytest.raises(AssertionError):
            wait_for(lambda: bool(argocd.events), seconds=0.2)
        nudger.observe(report())
        wait_for(lambda: "asked for 7" in argocd.events)

    assert argocd.events == ["asked for 0", "delivery", "asked for 7"]


@given(st.integers(1, 10), st.floats(0, 1))
def test_pauses_double_up_to_a_minute_and_are_spread_by_half(tries: int, chance: float) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nudge, "SHORTEST", 1.0)
        patch.setattr(nudge, "LONGEST", 60.0)
        middle = [1, 2, 4, 8, 16, 32, 60, 60, 60, 60][tries - 1]

        assert pause(tries, 0.5) == middle
        assert 0.5 * middle <= pause(tries, chance) <= 1.5 * middle
        assert pause(tries, 0) < pause(tries, 1)
