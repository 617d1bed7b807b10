"""Whom others call lives and stays awake as long as they do."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from plugin.core.facts.acts import ActKind
from plugin.core.facts.lives import State
from plugin.core.life.ends import End, later, sooner
from plugin.core.life.keep_alive import Alone, Call, Kept, keep_alive
from tests.builders import MONDAY
from tests.lives import DAY, HOUR, Lived, asked, lived, with_plan

SERVICES = {"shop": {"depends_on": ["orders"]}, "orders": {"depends_on": ["shop"]}}
CALLS_ORDERS = "{version: 1, dependencies: {orders: pr:1}}"
CALLS_SHOP = "{version: 1, dependencies: {shop: pr:7}}"
PLAN = {"pause_after": "1d", "expire_after": "3d", "warn": "1h"}


def linked(plan: dict[str, str], older: timedelta = 2 * DAY, *, ring: bool = False) -> Lived:
    """acme/shop#7 calls the older acme/orders#1; as a ring, that calls it, too."""
    story = with_plan(plan, SERVICES)
    story.now = MONDAY - older
    story.put(asked(1, story.now, config=CALLS_SHOP if ring else None))
    story.step()
    story.now = MONDAY
    story.put(asked(7, config=CALLS_ORDERS), "acme/shop")
    story.step()
    return story.step()


def test_whom_others_call_ends_when_the_last_of_them_does() -> None:
    story = linked(PLAN)

    assert story.life("orders/1").ends_at == story.life("shop/7").ends_at == MONDAY + 3 * DAY
    assert "It lives as long as acme/shop#7, which calls it" in story.preview("orders/1").verdict.reason
    assert story.pass_time(3 * DAY - HOUR).states == {"orders/1": "paused", "shop/7": "paused"}
    assert story.step(HOUR).states == {"orders/1": "expired", "shop/7": "expired"}


def test_its_end_says_with_whom_it_comes() -> None:
    story = linked({"expire_after": "3d", "warn": "1h"})

    assert story.step(3 * DAY - HOUR).preview("orders/1").verdict.reason == (
        'it has the label "preview". It ends at 2026-11-19T09:00:00Z together with acme/shop#7, which calls it, unless '
        "somebody pushes a commit, or runs preview-plugin extend"
    )


def test_nobody_keeps_a_preview_beyond_its_own_maximum_age() -> None:
    story = linked({"expire_after": "3d", "max_age": "4d", "warn": "1h"})

    assert story.life("orders/1").ends_at == MONDAY + 2 * DAY
    assert story.pass_time(2 * DAY).states == {"orders/1": "expired", "shop/7": "active"}


def test_a_caller_without_an_end_keeps_for_ever() -> None:
    plan = {"expire_after": "1d", "pause_after": "2h"}
    story = lived({"shop": {"depends_on": ["orders"]}, "orders": {"lifecycle": plan}})
    story.now = MONDAY
    story.put(asked(1))
    story.put(asked(7, config=CALLS_ORDERS), "acme/shop")

    assert story.step().pass_time(9 * DAY, 7 * HOUR).states == {"orders/1": "active", "shop/7": "active"}
    assert story.life("orders/1").ends_at is None
    story.remove(7, "acme/shop")
    assert story.pass_time(DAY).state("orders/1") is State.EXPIRED


def test_an_awake_caller_keeps_awake_whom_it_calls() -> None:
    story = linked(PLAN)
    assert story.state("orders/1") is State.ACTIVE
    assert "It is awake because acme/shop#7 calls it" in story.preview("orders/1").verdict.reason

    assert story.step(DAY).states == {"orders/1": "paused", "shop/7": "paused"}
    assert story.push(7, repository="acme/shop").states == {"orders/1": "active", "shop/7": "active"}


def test_a_pause_by_a_person_wins_over_callers() -> None:
    story = linked(PLAN)
    story.now += HOUR
    story.act(ActKind.PAUSE, "orders/1")

    assert story.step().states == {"orders/1": "paused", "shop/7": "active"}
    assert story.life("orders/1").ends_at == MONDAY + 3 * DAY


def test_a_paused_caller_does_not_wake_but_still_keeps_alive() -> None:
    story = linked(PLAN)
    story.now += HOUR
    story.act(ActKind.PAUSE, "shop/7")

    assert story.step().states == {"orders/1": "paused", "shop/7": "paused"}
    assert story.life("orders/1").ends_at == MONDAY + 3 * DAY


def test_once_nobody_calls_it_its_own_end_counts_and_is_announced_anew() -> None:
    story = linked({"expire_after": "3d", "warn": "4h"})
    story.step(2 * DAY)  # its own end has passed
    story.remove(7, "acme/shop")

    story.step()
    assert story.step().life("orders/1").ends_at == story.now + 4 * HOUR
    assert story.step(3 * HOUR).state("orders/1") is State.ACTIVE
    assert story.step(HOUR).state("orders/1") is State.EXPIRED


def test_a_ring_that_nobody_outside_uses_falls_asleep_and_ends() -> None:
    story = linked(PLAN, ring=True)
    assert story.life("orders/1").ends_at == MONDAY + 3 * DAY

    assert story.step(DAY).states == {"orders/1": "paused", "shop/7": "paused"}
    assert story.pass_time(2 * DAY).states == {"orders/1": "expired", "shop/7": "expired"}


