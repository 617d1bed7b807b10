"""A stand-in for Jira, over TLS: the links on its issues.

It takes what the documented example of a request has, and answers as documented.
https://developer.atlassian.com/cloud/jira/platform/rest/v2/api-group-issue-remote-links/
"""

import json
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.manifests.tls import certificate
from tests.server import in_background

DOCUMENTED = json.loads(Path("tests/unit/report/jira.json").read_text("utf-8"))
USER, TOKEN = "previews@acme.example", "jira-token"
Json = dict[str, Any]


@dataclass
class Jira:
    """Every issue of the project exists."""

    url: str
    certificate: Path  # whom a client has to trust
    project: str
    links: dict[str, dict[str, Json]] = field(default_factory=dict)  # by issue and identity
    log: list[str] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, Any]:
        """What the plugin needs."""
        return {
            "PREVIEW_JIRA_USER": USER,
            "PREVIEW_JIRA_TOKEN": TOKEN,
            "REQUESTS_CA_BUNDLE": str(self.certificate),
        }

    def answer(self, method: str, target: str, authorization: str, body: bytes) -> tuple[int, Json | None]:
        """Answer one request."""
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        issue = path.removeprefix("/rest/api/2/issue/").removesuffix("/remotelink")
        self.log.append(f"{method} {issue}")
        if authorization != f"Basic {b64encode(f'{USER}:{TOKEN}'.encode()).decode()}":
            return 401, {"errorMessages": ["You are not authenticated."], "errors": {}}
        if path != f"/rest/api/2/issue/{issue}/remotelink" or not issue.startswith(f"{self.project}-"):
            return 404, {"errorMessages": ["Issue does not exist or you do not have permission to see it."]}
        links = self.links.setdefault(issue, {})
        if method == "DELETE":
            return (204, None) if links.pop(query["globalId"][0], None) else (404, {"errorMessages": ["No such link."]})
        link = json.loads(body)
        if not (link.keys() <= DOCUMENTED["request"].keys() and {"url", "title"} <= link["object"].keys()):
            return 400, {"errorMessages": [], "errors": {"object": "is invalid"}}
        status = 200 if link["globalId"] in links else 201
        links[link["globalId"]] = link
        return status, DOCUMENTED["response"]


@contextmanager
def serve_jira(folder: Path, project: str) -> Iterator[Jira]:
    """Start a Jira with a certificate of its own for `localhost`."""
    shown = certificate(folder, "localhost")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, content = jira.answer(self.command, self.path, self.headers.get("Authorization", ""), body)
            answer = b"" if content is None else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_DELETE = do_POST  # noqa: N815  the name that the standard library looks for

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown.crt, shown.key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    jira = Jira(f"https://localhost:{server.server_address[1]}", shown.crt, project)
    with in_background(server):
        yield jira
