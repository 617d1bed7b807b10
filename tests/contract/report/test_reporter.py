"""The reporter with GitHub's API: what stands there after each step of a preview's life, and at which cost."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from plugin.core.answers.history import Event, EventKind
from plugin.core.facts.lives import Life, State
from plugin.core.reports.budget import A_PULL_REQUEST, MINUTE
from plugin.state.outbox import MemoryOutbox
from tests.builders import make_catalog
from tests.contract.report.stage import LINKED, REPORT, SERVICES, Stage, entry, is_write, lost, sha, staged

WRITES = ("POST", "PATCH", "DELETE")
URL = "https://orders-1.preview.example.com"
APPLICATION = "https://argocd.example.com/applications/preview-orders-1"


@pytest.fixture(name="stage")
def _stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


def writes(asked: list[str]) -> list[str]:
    return [each for each in asked if each.startswith(WRITES)]


def working(stage: Stage) -> None:
    """Bring the first preview to life."""
    stage.settle()
    stage.argocd_says("ready", sha(1))
    stage.settle()


def test_nothing_is_asked_without_the_key() -> None:
    with staged(report=None) as stage:
        assert stage.settle() == []


def test_the_story_of_a_preview(stage: Stage) -> None:  # noqa: PLR0915  one story
    stage.change(1, labels=())
    assert [each for each in stage.settle() if "acme/orders" in each] == []

    stage.change(1, labels=("preview",))  # labelled; waits for its image
    stage.lives = {"acme/orders": {"orders/1": Life(State.WAITING, "its image is not there yet; wait for the check")}}
    stage.know()
    stage.settle()
    assert stage.status(sha(1)) == ("pending", "its image is not there yet; wait for the check", "")
    assert (stage.deployments(), stage.comments()) == ([], [])

    stage.lives = {}  # its image is there
    stage.know()
    stage.settle()
    assert stage.status(sha(1)) == ("pending", "This commit is not deployed yet", APPLICATION)
    assert stage.deployments() == [(sha(1), "queued")]

    stage.argocd_says("deploying", sha(1))
    stage.settle()
    assert stage.deployments() == [(sha(1), "in_progress")]

    stage.argocd_says("ready", sha(1))
    stage.settle()
    assert stage.status(sha(1)) == ("success", "The preview works", URL)
    assert stage.deployments() == [(sha(1), "success")]
    assert [each.notes[-1].url for each in stage.github.written.open("preview:orders")] == [URL]
    assert stage.comments() == []

    stage.change(1, config="version: 1\ndependencies: {paymints: staging}\n", head_sha=sha(2))  # a mistake
    stage.argocd_says("ready", sha(2))
    stage.settle()
    status = stage.status(sha(2))
    assert status
    assert status[0] == "error"
    assert status[1].startswith(".preview.yaml:2: dependencies.paymints: is not a dependency of orders")
    (comment,) = stage.comments()
    assert "`.preview.yaml:2`: `dependencies.paymints`: is not a dependency" in comment

    stage.change(1, config=LINKED, head_sha=sha(3))  # corrected, and linked
    stage.argocd_says("ready", sha(3))
    stage.settle()
    assert stage.status(sha(3)) == ("success", "The preview works", URL)
    (comment,) = stage.comments()
    assert "- `payments` at `acme/payments#7`: `acme/payments#7` is live\n" in comment
    assert "paymints" not in comment
    (called,) = stage.github.written.of("acme/payments", 7)
    assert "**Called by**\n\n- `orders` of `acme/orders#1`\n" in called.body

    stage.change(7, "acme/payments", state="merged")
    stage.settle()
    (comment,) = stage.comments()
    assert "- `payments` at staging: `acme/payments#7` could not be looked up yet (asked for: `pr:7`)" in comment

    stage.argocd_says("degraded", sha(3), message="the app crashes")
    stage.settle()
    assert stage.status(sha(3)) == ("failure", "It is deployed, but unhealthy: the app crashes", APPLICATION)
    assert stage.deployments() == [(sha(3), "failure")]

    stage.argocd_says("ready", sha(3))  # recovered, and paused
    stage.lives = {"acme/orders": {"orders/1": Life(State.PAUSED, "nobody used it for 12 hours; push")}}
    stage.know()
    stage.settle()
    assert stage.status(sha(3)) == ("success", "The preview works", URL)
    (comment,) = stage.comments()
    assert "It is paused: nobody used it for 12 hours; push." in comment

    stage.change(1, state="closed")
    stage.gone = {"orders/1": (Event(stage.now, EventKind.GONE, "acme/orders#1 was closed"),)}
    stage.know()
    stage.settle()
    assert stage.status(sha(3)) == ("success", "No preview: acme/orders#1 was closed", "")
    assert stage.deployments() == []
    assert stage.github.written.deployments[-1].notes[-1].description == "acme/orders#1 was closed"
    assert stage.comments() == [], "the repository is private, and may be published later"
    assert stage.outbox.load().standings.keys() == {
        target for target in stage.outbox.load().standings if target.repository != "acme/orders"
    }


def test_where_nobody_tells_whether_a_preview_is_ready_that_is_said_and_logged_once_an_hour(stage: Stage) -> None:
    stage.told = False
    stage.change(1, config=LINKED)
    stage.restart()
    with capture_logs() as logs:
        stage.settle()
        for _ in range(60):
            stage.work()

    unknown = "Argo CD's notifications are not set up, so the plugin does not know whether it is deployed"
    assert stage.status(sha(1)) == ("pending", unknown, APPLICATION)
    assert stage.github.written.deployments[0].notes[-1].description == unknown
    (comment,) = stage.comments()
    assert "**Argo CD does not report whether the preview works.** Ask the platform team" in comment
    assert "| unknown |" in comment
    (line,) = logs
    assert (line["log_level"], line["needs"]) == ("warning", "PREVIEW_NOTIFICATIONS_TOKEN and Argo CD's notifications")


def test_a_push_costs_at_most_eight_writes_with_everything_on() -> None:
    with staged(report=REPORT | {"comment": "always"}) as stage:
        working(stage)
        before = len(stage.asked)
        stage.change(1, head_sha=sha(2))
        stage.settle()
        for state in ("deploying", "ready"):
            stage.passes(120)  # so slow that nothing is said at once
            stage.argocd_says(state, sha(2))
            stage.settle()

        assert len(writes(stage.asked[before:])) == 8
        assert stage.asked[before:] == writes(stage.asked[before:])  # and not a single look


def test_nothing_is_asked_while_nothing_changes(stage: Stage) -> None:
    working(stage)
    stage.know()
    stage.passes(3600)

    assert [request for _ in range(100) for request in stage.work()] == []


def test_a_restart_asks_nothing(stage: Stage) -> None:
    working(stage)
    stage.restart()

    assert stage.settle() == []


def test_a_restart_after_any_request_changes_nothing(stage: Stage) -> None:
    stage.change(1, config=LINKED)
    for state in ("deploying", "ready"):
        for _ in range(30):
            stage.work()
            stage.restart()
        stage.argocd_says(state, sha(1))
    stage.settle()

    assert (stage.deployments(), len(stage.comments())) == ([(sha(1), "success")], 1)
    assert len(stage.comments()) == 1
    made = [each for each in writes(stage.asked) if each.endswith(("/deployments", "/comments"))]
    assert len(made) == len(set(made)) == 4  # of two pull requests


def test_what_was_lost_with_the_state_is_found_again(stage: Stage) -> None:
    stage.change(1, config=LINKED)
    for number in range(150):
        stage.github.written.comment("acme/orders", 1, f"comment {number}", "ada", stage.now)
    working(stage)
    stage.outbox.inside = MemoryOutbox()
    stage.restart()
    asked = stage.settle()

    assert writes(asked) == []
    assert stage.settle() == []
    assert (stage.deployments(), len(stage.comments())) == ([(sha(1), "success")], 1)


def test_a_comment_of_somebody_else_is_not_ours_whatever_it_says(stage: Stage) -> None:
    stage.change(1, config=LINKED)
    working(stage)
    (ours,) = stage.comments()
    copied = stage.github.written.comment("acme/orders", 1, ours, "mallory", stage.now)
    quoted = stage.github.written.comment("acme/orders", 1, f"> {ours}", stage.github.login, stage.now)
    stage.outbox.inside = MemoryOutbox()
    stage.restart()
    stage.change(1, config="version: 2\n")
    stage.settle()

    assert (copied.body, quoted.body) == (ours, f"> {ours}")
    assert "must be 1" in stage.comments()[0]


def test_a_comment_that_somebody_deleted_comes_back_with_the_next_news(stage: Stage) -> None:
    stage.change(1, config=LINKED)
    working(stage)
    stage.github.written.comments.clear()
    stage.know()
    stage.settle()
    assert stage.comments() == []

    stage.change(1, config="version: 2\n")
    stage.settle()
    assert len(stage.comments()) == 1


def test_a_newer_commit_that_fails_does_not_hide_the_older_address(stage: Stage) -> None:
    working(stage)
    stage.change(1, head_sha=sha(2))
    stage.argocd_says("failed", sha(2), message="no such image")
    stage.settle()

    assert stage.deployments() == [(sha(1), "success"), (sha(2), "failure")]


def test_previews_do_not_switch_each_other_off(stage: Stage) -> None:
    working(stage)
    stage.change(2)
    stage.argocd_says("ready", sha(2), name="preview-orders-2")
    stage.settle()

    assert {each.environment for each in stage.github.written.deployments} == {"preview"}
    assert (stage.deployments(), stage.deployments("preview:orders:2")) == (
        [(sha(1), "success")],
        [(sha(2), "success")],
    )


def test_fifty_pushes_within_an_hour_are_at_most_one_edit_a_minute(stage: Stage) -> None:
    stage.change(1, config=LINKED)
    working(stage)
    start, made = stage.now, stage.github.written.of("acme/orders", 1)[0]
    for push in range(50):
        while stage.now < start + timedelta(seconds=72 * push):
            stage.work()
        stage.change(1, head_sha=sha(100 + push))
        stage.argocd_says("ready", sha(100 + push))
    stage.settle()

    moments = [made.at, *made.edited_at]
    assert all(later - earlier >= MINUTE for earlier, later in pairwise(moments))
    assert f"`{sha(149)[:7]}`" in made.body
    assert stage.deployments() == [(sha(149), "success")]
    assert stage.github.written.open("preview:orders:1")


@pytest.mark.parametrize("visibility", ["public", "private"])
def test_a_pull_request_that_is_closed_and_reopened_has_everything_again_with_one_edit_a_minute(
    stage: Stage, visibility: str
) -> None:
    stage.set_repository(visibility=visibility)
    stage.github.written.lag = timedelta(seconds=30)  # lists show what was written only then
    stage.change(1, config=LINKED)
    working(stage)
    stage.passes(60)
    for state in ("closed", "open") * 5:
        stage.change(1, state=state)
        for _ in range(8):
            stage.work()
    stage.settle()

    (comment,) = stage.github.written.of("acme/orders", 1)
    assert bool(comment.edited_at) is (visibility == "public")  # on a private one, it is made anew
    assert all(later - earlier >= MINUTE for earlier, later in pairwise(comment.edited_at))
    assert ("`payments` at `acme/payments#7`" in comment.body) is (visibility == "private")
    assert stage.deployments() == [(sha(1), "success")]
    assert stage.status(sha(1)) == ("success", "The preview works", URL)


def test_pushes_that_come_too_fast_are_told_together(stage: Stage) -> None:
    working(stage)
    before = len(stage.asked)
    for push in range(50):
        stage.change(1, head_sha=sha(100 + push))
    stage.argocd_says("ready", sha(149))
    stage.settle()

    assert len(writes(stage.asked[before:])) <= 8
    assert stage.deployments() == [(sha(149), "success")]


def test_no_minute_sees_too_many_writes() -> None:
    with staged(report={"status": True}) as stage:
        stage.set_repository(pull_requests=tuple(entry(number) for number in range(1, 60)))
        moments: list[datetime] = []
        while stage.waiting or not moments:
            moments += [stage.now for _ in writes(stage.work())]

        assert len(moments) == 60
        assert min(later - earlier for earlier, later in zip(moments, moments[20:], strict=False)) >= MINUTE


def test_a_robot_that_pushes_without_end_does_not_keep_the_others_waiting(stage: Stage) -> None:
    working(stage)
    budget = stage.outbox.load().budget
    for second in range(A_PULL_REQUEST):
        budget = budget.spent("acme/orders#1", stage.now + timedelta(seconds=6 * second))
    stage.passes(6 * A_PULL_REQUEST)
    target, standing = next(iter(stage.outbox.load().standings.items()))
    stage.outbox.inside.keep(budget, target, standing)
    stage.restart()
    stage.change(1, head_sha=sha(3))
    stage.change(2)
    asked = stage.now
    while stage.status(sha(2)) is None:
        stage.work()
    assert stage.now - asked <= MINUTE
    assert stage.status(sha(3)) is None

    while stage.status(sha(3)) is None:
        stage.work()
    assert stage.now - asked <= timedelta(hours=1)


@pytest.mark.parametrize("days", [-5, 5])
def test_a_clock_that_is_set_keeps_nobody_waiting(stage: Stage, days: int) -> None:
    stage.change(1, config=LINKED)
    working(stage)
    stage.github.intercept = lost(is_write)
    stage.change(1, config="version: 2\n")
    stage.change(7, "acme/payments", state="closed")
    for _ in range(20):
        stage.work()
    stage.now += timedelta(days=days)
    stage.github.intercept = None
    stage.settle()

    status = stage.status(sha(1))
    assert status
    assert status[0] == "error"
    assert "must be 1" in stage.comments()[0]


def test_a_repository_in_doubt_ends_nothing(stage: Stage) -> None:
    working(stage)
    stage.forgets("acme/orders")

    assert stage.settle() == []
    assert stage.deployments() == [(sha(1), "success")]


def test_a_label_that_is_removed_before_the_preview_works_turns_no_check_green(stage: Stage) -> None:
    stage.settle()
    stage.change(1, labels=())
    stage.settle()

    assert stage.status(sha(1)) == ("pending", "No preview: nobody asks for it any more", "")


def test_on_a_public_repository_the_comment_says_that_the_preview_is_gone() -> None:
    with staged(report={"comment": "always"}) as stage:
        stage.set_repository(visibility="public")
        stage.settle()
        stage.change(1, state="closed")
        stage.gone = {"orders/1": (Event(stage.now, EventKind.GONE, "acme/orders#1 was closed"),)}
        stage.know()
        stage.settle()

        assert stage.comments() == [
            "<!-- preview-plugin v1 -->\n\n**The preview is gone:** `acme/orders#1` was closed.\n"
        ]


def test_a_key_that_is_taken_away_leaves_everything_as_it_is(stage: Stage) -> None:
    stage.change(1, config=LINKED)
    working(stage)
    before = len(stage.asked)
    stage.catalog = make_catalog(SERVICES, report={"status": True})
    stage.change(1, head_sha=sha(2))
    stage.settle()
    assert stage.asked[before:] == [f"POST /repos/acme/orders/statuses/{sha(2)}"]

    stage.catalog = make_catalog(SERVICES)
    stage.change(1, state="closed")
    assert stage.settle() == []

    stage.catalog = make_catalog(SERVICES, report=REPORT)
    stage.know()
    stage.settle()
    assert stage.deployments() == []


def test_a_service_that_the_catalog_no_longer_has_is_ended(stage: Stage) -> None:
    working(stage)
    stage.catalog = make_catalog({"payments": {}}, report=REPORT)
    stage.know()
    stage.settle()

    assert stage.deployments() == []
    assert stage.status(sha(1)) == ("success", "No preview: the catalog no longer has it", "")


def test_a_repository_that_is_spelt_differently_keeps_its_comment(stage: Stage) -> None:
    stage.change(1, config=LINKED)
    working(stage)
    services = {name: {**service, "repository": f"Acme/{name}"} for name, service in SERVICES.items()}
    stage.catalog = make_catalog(services, report=REPORT)
    known = {f"Acme/{name.partition('/')[2]}": replace(each, name=f"Acme/{name.partition('/')[2]}")
             for name, each in stage.newest().known.snapshot.repositories.items()}  # fmt: skip
    stage.know(repositories=known)
    stage.settle()

    (comment,) = stage.comments()
    assert "- `payments` at `Acme/payments#7`" in comment
    assert stage.deployments() == [(sha(1), "success")]


def test_after_a_rename_the_deployments_of_others_are_not_taken_for_those_of_a_preview(stage: Stage) -> None:
    """PyGithub follows a redirect without the query, so GitHub lists all deployments."""
    stage.change(2, head_sha=sha(2))
    stage.settle()
    stage.github.rename("acme/orders", "acme/sales")
    stage.outbox.inside = MemoryOutbox()
    stage.restart()
    stage.argocd_says("ready", sha(1))
    with capture_logs() as logs:
        for _ in range(30):
            stage.work()

    assert stage.deployments("preview:orders:2") == [(sha(2), "queued")]
    assert stage.deployments("preview:orders:1") == [(sha(1), "queued")], "GitHub did not say which ones are its own"
    assert any("if the repository was renamed, correct the catalog" in line["problem"] for line in logs)


@pytest.mark.parametrize("others", [29, 30, 31, 60, 75])
def test_after_a_rename_there_is_no_second_comment_however_many_there_are(stage: Stage, others: int) -> None:
    for number in range(others):
        stage.github.written.comment("acme/orders", 1, f"comment {number}", "bob", stage.now)
    stage.change(1, config=LINKED)
    stage.settle()
    stage.outbox.inside = MemoryOutbox()
    stage.restart()
    stage.github.rename("acme/orders", "acme/sales")
    stage.change(1, config="version: 2\n")
    for _ in range(30):
        stage.work()

    assert [each.login for each in stage.github.written.of("acme/sales", 1)].count(stage.github.login) == 1


def test_what_was_named_is_forgotten_when_a_repository_is_published(stage: Stage) -> None:
    stage.change(1, config=LINKED)
    working(stage)
    (before,) = stage.github.written.of("acme/orders", 1)
    assert "acme/payments" in before.body
    stage.set_repository(visibility="public")
    stage.settle()

    (after,) = stage.github.written.of("acme/orders", 1)
    assert after.id != before.id
    assert "1 service of private repositories" in after.body
    assert all("payments" not in version for version in after.versions)


def test_a_fork_gets_its_refusal_and_nothing_else(stage: Stage) -> None:
    stage.change(2, fork="mallory/orders", author="mallory", config=LINKED, title="@acme/all <b>")
    stage.settle()

    (comment,) = stage.comments(2)
    refusal = "**No preview:** it comes from a fork, and a label does not approve a fork's code.\n"
    assert comment == f"<!-- preview-plugin v1 confidential -->\n\n{refusal}"
    assert stage.status(sha(2)) is None
    assert stage.deployments("preview:orders:2") == []
