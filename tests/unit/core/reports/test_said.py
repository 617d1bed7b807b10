"""Deployments, commit statuses and links: what one preview gets in each state."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from plugin.core.facts.lives import Life, State
from plugin.core.reports.content import Deployment, Link, Status
from plugin.core.reports.said import Pages, issues, short
from tests.builders import MONDAY, SHA, make_pull_request, make_repository
from tests.unit.core.reports.reports import NEWER, catalog, in_life, of, said, told

ARGOCD = Pages("https://argocd.example.com")
APPLICATION = "https://argocd.example.com/applications/preview-orders-12"
URL = "https://orders-12.preview.example.com"


def about(*reported: Any, life: Life | None = None, public: bool = False, **given: Any) -> Any:
    repository = make_repository("acme/orders", make_pull_request(12, **given), public=public)
    lives = in_life("acme/orders", "orders/12", life) if life else None
    return said(catalog(), repository, reported={"preview-orders-12": reported}, lives=lives, pages=ARGOCD)


def test_a_deployment_has_one_environment_and_its_own_task() -> None:
    assert of("deployment", about(told())) == Deployment(
        sha=SHA,
        environment="preview",
        task="preview:orders:12",
        title="Preview of orders for acme/orders#12",
        preview="preview-orders-12",
        state="success",
        description="The preview works",
        url=URL,
        log_url=APPLICATION,
    )


def test_where_a_repository_has_several_services_each_has_an_environment() -> None:
    two = catalog({"api": {"repository": "acme/orders"}, "web": {"repository": "acme/orders"}})
    found = said(two, make_repository("acme/orders", make_pull_request(12)))

    assert sorted(each.environment for each in found.values() if isinstance(each, Deployment)) == [
        "preview/api",
        "preview/web",
    ]


@pytest.mark.parametrize(
    ("reported", "state", "url"),
    [
        ((), "queued", ""),
        ((told("deploying"),), "in_progress", ""),
        ((told("ready"),), "success", URL),
        ((told("failed", message="no such image"),), "failure", ""),
        ((told("degraded", was_ready=True),), "failure", ""),
        ((told("gone"),), "queued", ""),
        ((told("ready", NEWER),), "queued", ""),  # of another commit
    ],
)
def test_a_deployment_follows_what_argo_cd_reports_of_its_commit(reported: Any, state: str, url: str) -> None:
    found = of("deployment", about(*reported))

    assert (found.sha, found.state, found.url) == (SHA, state, url)


def test_a_pause_keeps_what_is_said_of_the_deployment_and_of_the_commit() -> None:
    awake = about(told(), life=Life(State.ACTIVE, "it is used"))
    asleep = about(told(), life=Life(State.PAUSED, "nobody has used it for 12 hours; push"))

    for kind in ("deployment", "status"):
        assert of(kind, asleep) == of(kind, awake)


@pytest.mark.parametrize("state", [State.WAITING, State.QUEUED, State.EXPIRED])
def test_what_is_not_live_has_no_deployment(state: State) -> None:
    assert of("deployment", about(life=Life(state, "of a limit"))) is None


@pytest.mark.parametrize(
    ("reported", "given", "expected"),
    [
        ((), {}, ("pending", "This commit is not deployed yet", APPLICATION)),
        ((told("deploying"),), {}, ("pending", "This commit is not deployed yet", APPLICATION)),
        ((told(),), {}, ("success", "The preview works", URL)),
        ((told("failed", message="no image"),), {}, ("failure", "The sync failed: no image", APPLICATION)),
        ((told("degraded"),), {}, ("failure", "It is deployed, but unhealthy", APPLICATION)),
        ((told(),), {"config": "version: 2\n"},
         ("error", ".preview.yaml:1: version: must be 1, the only version there is", APPLICATION)),
        (
            (told(),),
            {"life": Life(State.ACTIVE, "waits for a check", deploy_sha=NEWER)},
            ("pending", "This commit is not deployed yet", APPLICATION),
        ),
        ((), {"life": Life(State.WAITING, "its image is not there yet; wait for the check")},
         ("pending", "its image is not there yet; wait for the check", "")),
        ((), {"life": Life(State.QUEUED, "a limit is reached")}, ("pending", "a limit is reached", "")),
    ],
)  # fmt: skip
def test_the_status_stands_on_the_head(reported: Any, given: Any, expected: tuple[str, str, str]) -> None:
    assert of("status", about(*reported, **given)) == Status(SHA, "preview/orders", *expected)


@pytest.mark.parametrize("given", [{"fork": True}, {"life": Life(State.EXPIRED, "it is too old")}])
def test_what_is_refused_or_has_ended_gets_no_status(given: Any) -> None:
    assert of("status", about(told(), **given)) is None


def test_what_argo_cd_says_is_not_published() -> None:
    found = about(told("failed", message="pull registry.internal/orders: denied"), public=True)

    assert of("status", found).description == "The sync failed"
    assert of("deployment", found).description == "The sync failed"
    assert "registry" not in of("comment", found).body


def test_descriptions_are_as_short_as_github_wants_them() -> None:
    assert len(of("status", about(told("failed", message="x" * 300))).description) == 140
    assert short("a\nb") == "a b"


def test_without_argo_cds_address_there_is_no_page() -> None:
    found = said(catalog(), make_repository("acme/orders", make_pull_request(12)))

    assert of("deployment", found).log_url == ""
    assert of("status", found).url == ""


def test_an_issue_gets_a_link_once_the_preview_can_be_reached() -> None:
    life = Life(State.ACTIVE, "it is used", ends_at=MONDAY + timedelta(days=7))
    before, found = about(title="PAY-7: faster", life=life), about(told(), title="PAY-7: faster", life=life)

    assert of("link", before) is None
    assert of("link", found) == Link(
        issue="PAY-7",
        identity="preview-plugin:acme/orders#12:orders",
        title="Preview orders-12",
        url=URL,
        summary="active until 2026-11-23 09:00 UTC",
    )


def test_a_push_changes_no_link() -> None:
    pushed = about(told(), told("deploying", NEWER), title="PAY-7", head_sha=NEWER)

    assert of("link", pushed) == of("link", about(told(), title="PAY-7"))


def test_issues_are_found_in_the_branch_and_the_title_of_listed_projects() -> None:
    found = about(told(), title="PAY-7 and CORE-1", branch="pay-12/faster")

    assert sorted(each.issue for each in found.values() if isinstance(each, Link)) == ["PAY-12", "PAY-7"]
    assert [target.name for target in found if target.kind == "link"] == ["orders PAY-12", "orders PAY-7"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("PAY-7", ["PAY-7"]),
        ("pay-7 PAY-7", ["PAY-7"]),
        ("feature/PAY-7-faster", ["PAY-7"]),
        ("XPAY-7 PAY-7x PAY-07 PAY- PAY7", []),
        ("PAY-7: and (CORE-12)", ["PAY-7", "CORE-12"]),
        (" ".join(f"PAY-{number}" for number in range(1, 100)), ["PAY-1", "PAY-2", "PAY-3", "PAY-4", "PAY-5"]),
        ("PAY-٣", []),
        ("P" * 100_000, []),
    ],
)
def test_issues(text: str, found: list[str]) -> None:
    assert issues(text, ("PAY", "CORE")) == found


def test_digests_tell_what_is_said_apart() -> None:
    status = Status(SHA, "preview/orders", "success", "works", URL)
    others = [replace(status, state="failure"), replace(status, description="fails"), replace(status, url="")]

    assert len({each.digest for each in (status, *others)}) == 4
    assert replace(status, sha=NEWER).digest == status.digest
