"""An end is announced long enough before it comes, and comes only if nothing newer is known."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from plugin.core.decision.parameters import parameters
from plugin.core.facts.acts import ActKind
from plugin.core.facts.found import Found
from plugin.core.facts.lives import Announcement, State
from plugin.core.life.announcing import announcement, comes_at, still
from plugin.core.life.case import Circumstances
from tests.builders import MONDAY
from tests.lives import DAY, DOUBTS, HOUR, Lived, asked, begun, trust, with_plan

MINUTE = timedelta(minutes=1)
PLAN = {"expire_after": "2d", "warn": "6h"}
END = MONDAY + 2 * DAY
WARN = 6 * HOUR


def announced(story: Lived) -> bool:
    return story.life().announced is not None


def test_an_end_is_announced_the_planned_time_before_it() -> None:
    story = begun(PLAN)

    assert not announced(story.step(42 * HOUR - MINUTE))
    assert announced(story.step(MINUTE))
    assert story.preview().verdict.reason == (
        'it has the label "preview". It ends at 2026-11-18T09:00:00Z unless somebody pushes a commit, or runs '
        "preview-plugin extend"
    )
    assert story.step(6 * HOUR - MINUTE).state() is State.ACTIVE
    assert story.step(MINUTE).state() is State.EXPIRED


def test_an_end_that_was_not_announced_in_time_comes_later() -> None:
    story = begun(PLAN)
    story.step(47 * HOUR)

    assert story.life().ends_at == END + 5 * HOUR
    assert parameters(story.preview(), story.catalog)["expires_at"] == "2026-11-18T14:00:00Z"
    assert story.step(5 * HOUR).state() is State.ACTIVE
    assert story.step(HOUR).state() is State.EXPIRED


def test_a_plan_shorter_than_its_warning_announces_the_end_at_once() -> None:
    """The catalog refuses that, but a .preview.yaml may wish for it."""
    story = begun(PLAN, config="{version: 1, lifecycle: {expire_after: 1h}}")

    assert story.life().ends_at == MONDAY + WARN
    assert story.step(WARN).state() is State.EXPIRED


def test_time_in_which_the_source_was_not_read_does_not_count() -> None:
    story = begun(PLAN)
    story.step(42 * HOUR)
    story.missed = {"acme/orders": 3 * HOUR}
    assert story.step(4 * HOUR).life().ends_at == END + 3 * HOUR

    story.missed = {}
    assert story.step(5 * HOUR - MINUTE).state() is State.ACTIVE
    assert story.step(MINUTE).state() is State.EXPIRED


def test_time_in_which_nothing_was_read_does_not_count_even_if_something_else_is_in_doubt_when_it_ends() -> None:
    story = begun(PLAN)
    story.step(42 * HOUR)
    story.missed = {"acme/orders": 5 * HOUR}
    story.found = Found(traffic_in_doubt=True)
    story.step(5 * HOUR + 10 * MINUTE)
    story.missed, story.found = {}, Found()

    assert story.step(5 * HOUR + 49 * MINUTE).state() is State.ACTIVE
    assert story.step(MINUTE).state() is State.EXPIRED


def test_time_that_does_not_count_may_become_known_only_when_the_end_has_come() -> None:
    story = begun(PLAN)
    story.step(42 * HOUR)
    story.missed = {"acme/orders": 3 * HOUR}

    assert story.step(6 * HOUR).state() is State.ACTIVE
    assert story.life().ends_at == END + 3 * HOUR


def test_time_that_was_missed_before_the_announcement_changes_nothing() -> None:
    story = begun(PLAN)
    story.missed = {"acme/orders": 30 * HOUR}
    story.step(40 * HOUR)
    story.missed = {}

    assert story.step(2 * HOUR).life().ends_at == END


def test_a_later_end_starts_over() -> None:
    story = begun(PLAN)
    assert announced(story.step(44 * HOUR))
    assert not announced(story.push())
    assert story.life().ends_at == MONDAY + 92 * HOUR


def test_an_earlier_end_is_announced_anew() -> None:
    story = begun(PLAN)
    assert announced(story.step(44 * HOUR))
    story.put(asked(config="{version: 1, lifecycle: {expire_after: 1h}}"))

    assert story.step().life().ends_at == story.now + WARN
    assert story.step(WARN - MINUTE).state() is State.ACTIVE
    assert story.step(MINUTE).state() is State.EXPIRED


def test_an_extension_before_the_end_prevents_it() -> None:
    story = begun(PLAN)
    story.step(47 * HOUR)
    story.act(ActKind.EXTEND, until=END + DAY)

    assert story.step(2 * HOUR).state() is State.ACTIVE
    assert story.life().ends_at == END + DAY


def test_an_end_waits_until_a_look_up_in_the_same_refresh_shows_nothing_newer() -> None:
    story = begun(PLAN)
    story.pass_time(47 * HOUR)
    story.confirms = False
    assert story.step(9 * HOUR).state() is State.ACTIVE

    story.confirms = True
    assert story.step().state() is State.EXPIRED


def test_what_the_look_up_has_not_shown_yet_counts_once_it_is_read() -> None:
    story = begun(PLAN)
    story.pass_time(47 * HOUR)
    story.confirms = False  # somebody has pushed
    story.step(2 * HOUR)
    story.confirms = True

    assert story.push().state() is State.ACTIVE
    assert story.life().ends_at == story.now + 2 * DAY


@pytest.mark.parametrize("doubt", DOUBTS.values(), ids=DOUBTS)
def test_nothing_ends_while_something_is_in_doubt(doubt: Callable[[Lived], None]) -> None:
    story = begun(PLAN)
    assert announced(story.step(42 * HOUR))
    doubt(story)
    assert story.pass_time(9 * DAY, 7 * HOUR).state() is State.ACTIVE
    assert story.life().ends_at == END

    trust(story)
    assert story.step().state() is State.EXPIRED


@pytest.mark.parametrize("doubt", DOUBTS.values(), ids=DOUBTS)
def test_nothing_is_announced_while_something_is_in_doubt(doubt: Callable[[Lived], None]) -> None:
    story = begun(PLAN)
    story.step(41 * HOUR)
    doubt(story)
    assert not announced(story.pass_time(9 * DAY, 7 * HOUR))

    trust(story)
    assert story.step().life().ends_at == story.now + WARN
    assert story.step(WARN - MINUTE).state() is State.ACTIVE
    assert story.step(MINUTE).state() is State.EXPIRED


def test_a_doubt_about_one_repository_stops_no_end_in_another() -> None:
    story = with_plan(PLAN, {"orders": {}, "shop": {}})
    story.now = MONDAY
    story.put(asked())
    story.put(asked(), "acme/shop")
    story.step(0 * HOUR)
    story.doubts = {"acme/shop": "no answer"}

    assert story.pass_time(3 * DAY).states == {"orders/1": "expired", "shop/1": "active"}


def test_the_newest_look_up_counts_even_if_nothing_else_has_changed() -> None:
    """What was judged before is not reused beside it."""
    assert Circumstances(MONDAY, MONDAY) != Circumstances(MONDAY, MONDAY, nothing_newer=frozenset({1}))
    assert Circumstances(MONDAY, MONDAY) == Circumstances(END, END)


def test_an_announcement_is_still_the_one_before_or_a_new_one() -> None:
    before, nothing = Announcement(END, MONDAY), timedelta(0)

    assert announcement(None, WARN, END) is None
    assert still(before, None, nothing) is still(None, END, nothing) is still(before, END + HOUR, nothing) is None
    assert still(before, END, nothing) is before
    assert still(before, END, HOUR) == Announcement(END, MONDAY + HOUR)
    assert comes_at(END, before, WARN) == END
    assert comes_at(END, Announcement(END, END), WARN) == END + WARN
