"""Telling Argo CD, over a real socket."""

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from plugin.metrics import Metrics
from plugin.report import argocd as nudge
from plugin.report.argocd import Nudger, pause
from plugin.state import Unreachable
from tests.server import free_port, wait_for

SECRET = "secret-of-argo-cd"


@dataclass
class Delivery:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class ArgoCD:
    """A webhook that writes down what it gets, and what was asked of the plugin."""

    deliveries: list[Delivery] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)  # of the next answers; 200 when there are no more
    asked: int = 0
    port: int = 0
    on_delivery: Callable[[int], None] = lambda _: None  # gets how many there were, before the answer
    events: list[str] = field(default_factory=list)  # deliveries and questions in their order

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/webhook"

    def newest_asked(self) -> int:
        self.events.append(f"asked for {self.asked}")
        return self.asked


@pytest.fixture(name="argocd")
def _argocd() -> Iterator[ArgoCD]:
    argocd = ArgoCD()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            argocd.deliveries.append(Delivery(self.path, dict(self.headers), body))
            argocd.events.append("delivery")
            argocd.on_delivery(len(argocd.deliveries))
            self.send_response(argocd.statuses.pop(0) if argocd.statuses else 200)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            argocd.deliveries.append(Delivery(self.path, dict(self.headers), b""))

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        argocd.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield argocd
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SHORTEST": 0.02, "LONGEST": 0.02, "SPACING": 0.01, "LOOK": 0.01, "TRIES": 5}.items():
        monkeypatch.setattr(nudge, name, value)


@pytest.fixture(name="metrics")
def _metrics() -> Metrics:
    return Metrics()


@pytest.fixture(name="nudger")
def _nudger(argocd: ArgoCD, metrics: Metrics) -> Nudger:
    return Nudger(argocd.url, SECRET, argocd.newest_asked, metrics)


@contextmanager
def running(nudger: Nudger) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=nudger.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def counted(metrics: Metrics) -> dict[str, float]:
    (family,) = metrics.nudges.collect()
    return {s.labels["result"]: s.value for s in family.samples if s.name.endswith("_total")}


def asks(argocd: ArgoCD, version: int, after: int) -> None:
    """Let Argo CD ask for a version as soon as it got so many deliveries."""

    def on_delivery(count: int) -> None:
        if count >= after:
            argocd.asked = version

    argocd.on_delivery = on_delivery


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


def test_that_it_asked_for_something_older_is_not_enough(argocd: ArgoCD, nudger: Nudger) -> None:
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


def test_a_burst_of_changes_after_a_delivery_waits_and_shares_the_next_one(
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


@pytest.mark.parametrize("status", [201, 301, 302, 307, 400, 401, 404, 500, 503])
def test_another_answer_than_ok_is_a_failure_and_not_the_end(
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


def test_an_answer_that_does_not_come_is_a_failure_and_not_the_end(
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


def test_a_change_is_taken_at_once_while_argocd_does_not_answer(argocd: ArgoCD, nudger: Nudger) -> None:
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


def test_it_gives_up_after_some_tries_says_so_once_and_begins_anew_with_the_next_change(metrics: Metrics) -> None:
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


def test_argocd_is_told_when_nobody_knows_whether_it_asked(argocd: ArgoCD, metrics: Metrics) -> None:
    def newest_asked() -> int:
        raise Unreachable("the state cannot be reached")

    nudger = Nudger(argocd.url, SECRET, newest_asked, metrics)
    with running(nudger):
        nudger.changed(1)
        wait_for(lambda: len(argocd.deliveries) >= 2)


def test_what_nobody_foresaw_does_not_end_the_telling(argocd: ArgoCD, metrics: Metrics) -> None:
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


@given(st.integers(1, 10), st.floats(0, 1))
def test_pauses_double_up_to_a_minute_and_are_spread_by_half(tries: int, chance: float) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nudge, "SHORTEST", 1.0)
        patch.setattr(nudge, "LONGEST", 60.0)
        middle = [1, 2, 4, 8, 16, 32, 60, 60, 60, 60][tries - 1]

        assert pause(tries, 0.5) == middle
        assert 0.5 * middle <= pause(tries, chance) <= 1.5 * middle
        assert pause(tries, 0) < pause(tries, 1)
