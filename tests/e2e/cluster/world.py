"""What is outside the cluster: GitHub (its API and Git), another host, and the clouds' metadata address."""

import os
import ssl
import subprocess
from http import HTTPStatus
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from threading import Thread
from typing import Any

from tests.e2e.cluster.certificates import Authority
from tests.e2e.layout import INTERNET, METADATA, WORLD

HOP_BY_HOP = {"connection", "transfer-encoding", "content-length"}


def start(authority: Authority, github_port: int, repositories: Path) -> None:
    """Serve `api.github.com` from the fake GitHub on that port, `github.com` from the folder of repositories."""

    class GitHub(_Handler):
        port = github_port
        folder = repositories

    certificate, key = authority.server("github", ["github.com", "api.github.com"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    _serve(_TLSServer((WORLD, 443), GitHub, context))
    for place in ((INTERNET, 80), (INTERNET, 443), (METADATA, 80)):
        _serve(_Server(place, _Hello))


def _serve(server: ThreadingHTTPServer) -> None:
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()


class _Server(ThreadingHTTPServer):
    def server_bind(self) -> None:
        """Bind without asking for the address's name, which takes seconds before there is DNS."""
        TCPServer.server_bind(self)


class _TLSServer(_Server):
    """Makes the TLS handshake in the thread of the connection, so that a slow client keeps nobody waiting."""

    request_queue_size = 64

    def __init__(
        self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext
    ) -> None:
        super().__init__(address, handler)
        self._context = context

    def finish_request(self, request: Any, client_address: Any) -> None:
        try:
            with self._context.wrap_socket(request, server_side=True) as secure:
                super().finish_request(secure, client_address)
        except (ConnectionError, ssl.SSLError, TimeoutError):
            pass  # probes and clients that go away


class _Quiet(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing: the terminal belongs to the stories."""


class _Hello(_Quiet):
    def do_GET(self) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", "0")
        self.end_headers()


class _Handler(_Quiet):
    """GitHub: its API is passed on to the fake; the rest is Git over HTTP."""

    protocol_version = "HTTP/1.1"
    port: int
    folder: Path

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self._body()
        if self.headers.get("Host", "").startswith("api."):
            status, headers, content = self._api(body)
        else:
            status, headers, content = self._git(body)
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _api(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            connection.request(self.command, self.path, body, headers)
            response = connection.getresponse()
            return response.status, dict(response.headers), response.read()
        finally:
            connection.close()

    def _git(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """As a web server runs it: https://git-scm.com/docs/git-http-backend."""
        path, _, query = self.path.partition("?")
        variables = {
            "GIT_PROJECT_ROOT": str(self.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"], input=body, env=os.environ | variables, capture_output=True, check=True
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        return int(headers.pop("Status", "200 OK").split()[0]), headers, content
