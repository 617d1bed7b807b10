"""Slow and broken clients, each on a connection to the real server: they must not keep Argo CD waiting."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.server import PATH, REQUEST, TOKEN, Server, serve

SECRET = "0123456789abcdef"
SIGNED = f"X-Hub-Signature-256: sha256={'0' * 64}\r\n"
LONG, CHUNKED = "Content-Length: 1000\r\n", "Transfer-Encoding: chunked\r\n"
NOTIFICATIONS_TOKEN = "notifications-token"
SLOW = 32  # connections: twice the server's threads


@pytest.fixture(name="server", scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    source = "file:examples/acme/organisation.yaml"
    secrets = {"PREVIEW_WEBHOOK_SECRET": SECRET, "PREVIEW_NOTIFICATIONS_TOKEN": NOTIFICATIONS_TOKEN}
    with serve(folder, PREVIEW_SOURCE=source, **secrets) as server:
        yield server


def head(path: str, headers: str) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{headers}\r\n".encode()


# Seconds: far more than a busy machine needs, and less than a client could keep a thread for.
KEPT_WAITING = 4.0


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=30)


def answer(server: Server, request: bytes) -> tuple[int, str]:
    with connect(server) as connection:
        connection.sendall(request)
        return received(connection)


def received(connection: socket.socket) -> tuple[int, str]:
    data = b""
    while not data.endswith(b"}"):
        piece = connection.recv(65536)
        assert piece, data
        data += piece
    lines, _, body = data.partition(b"\r\n\r\n")
    return int(lines.split()[1]), json.loads(body)["message"]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        pytest.param("/webhooks/github", SIGNED + LONG, id="a signed delivery"),
        pytest.param("/webhooks/github", SIGNED + CHUNKED, id="a chunked delivery"),
        pytest.param("/webhooks/github", LONG, id="without a signature"),
        pytest.param("/webhooks/github", SIGNED + "Content-Length: 99999999\r\n", id="too large"),
        pytest.param("/webhooks/argocd", LONG, id="a notification without a token"),
        pytest.param("/webhooks/argocd", f"Authorization: Bearer {NOTIFICATIONS_TOKEN}\r\n{LONG}", id="a notification"),
        pytest.param(PATH, LONG, id="without a token"),
        pytest.param("/healthz", LONG, id="a wrong method"),
        pytest.param("/nothing", CHUNKED, id="a wrong path"),
    ],
)
def test_slow_bodies_do_not_keep_argocd_waiting(server: Server, path: str, headers: str) -> None:
    with ExitStack() as stack:
        connections = [stack.enter_context(connect(server)) for _ in range(SLOW)]
        for connection in connections:
            connection.sendall(head(path, headers))
        end, slowest = time.monotonic() + 1, 0.0
        while time.monotonic() < end:
            for connection in connections:
                drip(connection)
            start = time.monotonic()
            assert server.ask().status == server.ask("GET", "/healthz", None).status == 200
            slowest = max(slowest, time.monotonic() - start)
            time.sleep(0.5)

    assert slowest < KEPT_WAITING


@pytest.mark.parametrize(
    "beginning",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"POST /webh", id="half a line"),
        pytest.param(b"POST /webhooks/github HTTP/1.1\r\nHost: a\r\nX-Slow: ", id="half the headers"),
        pytest.param(b"\r\n\r\n", id="empty lines"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nPOST /webh", id="half a second request"),
        pytest.param(b"GET /healthz HTTP/1.0\r\nHost: a\r\n\r\n", id="never closed"),
    ],
)
def test_slow_requests_do_not_keep_argocd_waiting(server: Server, beginning: bytes) -> None:
    with ExitStack() as stack:
        connections = [stack.enter_context(connect(server)) for _ in range(SLOW)]
        for connection in connections:
            connection.sendall(beginning)
        end, slowest = time.monotonic() + 1, 0.0
        while time.monotonic() < end:
            start = time.monotonic()
            assert server.ask().status == server.ask("GET", "/healthz", None).status == 200
            slowest = max(slowest, time.monotonic() - start)
            for connection in connections:
                drip(connection)
            time.sleep(0.5)

    assert slowest < KEPT_WAITING


def test_a_request_that_does_not_arrive_in_time_is_closed(server: Server) -> None:
    with connect(server) as connection:
        for _ in range(12):
            drip(connection)
            time.sleep(1)
        connection.settimeout(1)
        with suppress(ConnectionError):
            assert connection.recv(1) == b""


def test_a_request_in_pieces_and_several_in_one_piece_are_answered(server: Server) -> None:
    request = head(PATH, f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(REQUEST)}\r\n") + REQUEST
    with connect(server) as connection:
        for byte in request:
            connection.sendall(bytes([byte]))
        first = next_answer(connection)
        connection.sendall(request * 3 + request[:50])
        assert [next_answer(connection) for _ in range(3)] == [first] * 3
        connection.sendall(request[50:])
        assert next_answer(connection) == first


def test_a_huge_head_closes_the_connection(server: Server) -> None:
    with connect(server) as connection, suppress(ConnectionError):
        connection.sendall(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000)
        assert connection.recv(1) == b""


def next_answer(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(1)
    length = int(data.lower().partition(b"content-length: ")[2].split()[0])
    body = b""
    while len(body) < length:
        body += connection.recv(length - len(body))
    return body


def drip(connection: socket.socket) -> None:
    with suppress(OSError):  # the server may have closed it
        connection.send(b"1")


def test_a_body_that_does_not_arrive_in_time_is_a_408(server: Server) -> None:
    with connect(server) as connection:
        connection.sendall(head("/webhooks/github", SIGNED + LONG) + b"{")

        assert received(connection) == (408, "the request body did not arrive within 5 seconds")


def test_while_slow_bodies_are_read_deliveries_are_a_503(server: Server) -> None:
    with ExitStack() as stack:
        for connection in [stack.enter_context(connect(server)) for _ in range(4)]:
            connection.sendall(head("/webhooks/github", SIGNED + LONG) + b"{")
        time.sleep(0.5)

        request = head("/webhooks/github", SIGNED + "Content-Length: 2\r\n") + b"{}"
        assert answer(server, request) == (503, "too many request bodies are being read; try again")
        time.sleep(6)
        assert answer(server, request) == (403, "the signature is missing or wrong")


@pytest.mark.parametrize("path", ["/webhooks/github", PATH])
@pytest.mark.parametrize("body", [b"zz\r\n", b"2\r\n{}x\r\n0\r\n\r\n", b"-1\r\n\r\n", b"\r\n\r\n", b"f" * 10_000])
def test_a_broken_chunked_body_is_a_400(server: Server, path: str, body: bytes) -> None:
    before = server.log.read_text("utf-8")
    request = head(path, SIGNED + CHUNKED + f"Authorization: Bearer {TOKEN}\r\n") + body

    assert answer(server, request) == (400, "the request body is not valid chunked encoding")
    assert "Traceback" not in server.log.read_text("utf-8").removeprefix(before)


def test_an_error_with_a_complete_body_keeps_the_connection(server: Server) -> None:
    with connect(server) as connection:
        for _ in range(3):
            connection.sendall(head(PATH, "Content-Length: 2\r\n") + b"{}")
            assert received(connection) == (403, "the bearer token is missing or wrong")
