"""The server as users run it, asked over a socket."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fakes.github import GitHub, faults
from tests.server import PATH, READ_TOKEN, REQUEST, TOKEN, Server, serve, wait_for

ARGOCD = (
    f"POST {PATH} HTTP/1.1\r\n"
    "Host: preview-plugin.argocd.svc.cluster.local\r\n"
    "User-Agent: argocd-applicationset\r\n"
    f"Content-Length: {len(REQUEST)}\r\n"
    f"Authorization: Bearer {TOKEN}\r\n"
    "Content-Type: application/json\r\n"
    "Accept-Encoding: gzip\r\n\r\n"
).encode() + REQUEST


@pytest.fixture(name="server", scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with serve(folder, PREVIEW_SOURCE="file:examples/acme/organisation.yaml") as server:
        yield server


def exchange(server: Server, request: bytes) -> tuple[bytes, dict[str, str], bytes]:
    """Send bytes, and return the status line, the headers and the body."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(request)
        received = b""
        while b"\r\n\r\n" not in received:
            received += connection.recv(65536)
        head, _, body = received.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        while len(body) < int(headers["content-length"]):
            body += connection.recv(65536)
        return status.encode(), headers, body


def test_the_bytes_that_argocd_sends_are_answered(server: Server) -> None:
    status, headers, body = exchange(server, ARGOCD)

    assert status == b"HTTP/1.1 200 OK"
    assert headers["content-type"] == "application/json"
    assert int(headers["content-length"]) == len(body)
    assert len(json.loads(body)["output"]["parameters"]) == 12


@pytest.mark.parametrize(
    ("request_bytes", "status", "message"),
    [
        (ARGOCD.replace(TOKEN.encode(), b"x"), 403, "the bearer token is missing or wrong"),
        (ARGOCD.replace(TOKEN.encode(), b"\xc3\xa9\xff"), 403, "the bearer token is missing or wrong"),
        (ARGOCD.replace(b"execute HTTP", b"execute/ HTTP"), 404, "there is nothing at this path"),
        (ARGOCD.replace(b"POST", b"GET"), 405, "this path does not accept this method"),
        (ARGOCD.replace(b'{"app', b'["app'), 400, "the request body is not JSON"),
        (
            ARGOCD.replace(f"Content-Length: {len(REQUEST)}".encode(), b"Transfer-Encoding: chunked").replace(
                REQUEST, b"20000\r\n" + b" " * 0x20000 + b"\r\n0\r\n\r\n"
            ),
            413,
            "the request body is too large",
        ),
    ],
)
def test_errors_have_a_message_and_a_length(server: Server, request_bytes: bytes, status: int, message: str) -> None:
    line, headers, body = exchange(server, request_bytes)

    assert int(line.split()[1]) == status
    assert int(headers["content-length"]) == len(body)
    assert "location" not in headers
    assert json.loads(body) == {"message": message}


def test_a_truncated_body_is_an_error_response(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(ARGOCD[:-10])
        connection.shutdown(socket.SHUT_WR)
        received = connection.recv(65536)

    assert not received.startswith(b"HTTP/1.1 2")


def test_ten_applicationsets_that_ask_at_once_cause_one_refresh(
    github: GitHub, tmp_path_factory: pytest.TempPathFactory
) -> None:
    github.latency = 0.2
    folder = tmp_path_factory.mktemp("server")
    settings = {"PREVIEW_GITHUB_URL": github.url, "PREVIEW_GITHUB_TOKEN": github.token, "PREVIEW_REFRESH": "1h"}
    with serve(folder, **settings) as server, ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda _: server.ask(), range(10)))

    assert [answer.status for answer in answers] == [200] * 10
    assert len({answer.body for answer in answers}) == 1
    assert [call.operation for call in github.log] == ["List", "Details", "Confirm"]


def test_a_cold_server_without_github_answers_503_and_then_recovers(
    github: GitHub, tmp_path_factory: pytest.TempPathFactory
) -> None:
    github.intercept = faults.server_error(500)
    folder = tmp_path_factory.mktemp("server")
    settings = {"PREVIEW_GITHUB_URL": github.url, "PREVIEW_GITHUB_TOKEN": github.token, "PREVIEW_REFRESH": "1s"}
    with serve(folder, **settings) as server:
        first = server.ask()
        assert first.status == 503
        assert first.json["message"].startswith("these repositories have never been read: acme/backoffice, ")
        assert server.ask("GET", "/readyz", None).status == 503

        github.intercept = None
        while (answer := server.ask()).status == 503:
            assert answer.body == first.body  # the same text each time
        log = server.log.read_text("utf-8")

    assert len(answer.json["output"]["parameters"]) == 12
    for secret in (TOKEN, READ_TOKEN, github.token):
        assert secret not in log


def test_wrong_settings_stop_the_start_with_one_message(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("server")
    settings = {"PREVIEW_TOKEN": "$preview-plugin:token", "PREVIEW_REFRESH": "soon"}
    with pytest.raises(AssertionError) as failure, serve(folder, **settings):
        pass

    assert "PREVIEW_GITHUB_TOKEN: is missing" in str(failure.value)
    assert 'PREVIEW_TOKEN: must not start with "$"' in str(failure.value)
    assert 'PREVIEW_REFRESH: "soon" is not a duration' in str(failure.value)


def test_a_second_server_on_the_same_file_does_not_start_and_says_why(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("server")
    settings = {"PREVIEW_SOURCE": "file:examples/acme/organisation.yaml", "PREVIEW_STATE": f"sqlite:{folder}/state.db"}
    with serve(folder, **settings) as first:
        with pytest.raises(AssertionError, match=f"PREVIEW_STATE: another process serves from {folder}/state.db"):
            serve(folder, **settings).__enter__()
        assert first.ask().status == 200


def test_a_broken_catalog_stops_the_start_unless_the_state_has_a_valid_one(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("server")
    catalog, good = folder / "catalog.yaml", Path("tests/acme/catalog.yaml").read_text("utf-8")
    settings = {
        "PREVIEW_CATALOG": str(catalog),
        "PREVIEW_SOURCE": "file:examples/acme/organisation.yaml",
        "PREVIEW_REFRESH": "1s",
        "PREVIEW_STATE": f"sqlite:{folder}/state.db",
    }
    catalog.write_text(good + "surprise: true\n", "utf-8")
    with pytest.raises(AssertionError) as failure, serve(folder, **settings):
        pass
    assert "surprise" in str(failure.value)
    assert "Traceback" not in str(failure.value)

    catalog.write_text(good, "utf-8")
    with serve(folder, **settings) as server:
        before = server.ask().body
    catalog.write_text(good + "surprise: true\n", "utf-8")
    with serve(folder, **settings) as server:
        assert server.ask().body == before
        server.refreshed()
        assert server.ask().body == before
        assert server.metric("preview_catalog_broken") == 1
        assert "the catalog is broken; the previous version stays in force" in server.log.read_text("utf-8")

        catalog.write_text(good.replace("preview.example.com", "other.example.com"), "utf-8")
        wait_for(lambda: b"orders-15.other.example.com" in server.ask().body)
        assert server.metric("preview_catalog_broken") == 0
