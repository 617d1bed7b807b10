"""The fake GitHub's HTTP server on loopback."""

import contextlib
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .wire import Request, Response, make_request


class Server:
    """Serves until closed."""

    def __init__(self, port: int, handle: Callable[[Request], Response]) -> None:
        self._server = _Server(("127.0.0.1", port), handle)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop, and hang up on every client, as a machine that dies would."""
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handle: Callable[[Request], Response]) -> None:
        super().__init__(address, _Handler)
        self.handle = handle
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        with self._lock:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):  # the client was faster
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is not an error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept open, as GitHub's are
    wbufsize = -1  # one packet per answer, else Nagle's algorithm adds 40 ms to each
    disable_nagle_algorithm = True
    server: _Server

    def respond(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        base_url = f"http://127.0.0.1:{self.server.server_address[1]}"
        response = self.server.handle(make_request(self.command, base_url, self.path, self.headers.items(), body))
        self.send_response_only(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        if response.cut is not None:
            self.close_connection = True
        self.end_headers()
        self.wfile.write(response.body if response.cut is None else response.body[: response.cut])

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = respond  # noqa: N815 - the names of the standard library

    def log_message(self, *_: object) -> None:
        """Quiet: `GitHub.log` is the log."""
