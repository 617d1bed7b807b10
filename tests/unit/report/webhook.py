"""A stand-in for Argo CD's webhook, over a real socket, for the tests of the nudge."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from plugin.metrics import Metrics
from plugin.report.argocd import Nudger
from tests.server import in_background

SECRET = "secret-of-argo-cd"


@dataclass
class Delivery:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class ArgoCD:
    """A webhook that records what it gets, and what Argo CD asked of the plugin."""

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


@contextmanager
def listening() -> Iterator[ArgoCD]:
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

    with in_background(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        argocd.port = server.server_port
        yield argocd


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
    """Make Argo CD ask for a version as soon as it has got so many deliveries."""

    def on_delivery(count: int) -> None:
        if count >= after:
            argocd.asked = version

    argocd.on_delivery = on_delivery
