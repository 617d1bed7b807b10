"""A preview sleeps when nobody uses it, outside working hours, or when a person says so, and nothing of it is lost."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from plugin.core.decision.parameters import parameters
from plugin.core.facts.acts import ActKind
from plugin.core.facts.lives import State
from tests.builders import MONDAY
from tests.lives import DAY, DOUBTS, HOUR, Lived, asked, begun, trust, with_plan

MINUTE = timedelta(minutes=1)
FRIDAY = MONDAY + 4 * DAY
BERLIN = {"hours": "Mon-Fri 07:00-20:00 Europe/Berlin"}  # 06:00 to 19:00 UTC


def test_it_sleeps_once_nobody_has_used_it_for_the_time_of_the_plan() -> None:
    story = begun({"pause_after": "12h"})

    assert story.state() is State.ACTIVE
    assert story.step(12 * HOUR - timedelta(seconds=1)).state() is State.ACTIVE
    assert story.step(timedelta(seconds=1)).state() is State.PAUSED
    assert story.preview().verdict.reason == (
        "nobody has used it since 2026-11-16T09:00:00Z. To wake it, push a commit, or run preview-plugin resume"
    )


def test_a_pause_keeps_everything_but_the_replicas() -> None:
    story = begun({"pause_after": "12h"})
    awake = parameters(story.preview(), story.catalog)
    asleep = parameters(story.step(DAY).preview(), story.catalog)

    assert (awake["replicas"], asleep["replicas"]) == ("1", "0")
    assert {key for key in awake if awake[key] != asleep[key]} == {"replicas", "state", "state_reason"}


def test_activity_wakes_it() -> None:
    story = begun({"pause_after": "12h"})

    assert story.step(DAY).state() is State.PAUSED
    assert story.push().state() is State.ACTIVE
    assert story.step(12 * HOUR).state() is State.PAUSED


def test_resuming_wakes_it_for_the_time_of_the_plan() -> None:
    story = begun({"pause_after": "12h"})
    story.step(DAY)
    story.act(ActKind.RESUME)

    assert story.step().state() is State.ACTIVE
    assert story.step(12 * HOUR - MINUTE).state() is State.ACTIVE
    assert story.step(MINUTE).state() is State.PAUSED


def test_a_preview_config_can_only_make_it_sleep_sooner() -> None:
    sooner = begun({"pause_after": "12h"}, config="{version: 1, lifecycle: {pause_after: 1h}}")
    later = begun({"pause_after": "12h"}, config="{version: 1, lifecycle: {pause_after: 9d}}")
    planned = begun({"expire_after": "9d"}, config="{version: 1, lifecycle: {pause_after: 1h}}")

    assert [story.step(HOUR).state() for story in (sooner, later, planned)] == ["paused", "active", "paused"]
    assert later.step(11 * HOUR).state() is State.PAUSED


# Working hours


def test_outside_working_hours_it_sleeps_until_they_begin() -> None:
    story = begun(BERLIN)

    assert story.step(10 * HOUR - MINUTE).state() is State.ACTIVE
    assert story.step(MINUTE).state() is State.PAUSED
    assert story.preview().verdict.reason.startswith(
        "it is outside Mon-Fri 07:00-20:00 Europe/Berlin, until 2026-11-17T06:0"
    )
    assert story.step(11 * HOUR - MINUTE).state() is State.PAUSED
    assert story.step(11 * MINUTE).state() is State.ACTIVE


def test_mornings_are_spread_over_ten_minutes_by_name() -> None:
    story = with_plan(BERLIN)
    story.now = MONDAY
    for number in range(1, 41):
        story.put(asked(number))
    story.step()
    story.step(15 * HOUR)
    awake = []
    story.now = datetime(2026, 11, 17, 6, tzinfo=UTC) - MINUTE
    for _ in range(12):
        story.step(MINUTE)
        awake.append(list(story.states.values()).count("active"))

    assert awake[0] <= 1
    assert awake == sorted(awake)
    assert max(now - before for before, now in pairwise(awake)) <= 12
    assert awake[10:] == [40, 40]


def test_any_activity_keeps_it_awake_for_a_while_outside_working_hours() -> None:
    story = begun(BERLIN | {"awake": "3h"})
    story.step(12 * HOUR)

    assert story.push().state() is State.ACTIVE
    assert story.step(3 * HOUR - MINUTE).state() is State.ACTIVE
    assert story.step(MINUTE).state() is State.PAUSED

    story.act(ActKind.RESUME)
    assert story.step().state() is State.ACTIVE
    assert story.step(3 * HOUR).state() is State.PAUSED


def test_one_that_was_idle_over_the_weekend_sleeps_on_when_working_hours_begin() -> None:
    story = with_plan(BERLIN | {"pause_after": "24h"})
    story.now = FRIDAY
    story.put(asked(at=FRIDAY))

    assert story.step().pass_time(4 * DAY).state() is State.PAUSED
    assert story.preview().verdict.reason.startswith("nobody has used it since 2026-11-20T09:00:00Z.")


def test_it_says_what_keeps_it_asleep_as_soon_as_that_changes() -> None:
    """It is idle from 02:00 on, so it no longer promises to wake up in the morning."""
    story = begun(BERLIN | {"pause_after": "17h"})

    assert "until 2026-11-17T06:0" in story.step(11 * HOUR).preview().verdict.reason
    assert story.current.living.next_at == MONDAY + 17 * HOUR
    assert story.step(6 * HOUR).preview().verdict.reason.startswith("nobody has used it since")


# By a person


def test_a_person_pauses_it_until_somebody_does_something_with_it() -> None:
    story = begun({"expire_after": "9d"})
    story.now += MINUTE
    story.act(ActKind.PAUSE, by="grace")

    assert story.step().state() is State.PAUSED
    assert story.preview().verdict.reason == (
        "grace paused it at 2026-11-16T09:01:00Z. To wake it, push a commit, or run preview-plugin resume"
    )
    assert story.step(HOUR).state() is State.PAUSED
    assert story.push().state() is State.ACTIVE


def test_a_pause_by_a_person_wins_over_working_hours_and_over_the_label_that_keeps() -> None:
    story = begun(BERLIN | {"keep": "keep"}, labels=("preview", "keep"))
    story.now += MINUTE
    story.act(ActKind.PAUSE)

    assert story.step().state() is State.PAUSED
    assert story.step(DAY).state() is State.PAUSED


def test_what_was_said_about_an_earlier_age_is_void() -> None:
    story = begun({"pause_after": "9d"})
    story.step(HOUR)
    story.act(ActKind.PAUSE)
    assert story.step().state() is State.PAUSED

    again = story.now + HOUR
    story.put(asked(at=again, head_seen_at=MONDAY))
    assert story.step(2 * HOUR).state() is State.ACTIVE


def test_what_was_said_about_another_preview_means_nothing_to_this_one() -> None:
    story = with_plan({"pause_after": "9d"})
    story.now = MONDAY
    story.put(asked(1))
    story.put(asked(2))
    story.step()
    story.step(HOUR)
    story.act(ActKind.PAUSE, "orders/2")

    assert story.step().states == {"orders/1": "active", "orders/2": "paused"}


# The label that keeps


def test_with_the_label_that_keeps_it_never_sleeps_by_itself() -> None:
    story = begun(BERLIN | {"pause_after": "2h", "keep": "Keep"}, labels=("preview", "keep"))

    assert story.pass_time(9 * DAY, 7 * HOUR).state() is State.ACTIVE


# While something is in doubt


@pytest.mark.parametrize("doubt", DOUBTS.values(), ids=DOUBTS)
def test_what_is_awake_stays_awake_while_something_is_in_doubt(doubt: Callable[[Lived], None]) -> None:
    story = begun(BERLIN | {"pause_after": "2h"})
    doubt(story)

    assert story.pass_time(2 * DAY).state() is State.ACTIVE
    trust(story)
    assert story.step().state() is State.PAUSED


@pytest.mark.parametrize("doubt", DOUBTS.values(), ids=DOUBTS)
def test_what_sleeps_stays_asleep_while_something_is_in_doubt_and_says_the_same(doubt: Callable[[Lived], None]) -> None:
    """Even if its end was announced: then the reason has two parts."""
    story = begun(BERLIN | {"expire_after": "17h", "warn": "4h"})
    asleep = story.step(14 * HOUR).preview().verdict
    assert asleep.state is State.PAUSED
    assert "It ends at" in asleep.reason
    doubt(story)

    for _ in range(5):
        assert story.step(5 * HOUR).preview().verdict == asleep
    trust(story)
    assert story.step().state() is State.EXPIRED


@pytest.mark.parametrize("doubt", [each for name, each in DOUBTS.items() if name in ("the clock", "traffic")])
def test_what_somebody_does_still_wakes_it_while_time_does_not_count(doubt: Callable[[Lived], None]) -> None:
    story = begun({"pause_after": "2h"})
    assert story.step(3 * HOUR).state() is State.PAUSED
    doubt(story)
    story.now += HOUR

    assert story.push().state() is State.ACTIVE


@pytest.mark.parametrize("doubt", DOUBTS.values(), ids=DOUBTS)
def test_a_person_pauses_and_resumes_whatever_is_in_doubt(doubt: Callable[[Lived], None]) -> None:
    story = begun({"pause_after": "2h"})
    doubt(story)
    story.now += HOUR
    story.act(ActKind.PAUSE)
    assert story.step().state() is State.PAUSED

    story.now += HOUR
    story.act(ActKind.RESUME)
    assert story.step().state() is State.ACTIVE
