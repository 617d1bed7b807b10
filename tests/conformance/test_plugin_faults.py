"""Faults of the plugin, its settings and its catalog: no Application is deleted, and everything recovers."""

import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest

from tests.conformance.argocd import Object, secret
from tests.conformance.canned import canned_plugin
from tests.conformance.stage import PLUGIN_ERROR, Stage, refused, well
from tests.server import TOKEN

BILLING = """\
  billing:
    repository: acme/billing
    profile: backend
    image: {name: ghcr.io/acme/billing}
    port: 8000
    staging: {internal: "http://app.staging-billing.svc.cluster.local", public: "https://billing.staging.example.com"}
"""


@pytest.fixture(name="staged", scope="module")
def _staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Shared; each test restores it."""
    with well(tmp_path_factory.mktemp("plugin")) as staged:
        yield staged


def test_a_plugin_that_is_down_deletes_nothing(staged: Stage) -> None:
    staged.stop_plugin()
    refused(staged.reconcile(), "error listing params")  # may use the old connection
    refused(staged.reconcile(), "connect: connection refused")
    staged.start_plugin()
    staged.recovers()


def test_a_plugin_without_its_state_answers_once_it_has_read_everything(staged: Stage) -> None:
    staged.start_plugin()
    reconciled = staged.reconcile()
    assert reconciled.fine
    assert reconciled.touched == set()
    staged.recovers()


def test_a_plugin_killed_before_it_answers_deletes_nothing(staged: Stage) -> None:
    staged.github.latency = 3  # so that the request waits for the first refresh
    staged.start_plugin()
    server = staged.server
    killer = threading.Timer(1, server.kill)
    killer.start()
    reconciled = staged.reconcile()
    killer.join()
    refused(reconciled, "error listing params")
    assert "connection refused" not in reconciled.problem

    staged.github.latency = 0
    staged.start_plugin()
    staged.recovers()


def test_a_truncated_answer_deletes_nothing(staged: Stage) -> None:
    answer = staged.server.ask()
    head = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
    start = f"HTTP/1.1 200 OK\r\n{head}\r\n".encode()
    whole = start + answer.body
    with canned_plugin() as plugin:
        staged.argocd.point_at(plugin.url)
        plugin.response = whole
        assert staged.reconcile().fine
        for cut in (0, 5, len(start) // 2, len(start), len(start) + 1, len(whole) // 2, len(whole) - 2, len(whole) - 1):
            plugin.response = whole[:cut]
            refused(staged.reconcile(), "error listing params")
    staged.point_argocd_at_plugin()
    staged.recovers()


def test_a_plugin_killed_while_it_answers_deletes_nothing(staged: Stage) -> None:
    server = staged.server
    with relay(server.port, then=server.kill) as url:
        staged.argocd.point_at(url)
        refused(staged.reconcile(), "error listing params: error get api")
    assert server.process.poll() is not None

    staged.start_plugin(remembers=True)
    staged.recovers()


@contextmanager
def relay(port: int, then: Callable[[], object]) -> Iterator[str]:
    """Relay half of the first answer from the server on this port, then call `then`."""

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as plugin:
                plugin.sendall(self.request.recv(65536))
                answer = b""
                while b"\r\n\r\n" not in answer or len(answer) < 20_000:
                    answer += plugin.recv(65536)
                self.wfile.write(answer[: len(answer) // 2])
                then()

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as listener:
        thread = threading.Thread(target=listener.handle_request)
        thread.start()
        yield f"http://127.0.0.1:{listener.server_address[1]}"
        thread.join()


def test_an_idle_connection_is_still_open(staged: Stage) -> None:
    """The server must not close it just when Argo CD asks again: that would be an error of the ApplicationSet."""
    connection = HTTPConnection("127.0.0.1", staged.server.port, timeout=10)
    connection.request("GET", "/healthz")
    connection.getresponse().read()
    assert connection.sock
    said, _, _ = select.select([connection.sock], [], [], 5)  # a closed connection would be readable
    connection.close()
    assert not said


def test_a_wrong_token_deletes_nothing(staged: Stage) -> None:
    staged.argocd.apply(secret("preview-plugin", token="another"))
    refused(staged.reconcile(), f"{PLUGIN_ERROR}403: the bearer token is missing or wrong")
    staged.argocd.apply(secret("preview-plugin", other=TOKEN))  # Argo CD sends "$token" then
    refused(staged.reconcile(), f"{PLUGIN_ERROR}403: the bearer token is missing or wrong")
    staged.argocd.apply(secret("preview-plugin", token=TOKEN))
    staged.recovers()


@pytest.mark.parametrize(
    "text", ["", "services: {}\n", "version: 1\nservices: [", "\x00", "version: 1\ndomain: preview.example.com\n"]
)
def test_a_broken_catalog_leaves_the_previous_one_in_force(staged: Stage, text: str) -> None:
    catalog = staged.catalog
    valid = catalog.read_text("utf-8")
    catalog.write_text(text, "utf-8")
    during = staged.settle()
    assert during.fine
    assert during.touched == set()
    assert staged.server.metric("preview_catalog_broken") == 1

    catalog.write_text(valid, "utf-8")
    staged.recovers()
    assert staged.server.metric("preview_catalog_broken") == 0


def test_a_missing_catalog_leaves_the_previous_one_in_force(staged: Stage) -> None:
    catalog, away = staged.catalog, staged.folder / "away.yaml"
    catalog.rename(away)
    assert staged.settle().touched == set()
    assert staged.server.metric("preview_catalog_broken") == 1
    away.rename(catalog)
    staged.recovers()


def test_an_unreadable_new_repository_waits_alone(staged: Stage) -> None:
    """The rest of the edit takes effect: here the domain of every preview."""
    catalog, live = staged.catalog, staged.argocd.applications().keys()
    valid = catalog.read_text("utf-8")
    edited = valid.replace("domain: preview.example.com", "domain: other.example.com")
    catalog.write_text(edited + BILLING, "utf-8")
    during = staged.settle()
    assert during.fine
    assert during.updated.keys() == live == during.touched
    assert staged.server.metric("preview_repositories_unread") == 1

    catalog.write_text(valid, "utf-8")
    assert staged.settle().updated.keys() == live
    assert staged.server.metric("preview_repositories_unread") == 0
    staged.recovers()


def test_a_service_in_an_unreadable_repository_keeps_its_previews(staged: Stage) -> None:
    catalog = staged.catalog
    valid = catalog.read_text("utf-8")
    catalog.write_text(valid.replace("repository: acme/shop", "repository: acme/shoop"), "utf-8")
    during = staged.settle()
    assert during.fine
    assert during.touched == set()
    assert staged.server.metric("preview_repositories_in_doubt") == 1

    catalog.write_text(valid, "utf-8")
    staged.recovers()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"services": ["ordrs"]}, 'services: the catalog has no service "ordrs"; did you mean "orders"?'),
        ({"services": []}, "services is an empty list; leave it out to ask for all services"),
        ({"service": ["orders"]}, 'unknown input parameter "service"'),
        ({"profile": "back-end"}, 'profile: no service of the catalog has the profile "back-end"'),
        ({"origin": "forks"}, "origin must be one of same-repository, fork, any"),
    ],
)
def test_an_unknown_filter_is_refused_and_deletes_nothing(
    staged: Stage, wrong: dict[str, object], message: str
) -> None:
    valid = staged.argocd.apply_file("applicationsets/previews.yaml")
    staged.argocd.apply(asking(valid, wrong))
    refused(staged.reconcile(), f"{PLUGIN_ERROR}400: {message}")
    staged.argocd.apply(valid)
    staged.recovers()


def asking(application_set: Object, parameters: dict[str, object]) -> Object:
    (generator,) = application_set["spec"]["generators"]
    generators = [{"plugin": {**generator["plugin"], "input": {"parameters": parameters}}}]
    return {**application_set, "spec": {**application_set["spec"], "generators": generators}}
