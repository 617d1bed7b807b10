"""Commands through the real server: from a comment on GitHub to the answer that Argo CD gets."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from plugin.state.sqlite_outbox import SqliteOutbox
from tests.builders import catalog_text
from tests.contract.commands.stage import LABELLED, PLAN, ROLES, UNLABELLED, organisation
from tests.deliveries import WEBHOOK_SECRET, deliver_comment
from tests.fakes.github import GitHub, Request, Response
from tests.fakes.github.wire import error
from tests.fakes.github.written import Comment
from tests.server import READ_TOKEN, Server, serve, wait_for

SLOW = 5.0  # seconds that GitHub lets a request wait


@dataclass
class Beside:
    """A running server beside a fake GitHub, which it reads once and then not for an hour unless it is told to."""

    github: GitHub
    folder: Path
    server: Server | None = None

    @contextmanager
    def serving(self) -> Iterator[Server]:
        settings = {
            "PREVIEW_GITHUB_URL": self.github.url,
            "PREVIEW_GITHUB_TOKEN": self.github.token,
            "PREVIEW_CATALOG": str(self.folder / "catalog.yaml"),
            "PREVIEW_STATE": f"sqlite:{self.folder}/state.db",
            "PREVIEW_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "PREVIEW_REFRESH": "1h",
        }
        with serve(self.folder, **settings) as server:
            wait_for(lambda: server.ask().status == 200)
            self.server = server
            yield server

    def listens(self) -> None:
        """Wait until what is written can be a command."""
        with closing(SqliteOutbox(self.folder / "state.db")) as outbox:
            wait_for(lambda: outbox.load().since is not None)
        time.sleep(1)  # GitHub's times have no fractions

    def say(self, body: str, number: int = LABELLED) -> Comment:
        """Comment, and let GitHub deliver that."""
        assert self.server
        comment = self.github.comment("acme/orders", number, body)
        assert deliver_comment(self.server, "acme/orders", body) == 202
        return comment

    def parameters(self, name: str = "preview-orders-1") -> dict[str, Any]:
        assert self.server
        found: list[dict[str, Any]] = self.server.ask().json["output"]["parameters"]
        return next((each for each in found if each["name"] == name), {})

    def reactions(self, comment: Comment) -> list[str]:
        return self.github.written.reactions_to(comment)

    def replies(self) -> list[str]:
        return [each.body for each in self.github.written.comments if each.login == self.github.login]


@pytest.fixture(name="beside")
def _beside(tmp_path: Path) -> Iterator[Beside]:
    plan = {"lifecycle": PLAN}
    (tmp_path / "catalog.yaml").write_text(
        catalog_text({"orders": {}, "payments": {}}, commands=True, defaults=plan), "utf-8"
    )
    with GitHub(organisation()) as github:
        github.roles |= ROLES
        yield Beside(github, tmp_path)


def test_commands_reach_argo_cd_within_seconds(beside: Beside) -> None:
    with beside.serving() as server:
        beside.listens()
        asking = beside.say("/preview", UNLABELLED)
        wait_for(lambda: beside.parameters("preview-orders-2") != {})
        wait_for(lambda: beside.reactions(asking) == ["rocket"])

        pausing = beside.say("/preview pause")
        wait_for(lambda: beside.parameters()["replicas"] == "0")
        assert beside.parameters()["state_reason"].startswith("ada paused it at ")
        wait_for(lambda: beside.reactions(pausing) == ["rocket"])
        beside.say("/preview resume")
        wait_for(lambda: beside.parameters()["replicas"] == "1")

        ends = beside.parameters("preview-orders-2")["expires_at"]
        beside.say("/preview extend 20d", UNLABELLED)
        wait_for(lambda: beside.parameters("preview-orders-2")["expires_at"] > ends)

        beside.say("/preview why")
        wait_for(lambda: len(beside.replies()) == 1)
        assert "| `orders` |" in beside.replies()[0]
        history = server.ask("GET", "/api/v1/previews/orders/1", None, READ_TOKEN).json["history"]
        assert [event["kind"] for event in history] == ["created", "paused", "updated", "resumed", "updated"]

        beside.say("/preview stop", UNLABELLED)
        wait_for(lambda: beside.parameters("preview-orders-2") == {})
        assert server.metric("preview_reports_total", report="command", result="done") == 5
    assert beside.github.broken == []


def test_a_server_that_is_killed_between_act_and_reaction_acts_once(beside: Beside) -> None:
    waiting: list[str] = []

    def slow(request: Request) -> Response | None:
        if not request.operation.endswith("/reactions") or waiting:
            return None
        waiting.append(request.operation)
        time.sleep(SLOW)
        return error(HTTPStatus.BAD_GATEWAY, "too late")

    with beside.serving() as server:
        beside.listens()
        beside.github.intercept = slow
        comment = beside.say("/preview pause")
        wait_for(lambda: waiting != [] and beside.parameters()["replicas"] == "0")
        reason = beside.parameters()["state_reason"]
        server.kill()
    assert beside.reactions(comment) == []

    with beside.serving():
        wait_for(lambda: beside.reactions(comment) == ["rocket"])
        assert beside.parameters()["state_reason"] == reason
        assert beside.replies() == []


def test_a_comment_of_ours_or_of_somebody_who_chats_wakes_nobody(beside: Beside) -> None:
    with beside.serving() as server:
        asked = len(beside.github.log)
        beside.say("<!-- preview-plugin v1 -->\n\n**The preview:** ...")
        beside.say("Is /preview right?")
        wait_for(lambda: server.metric("preview_webhook_deliveries_total", result="ignored") == 2)
        time.sleep(2)

        assert len(beside.github.log) == asked
