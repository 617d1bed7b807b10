"""The same triggers for Slack, Microsoft Teams and Mattermost, through the services that Argo CD has for them."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.conformance import notifications
from tests.conformance.notifications import Notifications
from tests.conformance.operations import Object, broken, deleted, failed_hook, synced
from tests.server import in_background

NAME, PULL_REQUEST = "preview-orders-12", "https://github.com/acme/orders/pull/12"
HOSTILE = "<!channel> <@U1|x> @here `**bold**` [a](javascript:b) </script>\n\nsecond line " + "ä" * 2000


@dataclass
class Chat:
    """Takes what is posted, as all three services do."""

    port: int = 0
    posts: list[tuple[str, str, Any]] = field(default_factory=list)  # path, Authorization, content

    def texts(self, text: Callable[[Any], str]) -> list[str]:
        return [text(content) for _, _, content in self.posts]


@pytest.fixture(name="chat")
def _chat() -> Iterator[Chat]:
    chat = Chat()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            is_json = self.headers["Content-Type"].startswith("application/json")
            content = json.loads(body) if is_json else {key: value[0] for key, value in parse_qs(body).items()}
            chat.posts.append((self.path, self.headers["Authorization"] or "", content))
            answer = b'{"ok": true, "channel": "C1", "ts": "1.2"}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with in_background(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        chat.port = server.server_port
        yield chat


@pytest.fixture(name="argocd")
def _argocd() -> Iterator[Notifications]:
    with notifications.start() as controller:
        yield controller


def install(argocd: Notifications, chat: Chat, who: str) -> None:
    """Install everything with one of the chats, which is this machine's; it also plays the plugin."""
    data = argocd.install(who)
    argocd.point_at(chat.port)
    argocd.set_secrets(
        preview_plugin_token="token-of-the-plugin",
        slack_token="token-of-slack",
        mattermost_token="token-of-mattermost",
        teams_previews=f"http://127.0.0.1:{chat.port}/powerautomate/workflow",
    )
    if who == "slack":
        argocd.merge({"service.slack": f"{data['service.slack']}apiURL: http://127.0.0.1:{chat.port}/slack/\n"})
    if who == "mattermost":
        assert data["service.mattermost"].count("https://mattermost.example.com") == 1
        there = data["service.mattermost"].replace("https://mattermost.example.com", f"http://127.0.0.1:{chat.port}")
        argocd.merge({"service.mattermost": there})


def application() -> Object:
    source = {"repoURL": "https://github.com/acme/previews.git", "targetRevision": "5" * 40, "path": "x"}
    return {
        "metadata": {
            "name": NAME,
            "namespace": "argocd",
            "labels": {"preview.example.com/service": "orders"},
            "annotations": {
                "preview.example.com/url": "https://orders-12.preview.example.com",
                "preview.example.com/pull-request-url": PULL_REQUEST,
                "preview.example.com/deploy-sha": "5" * 40,
            },
        },
        "spec": {"project": "previews", "source": source, "destination": {}},
    }


def life(argocd: Notifications) -> None:
    """Everything that can happen to a preview."""
    app = application()
    failure = failed_hook("smoke-test", HOSTILE)
    for step in (
        synced(app, "Running", 0),
        synced(app, "Succeeded", 0),
        synced(app, "Succeeded", 0),
        synced(app, "Succeeded", 0, health="Degraded", health_since=5),
        synced(app, "Failed", 10, results=[failure], message="it failed"),
        deleted(synced(app, "Failed", 10), 20),
    ):
        outcome = argocd.process(step)
        assert (outcome.skipped, outcome.errors) == ("", [])


def to_chat(chat: Chat, path: str) -> list[Any]:
    return [content for found, _, content in chat.posts if found.startswith(path)]


def check(texts: list[str]) -> None:
    """Check what a channel reads of a preview's life."""
    deploying, ready, degraded, failed, gone = texts
    assert deploying == f"Preview {NAME} is being deployed. {PULL_REQUEST}"
    assert ready == f"Preview {NAME} is ready: https://orders-12.preview.example.com for {PULL_REQUEST}"
    assert degraded == f"Preview {NAME} is degraded. {PULL_REQUEST}"
    assert gone == f"Preview {NAME} is being deleted."
    start, code, end = failed.split("`")
    assert start == f"Preview {NAME} could not be deployed: "
    assert code.startswith(
        "Job/smoke-test: '!channel' '@U1|x' @here '**bold**' [a](javascript:b) '/script' second line"
    )
    assert not set("<>\n") & set(code), "no chat may take what others wrote for markup of its own"
    assert end == f" {PULL_REQUEST}"
    assert len(failed) < 500


def test_slack_gets_each_message_once(argocd: Notifications, chat: Chat) -> None:
    install(argocd, chat, "slack")
    life(argocd)

    posts = [(auth, content) for path, auth, content in chat.posts if path == "/slack/chat.postMessage"]
    check([content["text"].strip() for _, content in posts])
    assert {content["channel"] for _, content in posts} == {"previews"}
    assert {content.get("token", "") or auth.removeprefix("Bearer ") for auth, content in posts} == {"token-of-slack"}


def test_mattermost_gets_each_message_once(argocd: Notifications, chat: Chat) -> None:
    install(argocd, chat, "mattermost")
    life(argocd)

    posts = [(auth, content) for path, auth, content in chat.posts if path == "/api/v4/posts"]
    check([content["message"].strip() for _, content in posts])
    assert {auth for auth, _ in posts} == {"Bearer token-of-mattermost"}


def test_teams_gets_each_message_once(argocd: Notifications, chat: Chat) -> None:
    install(argocd, chat, "teams")
    life(argocd)

    cards = [content["attachments"][0]["content"] for content in to_chat(chat, "/powerautomate/")]
    assert {card["type"] for card in cards} == {"AdaptiveCard"}
    check([card["body"][0]["text"].strip() for card in cards])


@pytest.mark.parametrize("who", ["slack", "mattermost", "teams"])
def test_the_plugin_is_told_as_well(argocd: Notifications, chat: Chat, who: str) -> None:
    install(argocd, chat, who)
    life(argocd)

    phases = [content["phase"] for content in to_chat(chat, "/webhooks/argocd")]
    assert dict.fromkeys(phases).keys() == {"Running", "Succeeded", "Failed", "Deleting"}
    assert {auth for path, auth, _ in chat.posts if path == "/webhooks/argocd"} == {"Bearer token-of-the-plugin"}


def test_what_cannot_be_rendered_is_told_to_chats_too(argocd: Notifications, chat: Chat) -> None:
    install(argocd, chat, "mattermost")
    argocd.process(broken(application(), 0, "Failed to load target state: <script>`x`"))

    (post,) = to_chat(chat, "/api/v4/posts")
    assert post["message"].strip() == (f"Preview {NAME} cannot be deployed: `Failed to load target state: 'script''x'`")
