"""A stand-in for Argo CD's API, over a real socket: reading an Application, and terminating its operation.

Statuses and order of checks are those of v3.5.1: server/server.go (enforceContentTypes) and
server/application/application.go (getAppEnforceRBAC, Get, TerminateOperation).
tests/contract/fake_argocd/ checks the shapes against Argo CD's own description.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.server import in_background

TOKEN = "token-of-the-account"
BEGAN = "2026-11-21T09:00:00Z"
Json = dict[str, Any]


def source(tag: str) -> Json:
    return {
        "repoURL": "https://github.com/acme/previews.git",
        "path": "manifests/apps/backend/overlays/preview",
        "targetRevision": "main",
        "kustomize": {"namespace": "preview-orders-12", "images": [f"app=ghcr.io/acme/orders:{tag}"]},
    }


def application(name: str, wants: Json, syncs: Json | None = None, *, deleting: bool = False) -> Json:
    """Make an Application that wants one source; `syncs` is what a running operation syncs."""
    made: Json = {
        "metadata": {"name": name, "namespace": "argocd"},
        "spec": {"project": "previews", "source": wants},
        "status": {},
    }
    if deleting:
        made["metadata"]["deletionTimestamp"] = BEGAN
    if syncs is not None:
        begin(made, syncs, BEGAN)
    return made


def begin(made: Json, syncs: Json, began: str) -> None:
    """Begin an operation, as the controller does."""
    made["operation"] = {
        "sync": {"revision": "main", "source": syncs},
        "initiatedBy": {"automated": True},
        "retry": {"limit": 2},
    }
    made["status"]["operationState"] = {
        "operation": made["operation"],
        "phase": "Running",
        "message": "waiting for completion of hook batch/Job/smoke-test",
        "startedAt": began,
        "syncResult": {"revision": "5c0ffee", "source": syncs},
    }


def end(made: Json, phase: str = "Failed", message: str = "Operation terminated") -> None:
    """End the operation, as the controller does."""
    made.pop("operation")
    made["status"]["operationState"] |= {"phase": phase, "message": message, "finishedAt": BEGAN}


@dataclass
class Reply:
    """What is answered instead of what Argo CD would say."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    trickles: bool = False  # one byte after the other, until the client has had enough


@dataclass
class FakeArgoCD:
    """Argo CD's API, and what it was asked."""

    applications: dict[str, Json] = field(default_factory=dict)
    port: int = 0
    asked: list[str] = field(default_factory=list)  # method and name, in their order
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)  # methods that the account's policy does not allow
    instead: Callable[[str], Reply | None] = lambda _: None  # gets the method and the name
    terminated: Callable[[Json], None] = end  # what the controller does, once an operation is terminating
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def times(self, method: str, name: str) -> int:
        return self.asked.count(f"{method} {name}")

    def answer(self, method: str, path: str, headers: dict[str, str]) -> Reply:
        if method != "GET" and headers.get("Content-Type", "").lower() != "application/json":
            return Reply(415, b"Invalid content type\n", {"Content-Type": "text/plain"})
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return error(401, 16, "no session information")
        match (method, path.split("/")[1:]):
            case ("GET", ["api", "v1", "applications", name]) | (
                "DELETE",
                ["api", "v1", "applications", name, "operation"],
            ):
                return self._of(method, name)
        return error(404, 5, "Not Found")

    def _of(self, method: str, name: str) -> Reply:
        found = self.applications.get(name)
        if found is None or method in self.refused:
            return error(403, 7, "permission denied")
        if method == "GET":
            return Reply(200, json.dumps(found).encode())
        if "operation" not in found or "operationState" not in found["status"]:
            return error(400, 3, "Unable to terminate operation. No operation is in progress")
        found["status"]["operationState"]["phase"] = "Terminating"
        self.terminated(found)
        return Reply(200, b"{}")


def error(status: int, code: int, message: str) -> Reply:
    return Reply(status, json.dumps({"error": message, "code": code, "message": message}).encode())


def hanging(release: threading.Event) -> Callable[[str], Reply | None]:
    """Answer nothing until it is released."""

    def hang(_: str) -> None:
        release.wait(10)

    return hang


@contextmanager
def listening() -> Iterator[FakeArgoCD]:
    argocd = FakeArgoCD()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            name = self.path.removesuffix("/operation").rpartition("/")[2]
            with argocd.lock:
                argocd.asked.append(f"{self.command} {name}")
                argocd.paths.append(self.path)
                argocd.headers.append(dict(self.headers))
            reply = argocd.instead(f"{self.command} {name}")
            with argocd.lock:
                reply = reply or argocd.answer(self.command, self.path, dict(self.headers))
            self.send_response(reply.status)
            length = str(len(reply.body))
            for header, value in {
                "Content-Type": "application/json",
                "Content-Length": length,
                **reply.headers,
            }.items():
                self.send_header(header, value)
            self.end_headers()
            with suppress(OSError):
                for part in (
                    (reply.body[at : at + 1] for at in range(len(reply.body))) if reply.trickles else [reply.body]
                ):
                    self.wfile.write(part)
                    time.sleep(0.002 * reply.trickles)

        do_GET = do_DELETE = handle_one  # noqa: N815  the names that http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    with in_background(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        server.daemon_threads = True
        argocd.port = server.server_port
        yield argocd
