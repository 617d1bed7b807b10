"""Lives from one answer to the next. Each of these cases once broke a model of the rules, or the rules themselves.

Others are beside their rule: a queue longer than a life (`test_queued.py`), a force-push back to a ready commit
(`test_waiting.py`), an end that comes with an unseen push (`test_find.py`).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from plugin.core.answers.history import KEPT_FOR
from plugin.core.config.names import folded
from plugin.core.config.threshold import Threshold
from plugin.core.decision.parameters import parameters
from plugin.core.facts.acts import ActKind
from plugin.core.facts.lives import State
from plugin.core.facts.model import Hold
from tests.builders import MONDAY, SHA, make_catalog
from tests.lives import DAY, HOUR, NEXT, Lived, asked, begun, lived, with_plan

MINUTE = timedelta(minutes=1)
WEEK: Mapping[str, Any] = {"expire_after": "7d", "warn": "4h"}
LINK = "{version: 1, dependencies: {orders: pr:1}}"


def several(numbers: range, lifecycle: Mapping[str, Any] = WEEK, **given: Any) -> Lived:
    """Pull requests that were asked for one hour after the other."""
    story = lived(defaults={"lifecycle": dict(lifecycle)}, **given)
    story.now = MONDAY
    for number in numbers:
        story.put(asked(number, story.now))
        story.step()
        story.now += HOUR
    return story


def live(story: Lived) -> list[int]:
    return [int(key.partition("/")[2]) for key, state in story.states.items() if state in ("active", "paused")]


# Edits


def test_ends_that_a_typo_brings_forward_do_not_trickle_in_below_the_threshold() -> None:
    """Seven hours instead of seven days: one preview would end every hour, and never more than five at once."""
    story = several(range(1, 31))
    assert story.edit({**WEEK, "expire_after": "7h"}).current.known.hold is None

    assert live(story.pass_time(5 * DAY)) == list(range(1, 31))
    story.acknowledge()
    assert live(story.step(3 * HOUR)) == list(range(1, 31))
    assert live(story.step(4 * HOUR)) == []


def test_what_flips_while_an_edit_is_held_keeps_its_place_once_the_edit_is_undone() -> None:
    """Meanwhile somebody else asks for a preview, and the limit leaves no room for both."""
    story = several(range(1, 7), limits={"total": 6})
    story.threshold = Threshold(0, 0)
    good = story.catalog
    story.catalog = make_catalog({"shop": {}})
    assert story.step(HOUR).current.known.hold
    story.remove(3)
    story.put(asked(7, story.now))
    story.step(HOUR)
    story.put(asked(3, MONDAY + 2 * HOUR))
    story.step(HOUR)

    story.catalog = good
    assert live(story.step(HOUR)) == [1, 2, 3, 4, 5, 6]
    assert story.state("orders/7") is State.QUEUED


def test_what_people_said_survives_an_edit_that_is_held_and_undone() -> None:
    story = several(range(1, 3))
    story.threshold = Threshold(0, 0)
    story.act(ActKind.PAUSE)
    story.act(ActKind.EXTEND, "orders/2", until=MONDAY + 20 * DAY)
    story.step(HOUR)
    good = story.catalog
    story.catalog = make_catalog({"shop": {}})
    assert story.step(HOUR).current.known.hold
    story.restart()
    story.step(HOUR)

    story.catalog = good
    assert story.step(HOUR).state() is State.PAUSED
    assert story.life("orders/2").ends_at == MONDAY + 20 * DAY


def test_while_an_edit_is_held_nothing_is_announced_and_nothing_ends() -> None:
    story = several(range(1, 7))
    story.threshold = Threshold(0, 0)
    good = story.catalog
    story.catalog = make_catalog({"shop": {}})
    story.step().pass_time(9 * DAY, 7 * HOUR)
    story.catalog = good
    story.step()

    assert live(story) == list(range(1, 7))
    assert story.life().ends_at == story.now + 4 * HOUR


def test_an_acknowledged_edit_ends_nothing_whose_facts_flip_at_the_same_time() -> None:
    """The listing shows three of them as drafts, which is not confirmed: they count as they were known, and stay."""
    story = several(range(1, 11))
    story.edit({**WEEK, "expire_after": "5h"})
    story.acknowledge()
    story.step(HOUR)
    assert all(story.life(f"orders/{number}").announced for number in range(1, 6))
    story.given = {"acme/orders": {"held": {number: Hold("it is shown as a draft") for number in (1, 2, 3)}}}

    assert live(story.pass_time(9 * HOUR)) == [1, 2, 3]
    story.given = {}
    assert live(story.step(HOUR)) == []


def test_another_repository_of_a_service_inherits_neither_what_was_live_nor_what_was_said() -> None:
    """Pull request 1 of the new repository has the same key, and would get the same name."""
    story = with_plan(dict(WEEK), {"orders": {}, "shop": {}})
    story.now = MONDAY
    for number in (1, 2):
        story.put(asked(number))
    story.put(asked(1, MONDAY - HOUR), "acme/shop")
    story.put(asked(2, MONDAY - HOUR), "acme/shop")
    story.step()
    story.step(HOUR)
    story.act(ActKind.EXTEND, until=MONDAY + 20 * DAY)
    story.act(ActKind.PAUSE, "orders/2")
    story.step()
    story.catalog = make_catalog(
        {"orders": {"repository": "acme/shop"}, "shop": {}},
        defaults={"lifecycle": dict(WEEK)},
        limits={"total": 3},
    )
    story.step(HOUR)

    assert story.state("orders/1") is story.state("orders/2") is State.ACTIVE
    assert story.life("orders/1").ends_at == story.now + 7 * DAY
    assert story.current.known.acts == {}


def test_a_service_whose_repository_is_edited_does_not_take_the_places_of_what_was_live_there() -> None:
    story = with_plan({"ready_when": {"check": "ci"}}, {"orders": {}, "shop": {"lifecycle": {"ready_when": "off"}}})
    story.now = MONDAY
    story.ready = {("orders", SHA): True}
    story.put(asked(1))
    story.put(asked(1), "acme/shop")
    assert story.step().states == {"orders/1": "active", "shop/1": "active"}
    story.ready = {}
    services: dict[str, dict[str, Any]] = {
        "orders": {"repository": "acme/shop"},
        "shop": {"lifecycle": {"ready_when": "off"}},
    }

    assert story.edit({"ready_when": {"check": "ci"}}, services).states == {"orders/1": "waiting", "shop/1": "active"}


def test_an_edited_profile_keeps_everything_that_was_live_although_it_moves_between_inputs() -> None:
    story = several(range(1, 4))
    plan = {**WEEK, "ready_when": {"check": "ci"}}
    story.catalog = make_catalog({"orders": {"profile": "frontend"}}, defaults={"lifecycle": plan}, limits={"total": 1})
    story.step(HOUR)

    assert live(story) == [1, 2, 3]
    assert {preview.deploy_sha for preview in story.current.previews} == {SHA}
    assert [story.life(f"orders/{number}").ends_at for number in (1, 2, 3)] == [
        MONDAY + 7 * DAY + hours * HOUR for hours in range(3)
    ]


@pytest.mark.parametrize("held", [True, False])
def test_a_gate_that_comes_with_another_prefix_stops_nothing_and_deploys_nothing_unready(*, held: bool) -> None:
    """The previews get other names, but they are the same ones. While the edit is held, somebody pushes."""
    story = several(range(1, 4))
    story.threshold = Threshold(0 if held else 5, 20)
    plan = {**WEEK, "ready_when": {"check": "ci"}}
    story.catalog = make_catalog({"orders": {}}, prefix="pr", defaults={"lifecycle": plan})
    story.ready = {("orders", SHA): False, ("orders", NEXT): False}
    story.step(HOUR)
    story.push(2)
    story.step(HOUR)
    if held:
        assert story.current.known.hold
        story.restart()
        story.acknowledge()
        story.step(HOUR)

    assert {preview.name: preview.deploy_sha for preview in story.current.previews if preview.verdict.live} == {
        f"pr-orders-{number}": SHA for number in (1, 2, 3)
    }
    assert "runs until the check" in story.preview("orders/2").verdict.reason
    story.ready[("orders", NEXT)] = True
    assert story.step().preview("orders/2").deploy_sha == NEXT


def test_a_gate_revives_nothing_that_has_expired() -> None:
    story = begun(WEEK)
    assert story.pass_time(8 * DAY, 6 * HOUR).state() is State.EXPIRED
    for gate in ({"check": "ci"}, {"image": True}, {"check": "other"}):
        story.edit({**WEEK, "ready_when": gate})
        story.ready = {("orders", SHA): True}
        assert story.step(HOUR).state() is State.EXPIRED
        story.restart()
        assert story.edit(WEEK).state() is State.EXPIRED


def test_another_spelling_of_a_repository_changes_nothing() -> None:
    story = begun({**WEEK, "ready_when": {"check": "ci"}})
    story.ready = {("orders", SHA): True}
    story.step()
    story.push()
    story.act(ActKind.PAUSE)
    story.step(HOUR)
    before, known = parameters(story.preview(), story.catalog), story.life()
    story.repositories = {"Acme/Orders": story.repositories["acme/orders"]}
    story.edit({**WEEK, "ready_when": {"check": "ci"}}, {"orders": {"repository": "Acme/Orders"}})

    after = parameters(story.preview(), story.catalog)
    assert {key for key in before if before[key] != after[key]} == {
        *("repository", "repository_owner", "repository_name", "repository_url", "pull_request_url"),
        *("locator", "environment", "environment_patch"),
    }
    assert story.life() == known


def test_another_spelling_that_comes_with_a_gate_and_a_push_deploys_nothing_unready() -> None:
    story = begun({})
    story.repositories = {"Acme/Orders": [replace(story.repositories["acme/orders"][0], head_sha=NEXT)]}
    story.edit({"ready_when": {"check": "ci"}}, {"orders": {"repository": "Acme/Orders"}})

    assert story.preview().deploy_sha == SHA


@pytest.mark.parametrize("spelling", ["acme/orders", "Acme/Orders"])
@pytest.mark.parametrize("others", [True, False], ids=["one of two services", "the only service"])
def test_what_has_expired_stays_away_if_its_service_leaves_the_catalog_and_returns(
    *, others: bool, spelling: str
) -> None:
    """Expired is a latch: only what somebody does with the preview releases it, and an edit is nothing of that kind."""
    worker: dict[str, dict[str, Any]] = {"worker": {"repository": "acme/orders"}} if others else {}
    story = with_plan(dict(WEEK), {"orders": {}, "shop": {}, **worker})
    story.now = MONDAY
    story.put(asked(1))
    story.put(asked(2))
    story.put(asked(1), "acme/shop")
    story.step().pass_time(8 * DAY, 6 * HOUR)
    assert not live(story)

    story.edit(WEEK, {"shop": {}, **worker})
    story.restart()
    story.step(DAY)
    story.repositories[spelling] = story.repositories.pop("acme/orders")
    if others:
        worker = {"worker": {"repository": spelling}}
    story.edit(WEEK, {"orders": {"repository": spelling}, "shop": {}, **worker})
    assert story.state("orders/1") is State.EXPIRED
    assert sorted(folded(name) for name in story.current.known.lives) == ["acme/orders", "acme/shop"]

    story.now += HOUR
    story.push(2, repository=spelling)
    assert story.state("orders/2") is State.ACTIVE


def test_what_else_is_known_of_a_service_leaves_with_it() -> None:
    story = begun(WEEK)
    story.act(ActKind.EXTEND, until=MONDAY + 20 * DAY)
    story.step(HOUR)
    story.edit(WEEK, {"shop": {}})
    assert story.current.known.lives == {}
    assert story.current.known.acts == {}


def test_latches_of_what_left_the_catalog_are_forgotten_one_day() -> None:
    story = begun(WEEK)
    assert story.pass_time(8 * DAY, 6 * HOUR).state() is State.EXPIRED
    story.edit(WEEK, {"shop": {}})
    assert story.current.known.lives
    ended_at = story.now
    for number in range(200):  # versions
        story.put(asked(number + 1, story.now), "acme/shop")
        story.step(6 * HOUR)

    assert story.now > ended_at + KEPT_FOR
    assert "acme/orders" not in story.current.known.lives


# Callers


def test_a_caller_that_sleeps_at_night_keeps_whom_it_calls_although_that_ones_end_passed_long_ago() -> None:
    services = {
        "shop": {"depends_on": ["orders"], "lifecycle": {"hours": "Mon-Fri 07:00-20:00 UTC", "expire_after": "30d"}}
    }
    story = lived(services | {"orders": {"lifecycle": {"expire_after": "1d", "pause_after": "12h"}}})
    story.now = MONDAY
    story.put(asked(1))
    story.put(asked(7, config=LINK), "acme/shop")
    story.step()
    story.step(12 * HOUR)
    states = {(story.step(HOUR).state("shop/7"), story.state("orders/1")) for _ in range(20 * 24)}

    assert states == {(State.ACTIVE, State.ACTIVE), (State.PAUSED, State.PAUSED)}
    assert story.life("orders/1").ends_at == MONDAY + 30 * DAY


def test_a_caller_of_a_service_without_any_plan_counts() -> None:
    plan = {"expire_after": "1d", "pause_after": "2h"}
    story = lived({"shop": {"depends_on": ["orders"]}, "orders": {"lifecycle": plan}})
    story.now = MONDAY
    story.put(asked(1))
    story.put(asked(7, config=LINK), "acme/shop")

    assert story.step().pass_time(9 * DAY, 7 * HOUR).states == {"orders/1": "active", "shop/7": "active"}


# Clocks


@pytest.mark.parametrize("days", [-10, 10])
def test_a_clock_that_is_days_away_and_mended_ends_and_wakes_nothing(days: int) -> None:
    story = several(range(1, 4), {**WEEK, "pause_after": "2d", "max_age": "9d", "hours": "Mon-Sun 07:00-20:00 UTC"})
    story.step(3 * DAY)
    before = story.states
    assert set(before.values()) == {"paused"}
    right = story.now

    story.now, story.agreed = right + days * DAY, False
    for _ in range(9):
        assert story.step(HOUR).states == before
    story.now, story.agreed = right + 9 * HOUR, True
    assert story.step().states == before
    assert [story.life(f"orders/{number}").ends_at for number in (1, 2, 3)] == [
        MONDAY + 7 * DAY + hours * HOUR for hours in range(3)
    ]
    assert story.current.living.next_at
    assert story.now < story.current.living.next_at < MONDAY + 7 * DAY


def test_what_is_pushed_while_the_clock_is_wrong_counts_once_it_is_right() -> None:
    story = begun({"expire_after": "2d"})
    right = MONDAY + 47 * HOUR
    story.step(47 * HOUR)
    story.now, story.agreed = right + 10 * DAY, False
    story.put(asked(head_sha=NEXT, head_seen_at=MONDAY, unstamped=True))
    assert story.step().state() is State.ACTIVE

    story.now, story.agreed = right + 3 * HOUR, True
    story.put(asked(head_sha=NEXT, head_seen_at=story.now))  # as it is stamped then
    assert story.step().life().ends_at == story.now + 2 * DAY


# Lost state


def test_without_the_last_answer_a_repository_that_counts_as_never_read_is_not_left_out_of_the_next_one() -> None:
    """`find.py` leaves it out of the snapshot, because nobody knows which of its commits are ready."""
    story = several(range(1, 4), {"ready_when": {"check": "ci"}})
    story.ready = {("orders", SHA): True}
    assert live(story.step()) == [1, 2, 3]
    known = story.current.known
    story.current = replace(story.current, known=replace(known, live=None))
    story.without = {"acme/orders"}
    story.step(HOUR)

    assert story.current.known.live is None
    assert live(story) == [1, 2, 3]
    story.without = set()
    assert live(story.step()) == [1, 2, 3]
