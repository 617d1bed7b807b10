"""What people tell a preview from another process reaches the answer of the running server before its next refresh."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from plugin.core.config.messages import timestamp
from plugin.mirror.refresh import TICK
from plugin.state.sqlite import HEAD_MAX_AGE
from tests.builders import SHA, catalog_text
from tests.server import READ_TOKEN, Ran, Server, run, serve, wait_for

HOUR_AGO = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


@dataclass
class Beside:
    """A running server, and a shell beside it with the same settings."""

    server: Server
    settings: Mapping[str, str]

    def run(self, *words: str) -> Ran:
        return run(self.settings, *words)

    def parameters(self) -> dict[str, Any]:
        (one,) = self.server.ask().json["output"]["parameters"]
        found: dict[str, Any] = one
        return found

    def shown(self) -> dict[str, Any]:
        path = "/api/v1/previews/orders/1"
        found: dict[str, Any] = self.server.ask("GET", path, None, READ_TOKEN).json
        return found


@pytest.fixture(name="beside", scope="module")
def _beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beside]:
    """A server with one preview, which reads its source once and then not for an hour."""
    folder = tmp_path_factory.mktemp("acts")
    plan = {"expire_after": "7d", "max_age": "30d"}
    (folder / "catalog.yaml").write_text(catalog_text({"orders": {}}, defaults={"lifecycle": plan}), "utf-8")
    pull_request = {
        "number": 1,
        "branch": "refunds",
        "head_sha": SHA,
        "labels": ["preview"],
        "created_at": HOUR_AGO.isoformat(),
        "updated_at": HOUR_AGO.isoformat(),
    }
    organisation = {"repositories": {"acme/orders": {"pull_requests": [pull_request]}}}
    (folder / "organisation.yaml").write_text(json.dumps(organisation), "utf-8")
    settings = {
        "PREVIEW_CATALOG": str(folder / "catalog.yaml"),
        "PREVIEW_SOURCE": f"file:{folder}/organisation.yaml",
        "PREVIEW_STATE": f"sqlite:{folder}/state.db",
        "PREVIEW_REFRESH": "1h",
    }
    with serve(folder, **settings) as server:
        wait_for(lambda: server.ask().status == 200)
        yield Beside(server, settings)


def test_an_act_is_noticed_within_two_seconds() -> None:
    assert HEAD_MAX_AGE + TICK < 2


def test_a_pause_and_a_resume_reach_the_answer_without_a_refresh(beside: Beside) -> None:
    refreshes = beside.server.metric("preview_refresh_seconds_count")
    assert (beside.parameters()["state"], beside.parameters()["replicas"]) == ("active", "1")

    paused = beside.run("pause", "orders-1")
    assert (paused.returncode, paused.stderr) == (0, "")
    assert paused.stdout == "orders-1: it is paused. To wake it, push a commit, or run preview-plugin resume\n"
    wait_for(lambda: beside.parameters()["replicas"] == "0")
    assert beside.parameters()["state_reason"].startswith("ada paused it at ")
    assert beside.server.metric("preview_previews", state="paused") == 1

    again = beside.run("pause", "acme/orders#1")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.startswith("orders-1: it is paused already, by ada at ")

    assert beside.run("resume", "preview-orders-1").stdout == "orders-1: it is resumed\n"
    wait_for(lambda: beside.parameters()["replicas"] == "1")
    kinds = [event["kind"] for event in beside.shown()["history"]]
    assert kinds == ["created", "paused", "updated", "resumed", "updated"]
    assert beside.server.metric("preview_refresh_seconds_count") == refreshes
    assert '"event": "decision"' in beside.server.log.read_text("utf-8")


def test_an_extension_moves_the_end_that_everybody_sees(beside: Beside) -> None:
    assert beside.parameters()["expires_at"] == timestamp(HOUR_AGO + timedelta(days=7))

    extended = beside.run("extend", "https://orders-1.preview.example.com", "10d")
    assert extended.returncode == 0
    wait_for(lambda: beside.parameters()["expires_at"] > timestamp(HOUR_AGO + timedelta(days=10)))
    assert extended.stdout == f"orders-1: it stays until {beside.parameters()['expires_at']} at least\n"
    (preview,) = beside.shown()["previews"]
    assert preview["expires_at"] == beside.parameters()["expires_at"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("resume", "orders-1"), "orders-1: it is not paused, so there is nothing to resume\n"),
        (("pause", "acme/orders#2"), "acme/orders#2 does not exist. Check the number.\n"),
    ],
)
def test_what_would_mean_nothing_is_refused_with_a_sentence(
    beside: Beside, words: tuple[str, ...], message: str
) -> None:
    refused = beside.run(*words)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(message)
