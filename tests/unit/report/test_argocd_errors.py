"""What happens if Argo CD cannot be told about a change."""

import threading
from collections.abc import MutableMapping, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from plugin.metrics import Metrics
from plugin.report import argocd as nudge
from plugin.report.argocd import Nudger
from plugin.state import Unreachable
from tests.server import free_port, wait_for
from tests.unit.report.webhook import SECRET, ArgoCD, asks, counted, running


@pytest.mark.parametrize("status", [201, 301, 302, 307, 400, 401, 404, 500, 503])
def test_an_error_response_is_a_failure_and_is_retried(
    argocd: ArgoCD, nudger: Nudger, metrics: Metrics, status: int
) -> None:
    argocd.statuses = [status, status]
    asks(argocd, 1, after=3)
    with capture_logs() as lines, running(nudger):
        nudger.changed(1)
        wait_for(lambda: argocd.asked == 1)

    assert [delivery.path for delivery in argocd.deliveries] == ["/api/webhook"] * 3  # no redirect was followed
    assert counted(metrics) == {"failed": 2, "sent": 1}
    assert [(line["log_level"], line["url"], line["problem"]) for line in lines] == [
        ("warning", argocd.url, f"it answered {status}")
    ] * 2
    assert SECRET not in str(lines)
    assert "sha256" not in str(lines)


def test_a_missing_response_is_a_failure_and_is_retried(
    argocd: ArgoCD, nudger: Nudger, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nudge, "TIMEOUT", 0.05)
    told_again = threading.Event()

    def hang(count: int) -> None:
        if count == 1:
            told_again.wait(10)
        else:
            argocd.asked = 1
            told_again.set()

    argocd.on_delivery = hang
    with capture_logs() as lines, running(nudger):
        nudger.changed(1)
        wait_for(lambda: counted(metrics).get("sent") == 1)

    assert counted(metrics)["failed"] >= 1
    assert {line["problem"] for line in lines} == {"ReadTimeout"}


def test_after_some_tries_it_gives_up_until_the_next_change(metrics: Metrics) -> None:
    url = f"http://127.0.0.1:{free_port()}/api/webhook"
    nudger = Nudger(url, SECRET, lambda: 0, metrics)

    def given_up(lines: Sequence[MutableMapping[str, Any]]) -> list[MutableMapping[str, Any]]:
        return [line for line in lines if "version" in line]

    with capture_logs() as lines, running(nudger):
        nudger.changed(7)
        wait_for(lambda: len(given_up(lines)) == 1)
        assert counted(metrics) == {"failed": 5}
        nudger.changed(8)
        wait_for(lambda: len(given_up(lines)) == 2)

    assert counted(metrics) == {"failed": 10}
    assert [(line["version"], line["url"]) for line in given_up(lines)] == [(7, url), (8, url)]
    assert "PREVIEW_ARGOCD_WEBHOOK" in str(given_up(lines)[0]["event"])
    assert {line["problem"] for line in lines if "problem" in line} == {"ConnectionError"}
    assert SECRET not in str(lines)


def test_it_does_not_complain_when_argocd_asks_after_the_last_try(argocd: ArgoCD, nudger: Nudger) -> None:
    asks(argocd, 1, after=5)
    with capture_logs() as lines, running(nudger):
        nudger.changed(1)
        wait_for(lambda: "asked for 1" in argocd.events)
        asks(argocd, 2, after=6)
        nudger.changed(2)
        wait_for(lambda: argocd.asked == 2)

    assert lines == []


def test_argocd_is_told_if_it_is_unknown_whether_it_asked(argocd: ArgoCD, metrics: Metrics) -> None:
    def newest_asked() -> int:
        raise Unreachable("the state cannot be reached")

    nudger = Nudger(argocd.url, SECRET, newest_asked, metrics)
    with running(nudger):
        nudger.changed(1)
        wait_for(lambda: len(argocd.deliveries) >= 2)


def test_an_unexpected_error_does_not_end_the_thread(argocd: ArgoCD, metrics: Metrics) -> None:
    mistakes = [ZeroDivisionError()]

    def newest_asked() -> int:
        if mistakes:
            raise mistakes.pop()
        return argocd.asked

    asks(argocd, 2, after=1)
    nudger = Nudger(argocd.url, SECRET, newest_asked, metrics)
    with capture_logs() as lines, running(nudger):
        nudger.changed(1)
        wait_for(lambda: bool(lines))
        nudger.changed(2)
        wait_for(lambda: argocd.asked == 2)

    assert [(line["log_level"], line["event"]) for line in lines] == [("error", "the nudge failed")]
