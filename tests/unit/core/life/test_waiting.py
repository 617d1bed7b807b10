"""A preview waits for its first ready commit; later, an older one runs until a newer one is ready."""

from collections.abc import Mapping
from typing import Any

import pytest

from plugin.core.config.references import Locator
from plugin.core.facts.acts import ActKind
from plugin.core.facts.found import Found
from plugin.core.facts.lives import State
from plugin.core.life.waiting import REMEMBERED
from plugin.state import NOTHING
from tests.builders import MONDAY, make_catalog
from tests.lives import DAY, HOUR, NEXT, Lived, asked, begun

CHECK: dict[str, Any] = {"ready_when": {"check": "ci"}}
HEAD, OLDER, OLDEST = "a" * 40, "c" * 40, "d" * 40


def ready(story: Lived, *shas: str) -> Lived:
    story.ready |= {("orders", sha): True for sha in shas}
    return story.step()


def running(story: Lived) -> str:
    """The first digit of the commit that runs."""
    return story.preview().deploy_sha[0]


def test_it_waits_for_its_first_ready_commit() -> None:
    story = begun(CHECK, head_sha=HEAD)

    assert story.state() is State.WAITING
    assert story.current.known.live
    assert story.current.known.live.count == 0
    assert story.preview().verdict.reason == (
        'the check "ci" has not succeeded for commit aaaaaaaa. It starts by itself once that changes: '
        "look at the pull request's checks, or push a fix"
    )
    assert ready(story, HEAD).state() is State.ACTIVE
    assert running(story) == "a"


def test_it_can_wait_for_its_image() -> None:
    story = begun({"ready_when": {"image": True}}, head_sha=HEAD)

    assert story.preview().verdict.reason.startswith("there is no image of commit aaaaaaaa yet. It starts by itself")
    assert ready(story, HEAD).state() is State.ACTIVE


def test_what_cannot_be_read_is_not_ready_and_not_failed() -> None:
    story = begun(CHECK, head_sha=HEAD)
    ready(story, HEAD)
    story.ready = {}

    assert story.step(HOUR).state() is State.ACTIVE
    assert running(story.push()) == "a"


def test_the_last_ready_commit_runs_until_a_newer_one_is_ready() -> None:
    story = begun(CHECK, head_sha=HEAD)
    ready(story, HEAD)

    story.ready[("orders", NEXT)] = False
    assert running(story.push()) == "a"
    assert story.preview().verdict.reason == (
        'it has the label "preview". Commit aaaaaaaa runs until the check "ci" has succeeded for the newer commit '
        "bbbbbbbb"
    )
    assert running(ready(story, NEXT)) == "b"
    assert story.preview().verdict.reason == 'it has the label "preview"'


def test_what_templates_get_of_the_head_is_the_head_whatever_runs() -> None:
    story = begun(CHECK, head_sha=HEAD)
    ready(story, HEAD)
    story.push()

    assert story.preview().pull_request.head_sha == NEXT
    assert story.preview().deploy_sha == HEAD


def test_which_commit_runs_survives_a_restart_and_a_force_push() -> None:
    story = begun(CHECK, head_sha=HEAD)
    ready(story, HEAD)
    story.push(sha=OLDER)
    story.restart()
    story.push(sha=NEXT)
    story.restart()

    assert running(story.step(DAY)) == "a"
    assert "for the newer commit bbbbbbbb" in story.preview().verdict.reason


def test_a_force_push_back_to_a_commit_that_was_ready_once_needs_no_further_check() -> None:
    story = begun(CHECK, head_sha=HEAD)
    ready(story, HEAD)
    story.push()
    ready(story, NEXT)
    story.ready = {}  # nobody asks about either of them again

    assert running(story.push(sha=HEAD)) == "a"
    story.restart()
    assert running(story.push(sha=NEXT)) == "b"


def test_one_that_is_new_runs_its_newest_ready_commit() -> None:
    story = begun(CHECK, head_sha=HEAD)
    story.found = Found(commits={Locator("acme/orders", 1): (HEAD, OLDER, OLDEST)})
    story.ready = {("orders", HEAD): False, ("orders", OLDER): True, ("orders", OLDEST): True}

    assert running(story.step()) == "c"


def test_what_is_deployed_stays_even_if_an_older_commit_becomes_ready() -> None:
    story = begun(CHECK, head_sha=OLDER)
    ready(story, OLDER)
    story.push(sha=HEAD)
    story.push(sha=NEXT)

    assert running(ready(story, HEAD)) == "c"


def test_what_was_live_before_the_gate_was_switched_on_never_waits() -> None:
    story = begun({"pause_after": "9d"}, head_sha=HEAD)

    assert story.edit(CHECK).state() is State.ACTIVE
    assert running(story) == "a"
    assert story.preview().verdict.reason == 'it has the label "preview"'
    assert running(story.push()) == "a"


def test_a_push_that_comes_with_the_gate_is_not_deployed_unready() -> None:
    story = begun({"pause_after": "9d"}, head_sha=HEAD)
    story.catalog = make_catalog({"orders": {}}, defaults={"lifecycle": CHECK})

    assert running(story.push()) == "a"