def test_a_callee_stays_as_long_as_a_caller_that_is_in_doubt() -> None:
    """Its own repository is read, and it was announced: without its caller it would end."""
    story = linked(PLAN)
    assert story.pass_time(3 * DAY - HOUR).life("orders/1").announced
    story.doubts = {"acme/shop": "no answer"}
    assert story.step(2 * HOUR).states == {"orders/1": "paused", "shop/7": "paused"}

    story.doubts = {}
    assert story.step(2 * HOUR).states == {"orders/1": "expired", "shop/7": "expired"}


def test_a_callee_stays_until_its_callers_longer_warning_is_over() -> None:
    shop = {"depends_on": ["orders"], "lifecycle": {"expire_after": "1d", "warn": "9h"}}
    story = lived({"shop": shop, "orders": {}}, defaults={"lifecycle": {"expire_after": "12h", "warn": "1h"}})
    story.now = MONDAY
    story.put(asked(1))
    story.put(asked(7, config=CALLS_ORDERS), "acme/shop")
    story.step()
    story.step()
    story.step(22 * HOUR)  # so the caller's end is announced seven hours late

    for _ in range(8):
        assert story.step(HOUR).states == {"orders/1": "active", "shop/7": "active"}
    assert story.step(HOUR).states == {"orders/1": "expired", "shop/7": "expired"}


def test_nobody_wakes_through_one_that_a_person_paused() -> None:
    """It sleeps although it is called, so it calls nobody."""
    end = End(None, None)
    awake = Alone(end, asleep=False, by_act=False, locator="#1")
    asleep = Alone(end, asleep=True, by_act=False, locator="#3")
    paused = Alone(end, asleep=True, by_act=True, locator="#2")
    calls = [("a/1", "a/2"), ("a/2", "a/3")]

    kept = keep_alive({"a/1": awake, "a/2": paused, "a/3": asleep}, calls)
    assert {key: each.awake_by for key, each in kept.items()} == {"a/2": "", "a/3": ""}
    kept = keep_alive({"a/1": awake, "a/2": asleep, "a/3": asleep}, calls)
    assert {key: each.awake_by for key, each in kept.items()} == {"a/2": "#1", "a/3": "#3"}


# As a property

_moments = st.none() | st.integers(0, 5).map(lambda days: MONDAY + days * DAY)
_keys = [f"orders/{number}" for number in range(6)]
_alone = st.builds(
    lambda end, asleep, due: Alone(end, asleep=bool(asleep), by_act=asleep == "by act", locator="#1", due=due),
    st.builds(End, _moments, _moments),
    st.sampled_from(["", "by itself", "by act"]),
    _moments,
)
_previews = st.fixed_dictionaries(dict.fromkeys(_keys, _alone))
_calls = st.lists(st.tuples(st.sampled_from([*_keys, "gone/1"]), st.sampled_from([*_keys, "gone/2"])), max_size=12)


@given(_previews, _calls)
def test_chains_and_rings_of_calls_come_to_rest_where_nothing_is_left_to_say(
    previews: dict[str, Alone], calls: list[Call]
) -> None:
    kept = keep_alive(previews, calls)

    def end(key: str) -> datetime | None:
        return kept[key].ends_at if key in kept else previews[key].end.capped

    def awake(key: str) -> bool:
        return not previews[key].asleep or bool(key in kept and kept[key].awake_by)

    callers = {
        key: [caller for caller, callee in calls if callee == key and caller != key and caller in previews]
        for key in previews
    }
    for key, alone in previews.items():
        latest = alone.end.capped
        for caller in callers[key]:
            latest = later(latest, end(caller))
        assert end(key) == sooner(alone.end.cap, latest)
        assert awake(key) == (not alone.asleep or (not alone.by_act and any(map(awake, callers[key]))))
        assert (key in kept) == bool(callers[key])


@given(_previews, _calls)
def test_nothing_keeps_itself_alive_or_awake_by_a_ring(previews: dict[str, Alone], calls: list[Call]) -> None:
    """Every end is somebody's own, and somebody who is awake by himself is at the beginning of every chain."""
    kept = keep_alive(previews, calls)
    own = {each for alone in previews.values() for each in (alone.end.capped, alone.end.cap)}
    assert {each.ends_at for each in kept.values()} <= own
    if all(alone.asleep for alone in previews.values()):
        assert not any(each.awake_by for each in kept.values())


@given(_previews, _calls)
def test_one_that_may_end_now_does_unless_a_caller_stays(previews: dict[str, Alone], calls: list[Call]) -> None:
    kept = keep_alive(previews, calls)

    def stays(key: str) -> bool:
        each = kept.get(key, Kept(previews[key].end.capped))
        return previews[key].due is None or previews[key].due != each.ends_at or each.needed

    for key, each in kept.items():
        at_its_age = each.ends_at == previews[key].end.cap
        called = any(stays(caller) for caller, callee in calls if callee == key != caller and caller in previews)
        assert each.needed == (called and not at_its_age)
