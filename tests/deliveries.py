"""What GitHub's webhook sends to the running server."""

import json
from http.client import HTTPConnection

from plugin.sources.github.deliveries import signature
from tests.server import Server

WEBHOOK_SECRET = "secret-of-the-webhook"


def deliver(server: Server, repository: str, secret: str = WEBHOOK_SECRET) -> int:
    """Say that a pull request of this repository was pushed to; return the status of the answer."""
    return _deliver(server, "pull_request", {"action": "synchronize", "repository": {"full_name": repository}}, secret)


def deliver_success(server: Server, repository: str, check: str) -> int:
    """Say that a check of this repository has succeeded; return the status of the answer."""
    run = {"name": check, "conclusion": "success"}
    payload = {"action": "completed", "check_run": run, "repository": {"full_name": repository}}
    return _deliver(server, "check_run", payload, WEBHOOK_SECRET)


def deliver_comment(server: Server, repository: str, body: str) -> int:
    """Say that somebody commented on a pull request of this repository; return the status of the answer."""
    payload = {
        "action": "created",
        "comment": {"body": body},
        "issue": {"pull_request": {}},
        "repository": {"full_name": repository},
    }
    return _deliver(server, "issue_comment", payload, WEBHOOK_SECRET)


def _deliver(server: Server, event: str, payload: object, secret: str) -> int:
    body = json.dumps(payload).encode()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-Hub-Signature-256": signature(secret, body),
    }
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request("POST", "/webhooks/github", body, headers)
        return connection.getresponse().status
    finally:
        connection.close()
