"""What becomes of one preview by itself, and what of it is remembered."""

from collections.abc import Callable

import pytest

from plugin.core.facts.lives import Life, State
from tests.builders import MONDAY, make_catalog
from tests.lives import DAY, DOUBTS, HOUR, NEXT, Lived, asked, begun, lived, trust

GATE = {"ready_when": {"check": "ci"}, "expire_after": "2d"}


def waiting() -> Lived:
    return begun(GATE)


def queued() -> Lived:
    story = lived(limits={"total": 0})
    story.now = MONDAY
    story.put(asked())
    return story.step()


def expired() -> Lived:
    return begun({"expire_after": "2d"}).pass_time(3 * DAY)


@pytest.mark.parametrize("doubt", ["itself", "its repository"])
@pytest.mark.parametrize("tell", [waiting, queued, expired])
def test_what_is_not_live_stays_as_it_is_while_its_facts_are_in_doubt(tell: Callable[[], Lived], doubt: str) -> None:
    story = tell()
    before = story.life()
    DOUBTS[doubt](story)
    story.ready = {("orders", asked().head_sha): True}
    if before.state is not State.EXPIRED:
        story.catalog = make_catalog({"orders": {}}, limits={"total": 9}, defaults={"lifecycle": {"pause_after": "9d"}})

    assert story.step(HOUR).life() == before
    trust(story)
    assert story.step().state() is (State.EXPIRED if before.state is State.EXPIRED else State.ACTIVE)


def test_one_that_is_live_goes_on_while_its_facts_are_in_doubt() -> None:
    story = begun(GATE)
    story.ready = {("orders", asked().head_sha): True}
    story.step()
    DOUBTS["itself"](story)

    assert story.pass_time(9 * DAY, 7 * HOUR).state() is State.ACTIVE


def test_it_says_since_when_it_is_in_its_state() -> None:
    story = begun({"pause_after": "12h", "expire_after": "2d"})
    assert story.step(11 * HOUR).life().since == MONDAY
    assert story.step(2 * HOUR).life().since == MONDAY + 13 * HOUR
    assert story.step(9 * HOUR).life().since == MONDAY + 13 * HOUR
    story.now += HOUR
    assert story.push().life().since == MONDAY + 23 * HOUR


def test_of_what_is_not_live_only_its_ready_commits_and_its_age_are_remembered() -> None:
    story = begun(GATE)
    story.ready = {("orders", asked().head_sha): True}
    story.step()
    life = story.pass_time(3 * DAY).life()

    assert life == Life(
        State.EXPIRED,
        life.reason,
        since=MONDAY + 2 * DAY,
        asked_at=MONDAY,
        ready=(asked().head_sha,),
        expired=life.expired,
    )
    assert life.expired


def test_what_nobody_plans_anything_for_needs_no_memory() -> None:
    story = lived({"orders": {}, "shop": {"lifecycle": {"pause_after": "9d"}}})
    story.put(asked())
    story.put(asked(), "acme/shop")

    assert {*story.step().current.known.lives} == {"acme/shop"}
    assert story.states == {"orders/1": "active", "shop/1": "active"}


def test_an_edit_that_plans_nothing_any_more_wakes_and_keeps_everything_that_is_live() -> None:
    story = begun({"pause_after": "1h", "expire_after": "2d"})
    story.step(2 * HOUR)
    assert story.push(sha=NEXT).step(2 * HOUR).state() is State.PAUSED

    assert story.edit({}).state() is State.ACTIVE
    assert story.preview().verdict.ends_at is None
