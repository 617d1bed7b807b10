"""A sync that hangs, from a changed pull request to Argo CD's API, with the real server between them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.conftest import ACME
from tests.fakes.argocd import TOKEN, FakeArgoCD, Reply, application, listening, source
from tests.server import Server, serve, wait_for

PUSHED, CLOSED, OTHER = "preview-orders-12", "preview-payments-123", "preview-users-7"
HEAD = "0a4be4a1c1a5e7e6f5c9d3b1a2f4c6d8e0f1a3b5"


@pytest.fixture(name="argocd")
def _argocd() -> Iterator[FakeArgoCD]:
    with listening() as argocd:
        for name in (PUSHED, CLOSED, OTHER):
            argocd.applications[name] = application(name, source("old"), source("old"))
        yield argocd


@pytest.fixture(name="organisation")
def _organisation(tmp_path: Path) -> Path:
    path = tmp_path / "organisation.yaml"
    path.write_text((ACME / "organisation.yaml").read_text("utf-8"), "utf-8")
    return path


@pytest.fixture(name="server")
def _server(tmp_path: Path, organisation: Path, argocd: FakeArgoCD) -> Iterator[Server]:
    settings = {
        "PREVIEW_SOURCE": f"file:{organisation}",
        "PREVIEW_REFRESH": "1s",
        "PREVIEW_ARGOCD_API": argocd.url,
        "PREVIEW_ARGOCD_TOKEN": TOKEN,
    }
    with serve(tmp_path, **settings) as server:
        server.refreshed()
        yield server


def push_and_close(organisation: Path) -> None:
    text = organisation.read_text("utf-8").replace(HEAD, "5" * 40)
    opened = "number: 123\n        title: Idempotent refunds\n"
    assert opened in text
    organisation.write_text(text.replace(opened, f"{opened}        state: closed\n"), "utf-8")


def updated_and_deleted(argocd: FakeArgoCD) -> None:
    """Do what the ApplicationSet controller does with the new answer."""
    with argocd.lock:
        argocd.applications[PUSHED]["spec"]["source"] = source("new")
        argocd.applications[CLOSED]["metadata"]["deletionTimestamp"] = "2026-11-21T09:00:00Z"


def test_the_syncs_of_a_push_and_a_close_are_ended_and_no_others(
    server: Server, organisation: Path, argocd: FakeArgoCD
) -> None:
    assert argocd.asked == [], "the first answer changes and drops nothing"
    push_and_close(organisation)
    wait_for(lambda: {f"GET {PUSHED}", f"GET {CLOSED}"} <= set(argocd.asked))
    assert not [asked for asked in argocd.asked if asked.startswith("DELETE")]

    updated_and_deleted(argocd)
    wait_for(lambda: server.metric("preview_terminations_total", result="ended") == 2)

    assert {asked for asked in argocd.asked if asked.startswith("DELETE")} == {f"DELETE {PUSHED}", f"DELETE {CLOSED}"}
    assert not [asked for asked in argocd.asked if OTHER in asked]
    assert argocd.applications[OTHER]["status"]["operationState"]["phase"] == "Running"
    assert TOKEN not in server.log.read_text("utf-8")


def test_an_api_that_hangs_disturbs_nobody(server: Server, organisation: Path, argocd: FakeArgoCD) -> None:
    argocd.instead = lambda _: Reply(200, b" " * 1_000_000, trickles=True)
    push_and_close(organisation)
    wait_for(lambda: f"GET {PUSHED}" in argocd.asked)

    for _ in range(3):
        assert b"5" * 40 in server.ask().body
        server.refreshed()
