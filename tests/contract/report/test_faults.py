"""Whatever goes wrong with GitHub, the process or its replicas: one comment, one open deployment, no storm."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from plugin.sources.file import Organisation, RepositoryEntry
from plugin.sources.github.pygithub import App
from plugin.state import Outdated
from tests.builders import make_catalog
from tests.contract.report.stage import (
    LINKED,
    REPORT,
    Killed,
    Stage,
    entry,
    is_write,
    lost,
    organisation,
    sha,
    staged,
)
from tests.fakes.github import App as FakeApp
from tests.fakes.github import Request, faults
from tests.keys import PRIVATE_KEY


@pytest.fixture(name="stage")
def _stage() -> Any:
    with staged() as stage:
        stage.change(1, config=LINKED)
        yield stage


def assert_one_of_each(stage: Stage, commit: str = sha(1)) -> None:
    assert stage.deployments() == [(commit, "success")]
    assert len(stage.comments()) == 1
    status = stage.status(commit)
    assert status
    assert status[0] == "success"


@pytest.mark.parametrize("lag", [0, 30], ids=["lists are right", "lists lag"])
@pytest.mark.parametrize("nth", range(1, 9))
def test_a_lost_answer_makes_nothing_twice(stage: Stage, nth: int, lag: int) -> None:
    stage.github.written.lag = timedelta(seconds=lag)
    seen = 0

    def is_the_nth(request: Request) -> bool:
        nonlocal seen
        seen += is_write(request)
        return is_write(request) and seen == nth

    stage.github.intercept = lost(is_the_nth)
    stage.argocd_says("ready", sha(1))
    stage.settle()

    assert_one_of_each(stage)
    made = [each for each in stage.github.written.deployments if each.task == "preview:orders:1"]
    assert len(made) == 1
    assert stage.settle() == []


def test_every_first_answer_is_lost(stage: Stage) -> None:
    seen: set[str] = set()

    def is_new(request: Request) -> bool:
        new = f"{request.method} {request.path}" not in seen
        seen.add(f"{request.method} {request.path}")
        return new

    stage.github.intercept = lost(is_new)
    stage.argocd_says("ready", sha(1))
    stage.settle()

    assert_one_of_each(stage)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("nth", range(1, 18))
def test_a_kill_at_any_moment_makes_nothing_twice(stage: Stage, nth: int, when: str) -> None:
    """`kill -9` before and after each time something is stored, so also between a write and its record."""
    count = 0

    def dies(moment: str) -> bool:
        nonlocal count
        count += moment == when
        return moment == when and count == nth

    stage.outbox.dies = dies
    stage.argocd_says("ready", sha(1))
    with suppress(Killed):
        stage.settle()
    stage.outbox.dies = lambda _: False
    stage.restart()
    stage.settle()

    assert_one_of_each(stage)
    assert len([each for each in stage.github.written.deployments if each.task == "preview:orders:1"]) == 1


def test_a_replica_that_lost_the_lease_writes_nothing(stage: Stage) -> None:
    stage.argocd_says("ready", sha(1))
    stage.replica.lease.held = False
    assert [request for _ in range(20) for request in stage.work()] == []

    stage.replica.lease.held = True  # it was paused, and does not know
    stage.outbox.polls = lambda: False
    with pytest.raises(Outdated):
        stage.settle()
    assert [request for request in stage.asked if request.startswith(("POST", "PATCH"))] == []


def test_two_replicas_that_take_turns_make_nothing_twice(stage: Stage) -> None:
    stage.argocd_says("ready", sha(1))
    replicas = [stage.replica, stage.start()]
    for turn in range(60):
        stage.replica = replicas[turn % 2]
        replicas[0].lease.held, replicas[1].lease.held = turn % 2 == 0, turn % 2 == 1
        stage.work()
        stage.work()
    stage.settle()

    assert_one_of_each(stage)
    assert len([each for each in stage.github.written.deployments if each.task == "preview:orders:1"]) == 1


def test_a_replica_that_polls_again_without_noticing_knows_what_another_wrote_in_between(stage: Stage) -> None:
    """It was paused for so long that another replica polled and stopped."""
    stage.argocd_says("ready", sha(1))
    stage.settle()
    paused = stage.replica
    stage.restart()
    stage.argocd_says("failed", sha(1))
    stage.settle()
    paused.lease.token = b"again"
    stage.replica = paused
    stage.argocd_says("ready", sha(1))
    stage.settle()

    assert_one_of_each(stage)


def test_a_replica_that_was_paused_between_its_claim_and_its_request_sends_nothing(stage: Stage) -> None:
    """Meanwhile another replica may have written something newer."""
    kept, keep = [], stage.outbox.keep

    def paused(*given: Any) -> None:
        keep(*given)
        kept.append(given)
        stage.passes(60)

    stage.outbox.keep = paused  # type: ignore[assignment, method-assign]
    for _ in range(4):
        stage.work()

    assert kept
    assert [request for request in stage.asked if request.startswith("POST")] == []


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (faults.secondary_limit(403, retry_after=120), 120),
        (faults.secondary_limit(429, retry_after=120), 120),
        (faults.primary_limit(403, seconds=600), 600),
    ],
    ids=["403", "429", "primary"],
)
def test_after_a_limit_nothing_is_asked_until_it_ends(stage: Stage, fault: Any, seconds: int) -> None:
    stage.argocd_says("ready", sha(1))
    stage.github.intercept = faults.times(1, lambda request: fault(request) if is_write(request) else None)
    while not stage.outbox.load().budget.limits:
        stage.work()
    limited = stage.now
    stage.restart()  # which forgets nothing
    while not stage.work():
        pass

    assert timedelta(seconds=seconds - 10) <= stage.now - limited <= timedelta(seconds=seconds + 10)
    stage.settle()
    assert_one_of_each(stage)


@pytest.mark.parametrize(
    "fault",
    [
        faults.secondary_limit(403),
        faults.server_error(502),
        faults.html_with_status_200(),
        faults.no_answer(),
        faults.bad_credentials(),
        faults.forbidden("This installation has been suspended"),
    ],
    ids=["secondary limit", "502", "page", "no answer", "401", "403"],
)
def test_an_outage_is_asked_about_ever_more_rarely_and_everything_is_said_afterwards(stage: Stage, fault: Any) -> None:
    stage.argocd_says("ready", sha(1))
    end = stage.now + timedelta(hours=1)
    stage.github.intercept = lambda request: fault(request) if "/repos/" in request.path else None
    with capture_logs() as logs:
        while stage.now < end:
            stage.work()

    assert len(stage.asked) <= 60
    assert len(logs) <= 12
    stage.github.intercept = None
    stage.settle()
    assert_one_of_each(stage)


@pytest.mark.parametrize("broken", [1, 5])
def test_pull_requests_that_can_never_be_read_keep_nobody_waiting(broken: int) -> None:
    with staged(report={"comment": "always"}) as stage:
        unreadable = [f"/issues/{number}/comments" for number in range(1, broken + 1)]
        answer = faults.server_error(502)
        stage.github.intercept = lambda request: answer(request) if request.path.endswith(tuple(unreadable)) else None
        stage.set_repository(pull_requests=tuple(entry(number) for number in range(1, 12)))
        begun = stage.now
        while not all(stage.comments(number) for number in range(broken + 1, 12)):
            stage.work()
        assert stage.now - begun <= timedelta(minutes=3)

        stage.passes(1800)
        stage.change(12)
        asked, before = stage.now, len(stage.asked)
        while not stage.comments(12):
            stage.work()
        assert stage.now - asked <= timedelta(minutes=1)
        while stage.now - asked <= timedelta(hours=1):
            stage.work()
        assert len(stage.asked) - before <= 20 * broken


@pytest.mark.parametrize(
    "fault",
    [
        faults.secondary_limit(403, retry_after=1800),
        faults.bad_credentials(),
        faults.server_error(502),
        faults.html_with_status_200(),
        faults.forbidden("This installation has been suspended"),
    ],
    ids=["limit", "401", "502", "page", "403"],
)
def test_trouble_of_one_owner_keeps_no_other_owner_waiting(fault: Any) -> None:
    with staged(report={"status": True, "deployments": True}) as stage:
        stage.catalog = make_catalog({"orders": {}, "payments": {}, "site": {"repository": "zulu/site"}}, report=REPORT)
        stage.github.organisation = Organisation(
            repositories={**organisation().repositories, "zulu/site": RepositoryEntry(pull_requests=(entry(1),))}
        )
        stage.github.intercept = lambda request: fault(request) if request.path.startswith("/repos/acme/") else None
        stage.know()
        begun = stage.now
        while stage.github.written.status("zulu/site", sha(1), "preview/site") is None:
            stage.work()
        assert stage.now - begun <= timedelta(minutes=1)


@pytest.mark.parametrize(
    ("permission", "kind"),
    [("deployments", "deployment"), ("statuses", "status"), ("pull_requests", "comment")],
)
@pytest.mark.parametrize("with_app", [False, True], ids=["token", "app"])
def test_a_missing_permission_switches_off_its_own_target_only(
    permission: str,
    kind: str,
    with_app: bool,  # noqa: FBT001  a table
) -> None:
    everything = frozenset({"deployments", "statuses", "pull_requests"})
    with app_stage(everything - {permission}) if with_app else staged() as stage:
        stage.github.writes = everything - {permission}
        stage.change(1, config=LINKED)
        stage.argocd_says("ready", sha(1))
        with capture_logs() as logs:
            for _ in range(300):
                stage.work()

        (error,) = [line for line in logs if line["log_level"] == "error"]
        assert (error["report"], error["needs"]) == (kind, f"{permission}: write")
        assert stage.status(sha(1)) is not None or kind == "status"
        assert bool(stage.comments()) is (kind != "comment")
        assert bool(stage.deployments()) is (kind != "deployment")

        stage.github.writes = None
        if with_app:
            stage.github.grant_writing(permission)
        stage.passes(3600)
        stage.settle()
        assert_one_of_each(stage)


@contextmanager
def app_stage(writes: frozenset[str]) -> Iterator[Stage]:
    public = load_pem_private_key(PRIVATE_KEY.encode(), None).public_key()
    key = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with staged(App("42", PRIVATE_KEY), app=FakeApp(42, key, writes=writes)) as stage:
        stage.now = datetime.now(UTC)
        stage.github.now_of_apps = lambda: datetime.now(UTC)
        yield stage


def test_an_app_writes_as_its_bot_and_knows_its_comments() -> None:
    with app_stage(frozenset({"deployments", "statuses", "pull_requests"})) as stage:
        stage.change(1, config=LINKED)
        stage.argocd_says("ready", sha(1))
        stage.settle()
        stage.outbox.inside = type(stage.outbox.inside)()
        stage.restart()
        stage.change(1, config="version: 2\n")
        stage.settle()

        (comment,) = stage.github.written.of("acme/orders", 1)
        assert comment.login == "preview[bot]"
        assert "must be 1" in comment.body


def test_a_locked_conversation_keeps_nothing_else_from_being_said(stage: Stage) -> None:
    stage.github.written.locked.add(("acme/orders", 1))
    stage.argocd_says("ready", sha(1))
    with capture_logs() as logs:
        for _ in range(300):
            stage.work()

    assert stage.deployments() == [(sha(1), "success")]
    assert stage.github.written.of("acme/payments", 7)
    assert stage.comments() == []
    assert {line["problem"] for line in logs} == {
        "GitHub answered 403: Unable to create comment because issue is locked."
    }
    stage.github.written.locked.clear()
    stage.settle()
    assert_one_of_each(stage)


def test_a_commit_that_github_does_not_know_yet_is_tried_again(stage: Stage) -> None:
    stage.github.forget_commit(sha(1))
    stage.argocd_says("ready", sha(1))
    for _ in range(100):
        stage.work()
    assert stage.deployments() == []
    assert len([each for each in stage.asked if each == "POST /repos/acme/orders/deployments"]) <= 5

    stage.change(1, head_sha=sha(2))
    stage.argocd_says("ready", sha(2))
    stage.settle()
    assert_one_of_each(stage, sha(2))


def test_what_cannot_be_ended_because_its_commit_is_gone_is_forgotten(stage: Stage) -> None:
    stage.argocd_says("ready", sha(1))
    stage.settle()
    stage.change(1, head_sha=sha(2), state="closed")  # nobody has seen the push
    stage.settle()

    assert stage.deployments() == []
    assert {target.repository for target in stage.outbox.load().standings} == {"acme/payments"}


SHAS = [sha(1), sha(2), sha(3)]
MOVES = ["push", "deploying", "ready", "failed", "link", "mistake", "unlabel", "label", "close", "reopen", "other"]


@given(st.lists(st.sampled_from(MOVES), min_size=1, max_size=12), st.integers(0, 2**32))
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])  # a second each
def test_whatever_happens_there_is_one_of_each_in_the_end(moves: list[str], seed: int) -> None:
    """Pushes, reports, lost answers, kills, other replicas and limits in any order, then an hour of peace."""
    chance = random.Random(seed)
    with staged(report=REPORT | {"comment": "always"}) as stage:
        stage.github.written.lag = timedelta(seconds=chance.choice([0, 20]))
        stage.github.intercept = trouble(chance)
        stage.outbox.dies = lambda _: chance.random() < 0.03
        for move in moves:
            play(stage, move, chance)
            for _ in range(chance.randrange(12)):
                try:
                    stage.work()
                except Killed:
                    stage.restart()
        stage.outbox.dies, stage.github.intercept = (lambda _: False), None
        stage.restart()
        stage.settle()

        (pull,) = stage.github.organisation.repositories["acme/orders"].pull_requests
        live = pull.state == "open" and pull.labels != ()
        comments = stage.comments()
        assert len(comments) <= 1
        assert len(stage.github.written.open("preview:orders:1")) <= (2 if live else 0)
        if live:
            assert [each for each, _ in stage.deployments()][-1] == pull.head_sha
            found = stage.github.written.open("preview:orders:1")  # what has failed is over
            assert [each.sha for each in found if each.state != "success"] in ([], [pull.head_sha])
            assert len([each for each in found if each.state == "success"]) <= 1
            status = stage.status(pull.head_sha)
            assert status
            assert not status[1].startswith("No preview")
            assert len(comments) == 1
            edits = [each.edited_at for each in stage.github.written.of("acme/orders", 1)]
            assert all(b - a >= timedelta(minutes=1) for each in edits for a, b in pairwise(each))
        else:
            assert all("The preview is gone" in each for each in comments)
        assert stage.settle() == []


def play(stage: Stage, move: str, chance: random.Random) -> None:
    stage.passes(chance.choice([0, 1, 30, 400]))
    match move:
        case "push":
            stage.change(1, head_sha=chance.choice(SHAS))
        case "link":
            stage.change(1, config=LINKED)
        case "mistake":
            stage.change(1, config="version: 2\n")
        case "label" | "unlabel":
            stage.change(1, labels=("preview",) if move == "label" else ())
        case "close" | "reopen":
            stage.change(1, state="closed" if move == "close" else "open")
        case "other":
            stage.replica = stage.start()
        case state:
            stage.argocd_says(state, stage.github.organisation.repositories["acme/orders"].pull_requests[0].head_sha)


def trouble(chance: random.Random) -> Callable[[Request], Any]:
    kinds = [faults.server_error(502), faults.secondary_limit(403, retry_after=30), faults.no_answer()]

    def intercept(request: Request) -> Any:
        luck = chance.random()
        if "/repos/" not in request.path or luck > 0.2:
            return None
        if luck > 0.1:
            return lost(lambda _: True)(request)
        return chance.choice(kinds)(request)

    return intercept
