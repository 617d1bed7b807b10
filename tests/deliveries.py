"""What GitHub's webhook sends to the running server."""

import json
from http.client import HTTPConnection

from plugin.sources.github.deliveries import signature
from tests.server import Server

WEBHOOK_SECRET = "secret-of-the-webhook"


def deliver(server: Server, repository: str, secret: str = WEBHOOK_SECRET) -> int:
    """Say that a pull request of this repository was pushed to; return the status of the answer."""
    body = json.dumps({"action": "synchronize", "repository": {"full_name": repository}}).encode()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "pull_request",
        "X-Hub-Signature-256": signature(secret, body),
    }
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request("POST", "/webhooks/github", body, headers)
        return connection.getresponse().status
    finally:
        connection.close()