def test_one_that_waits_does_not_end_but_gets_too_old() -> None:
    story = begun(CHECK | {"expire_after": "2d", "max_age": "9d"})

    assert story.pass_time(9 * DAY - HOUR, 5 * HOUR).state() is State.WAITING
    assert story.life().ends_at is None
    assert story.step(HOUR).state() is State.EXPIRED


def test_readiness_revives_nothing_that_has_expired() -> None:
    story = begun(CHECK | {"expire_after": "2d"}, head_sha=HEAD)
    ready(story, HEAD)
    story.push()
    assert story.pass_time(3 * DAY).state() is State.EXPIRED

    assert ready(story, NEXT).state() is State.EXPIRED
    story.ready[("orders", OLDER)] = False
    story.found = Found(commits={Locator("acme/orders", 1): (OLDER, HEAD)})
    assert story.push(sha=OLDER).state() is State.ACTIVE
    assert running(story) == "a"


def test_one_that_is_asked_for_again_starts_with_its_newest_ready_commit() -> None:
    """While it was away, nobody asked which of its commits are ready. An act is carried out before anybody does."""
    story = begun(CHECK | {"max_age": "2d"}, head_sha=HEAD)
    ready(story, HEAD)
    assert story.pass_time(3 * DAY).state() is State.EXPIRED
    story.ready = {}
    story.push(sha=OLDER)
    story.push(sha=NEXT)
    story.act(ActKind.ASK)
    assert story.step().state() is State.EXPIRED

    story.restart()
    story.ready = {("orders", NEXT): False}
    assert story.step().state() is State.EXPIRED  # because its older commits could not be read
    story.found = Found(commits={Locator("acme/orders", 1): (NEXT, OLDER, HEAD, OLDEST)})
    story.ready |= {("orders", OLDER): True, ("orders", HEAD): True, ("orders", OLDEST): True}
    assert story.step().state() is State.ACTIVE
    assert running(story) == "c"
    assert story.life().asked_at == story.now


def test_one_that_is_asked_for_again_starts_at_once_if_its_newest_commit_is_ready() -> None:
    story = begun(CHECK | {"max_age": "2d"}, head_sha=HEAD)
    ready(story, HEAD)
    assert story.pass_time(3 * DAY).state() is State.EXPIRED
    story.ready = {}
    story.act(ActKind.ASK)
    assert story.step().state() is State.ACTIVE

    story = begun(CHECK | {"max_age": "2d"}, head_sha=HEAD)
    assert story.pass_time(3 * DAY).state() is State.EXPIRED
    story.ready = {}
    story.act(ActKind.ASK)
    assert story.step().state() is State.EXPIRED
    assert ready(story, HEAD).state() is State.ACTIVE


def test_what_is_remembered_is_bounded() -> None:
    story = begun(CHECK, head_sha=HEAD)
    for number in range(REMEMBERED + 9):
        sha = f"{number:040x}"
        story.push(sha=sha)
        ready(story, sha)
        story.now += HOUR

    assert len(story.life().ready) == REMEMBERED
    assert story.life().ready[-1] == story.preview().deploy_sha


# Nobody knows what was live


def test_at_the_first_start_the_newest_ready_commit_runs_or_else_the_head() -> None:
    story = Lived(make_catalog({"orders": {}}, defaults={"lifecycle": CHECK}), MONDAY)
    story.put(asked(1, head_sha=HEAD))
    story.put(asked(2, head_sha=HEAD))
    story.found = Found(commits={Locator("acme/orders", 2): (HEAD, OLDER)})
    story.ready = {("orders", HEAD): False, ("orders", OLDER): True}

    story.step()
    assert {key: preview.deploy_sha[0] for key, preview in by_key(story).items()} == {"orders/1": "a", "orders/2": "c"}


def by_key(story: Lived) -> Mapping[str, Any]:
    return {preview.key: preview for preview in story.current.previews if preview.verdict.live}


@pytest.mark.parametrize("limits", [{}, {"total": 1}])
def test_at_the_first_start_everything_labelled_until_now_is_admitted(limits: Mapping[str, int]) -> None:
    plan = {"lifecycle": CHECK | {"max_age": "2d"}}
    story = Lived(make_catalog({"orders": {}}, defaults=plan, limits=limits), MONDAY)
    story.put(asked(1, MONDAY - DAY))
    story.put(asked(2, MONDAY - 9 * DAY))
    story.put(asked(3, MONDAY))
    story.step()
    assert story.states == dict.fromkeys(("orders/1", "orders/2", "orders/3"), "active")

    story.put(asked(4, MONDAY))
    assert story.step().state("orders/4") is State.WAITING


def test_lost_state_ends_nothing_that_was_not_announced_for_long_enough() -> None:
    story = begun({"max_age": "2d", "expire_after": "1d", "warn": "4h"})
    story.pass_time(23 * HOUR)
    assert story.life().announced
    story.current = type(story.current)(NOTHING, None)
    story.now += 9 * DAY

    assert story.step().state() is State.ACTIVE
    assert story.life().admitted_at is None
    assert story.life().ends_at == story.now + 4 * HOUR
    assert story.step(4 * HOUR - HOUR / 60).state() is State.ACTIVE
    assert story.step(HOUR / 60).state() is State.EXPIRED
