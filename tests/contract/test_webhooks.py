"""A change, from GitHub's delivery to Argo CD's request, with the real server between them."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from plugin.sources.github.deliveries import signature
from tests.contract.conftest import ACME
from tests.deliveries import WEBHOOK_SECRET, deliver, deliver_success
from tests.server import Server, in_background, serve, wait_for

ARGOCD_SECRET = "secret-of-argo-cd"


@pytest.fixture(name="nudges")
def _nudges() -> list[str]:
    """For each delivery to Argo CD's webhook, whether its signature is valid."""
    return []


@pytest.fixture(name="argocd_webhook")
def _argocd_webhook(nudges: list[str]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            right = self.headers["X-Hub-Signature-256"] == signature(ARGOCD_SECRET, body)
            nudges.append("signed" if right else "forged")
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with in_background(HTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield f"http://127.0.0.1:{server.server_port}/api/webhook"


@pytest.fixture(name="organisation")
def _organisation(tmp_path: Path) -> Path:
    path = tmp_path / "organisation.yaml"
    path.write_text((ACME / "organisation.yaml").read_text("utf-8"), "utf-8")
    return path


@pytest.fixture(name="server")
def _server(tmp_path: Path, organisation: Path, argocd_webhook: str) -> Iterator[Server]:
    settings = {
        "PREVIEW_SOURCE": f"file:{organisation}",
        "PREVIEW_REFRESH": "1h",
        "PREVIEW_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "PREVIEW_ARGOCD_WEBHOOK": argocd_webhook,
        "PREVIEW_ARGOCD_WEBHOOK_SECRET": ARGOCD_SECRET,
    }
    with serve(tmp_path, **settings) as server:
        yield server


def test_only_a_check_that_the_catalog_waits_for_is_worth_a_look(tmp_path: Path, organisation: Path) -> None:
    catalog = tmp_path / "catalog.yaml"
    text = (ACME / "catalog.yaml").read_text("utf-8")
    gate = "repository: acme/orders\n    lifecycle: {ready_when: {check: image}}\n"
    catalog.write_text(text.replace("repository: acme/orders\n", gate), "utf-8")
    settings = {
        "PREVIEW_CATALOG": str(catalog),
        "PREVIEW_SOURCE": f"file:{organisation}",
        "PREVIEW_REFRESH": "1h",
        "PREVIEW_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }
    with serve(tmp_path, **settings) as server:
        assert server.ask().status == 200
        for repository, check in (("acme/orders", "tests"), ("acme/users", "image"), ("ACME/Orders", "image")):
            assert deliver_success(server, repository, check) == 202

        assert server.metric("preview_webhook_deliveries_total", result="ignored") == 2
        assert server.metric("preview_webhook_deliveries_total", result="accepted") == 1


def push(organisation: Path) -> str:
    """Change the head of acme/orders#12 and return the new one."""
    text, new = organisation.read_text("utf-8"), "5" * 40
    organisation.write_text(text.replace("0a4be4a1c1a5e7e6f5c9d3b1a2f4c6d8e0f1a3b5", new), "utf-8")
    return new


def test_a_delivered_push_is_answered_at_once_and_argocd_is_nudged(
    server: Server, organisation: Path, nudges: list[str]
) -> None:
    assert server.ask().status == 200
    head = push(organisation)

    assert head not in server.ask().body.decode()
    assert deliver(server, "acme/orders", secret="secret-of-another") == 403
    assert deliver(server, "ACME/Orders") == 202
    wait_for(lambda: len(nudges) >= 2)  # the nudge is repeated, because Argo CD has not asked yet
    assert head in server.ask().body.decode()
    assert set(nudges) == {"signed"}


def test_a_push_of_which_github_knows_only_after_its_delivery_is_answered(server: Server, organisation: Path) -> None:
    assert server.ask().status == 200
    readings = server.metric("preview_refresh_seconds_count")

    assert deliver(server, "acme/orders") == 202
    wait_for(lambda: server.metric("preview_refresh_seconds_count") > readings)
    head = push(organisation)
    wait_for(lambda: head in server.ask().body.decode())
