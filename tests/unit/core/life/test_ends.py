"""When a live preview ends if nobody does anything."""

from datetime import timedelta

import pytest

from plugin.core.decision.parameters import parameters
from plugin.core.facts.acts import ActKind
from plugin.core.facts.lives import State
from plugin.core.facts.model import Events
from plugin.core.life.ends import End, later, latest_end, sooner
from tests.builders import MONDAY
from tests.lives import DAY, HOUR, asked, begun, with_plan

EARLY, LATE = MONDAY, MONDAY + HOUR


def test_it_ends_the_planned_time_after_the_newest_activity() -> None:
    story = begun({"expire_after": "7d"})
    assert story.life().ends_at == MONDAY + 7 * DAY

    story.now += DAY
    assert story.push().life().ends_at == MONDAY + 8 * DAY


def test_its_end_is_what_templates_get() -> None:
    story = begun({"expire_after": "7d"})

    assert parameters(story.preview(), story.catalog)["expires_at"] == "2026-11-23T09:00:00Z"
    assert parameters(begun({"pause_after": "7d"}).preview(), story.catalog)["expires_at"] == ""


def test_an_end_counts_over_a_pause() -> None:
    story = begun({"pause_after": "1h", "expire_after": "2d"})

    assert story.pass_time(DAY).state() is State.PAUSED
    assert story.life().ends_at == MONDAY + 2 * DAY
    assert story.pass_time(DAY).state() is State.EXPIRED


def test_an_extension_makes_it_end_no_earlier_than_it_says() -> None:
    story = begun({"expire_after": "2d"})
    story.step(DAY)
    story.act(ActKind.EXTEND, until=MONDAY + 5 * DAY)
    assert story.step().life().ends_at == MONDAY + 5 * DAY

    story.now = MONDAY + 4 * DAY
    assert story.push().life().ends_at == MONDAY + 6 * DAY  # a push gives more


def test_an_extension_never_shortens() -> None:
    story = begun({"expire_after": "7d"})
    story.act(ActKind.EXTEND, until=MONDAY + DAY)

    assert story.step(HOUR).life().ends_at == MONDAY + 7 * DAY


def test_no_extension_and_no_activity_goes_beyond_the_maximum_age() -> None:
    story = begun({"expire_after": "7d", "max_age": "9d"})
    story.act(ActKind.EXTEND, until=MONDAY + 30 * DAY)
    assert story.step(HOUR).life().ends_at == MONDAY + 9 * DAY

    story.now = MONDAY + 8 * DAY
    assert story.push().life().ends_at == MONDAY + 9 * DAY


def test_the_maximum_age_counts_from_when_it_was_asked_for_not_from_when_it_was_opened_or_admitted() -> None:
    story = begun({"max_age": "9d"}, events=Events(MONDAY - 30 * DAY, {"preview": MONDAY - DAY}))

    assert story.life().ends_at == MONDAY + 8 * DAY


@pytest.mark.parametrize("plan", [{"expire_after": "1d"}, {"max_age": "1d"}, {"expire_after": "1d", "max_age": "9d"}])
def test_asking_again_starts_a_new_age(plan: dict[str, str]) -> None:
    story = begun(plan)
    story.step(21 * HOUR)
    asked_again = story.now
    story.act(ActKind.ASK)
    end = story.step().life().ends_at

    assert end == asked_again + DAY


def test_an_extension_of_an_earlier_age_is_void() -> None:
    story = begun({"expire_after": "1d"})
    story.step(HOUR)
    story.act(ActKind.EXTEND, until=MONDAY + 9 * DAY)
    story.step()
    story.act(ActKind.ASK)
    story.now += HOUR

    assert story.step().life().ends_at == MONDAY + DAY + HOUR


def test_with_the_label_that_keeps_only_its_age_ends_it() -> None:
    plan = {"expire_after": "1d", "max_age": "9d", "keep": "KEEP"}

    assert begun(plan, labels=("preview", "keep")).life().ends_at == MONDAY + 9 * DAY
    assert begun(plan, labels=("preview",)).life().ends_at == MONDAY + DAY
    del plan["max_age"]
    story = begun(plan, labels=("preview", "Keep"))
    assert story.pass_time(9 * DAY, 6 * HOUR).state() is State.ACTIVE
    assert story.life().ends_at is None


def test_a_preview_config_can_only_make_it_end_sooner() -> None:
    plan = {"expire_after": "7d", "max_age": "30d"}

    assert begun(plan, config="{version: 1, lifecycle: {expire_after: 1d}}").life().ends_at == MONDAY + DAY
    assert begun(plan, config="{version: 1, lifecycle: {expire_after: 20d}}").life().ends_at == MONDAY + 7 * DAY
    planned = begun({"pause_after": "2h"}, config="{version: 1, lifecycle: {expire_after: 1d}}")
    assert planned.life().ends_at == MONDAY + DAY


def test_what_is_not_live_has_no_end() -> None:
    story = with_plan({"expire_after": "7d", "ready_when": {"check": "ci"}})
    story.now = MONDAY
    story.put(asked())

    assert story.step().life().ends_at is None


def test_never_is_later_than_any_end() -> None:
    assert (later(None, EARLY), later(EARLY, None), later(EARLY, LATE)) == (None, None, LATE)
    assert (sooner(None, EARLY), sooner(EARLY, None), sooner(EARLY, LATE)) == (EARLY, EARLY, EARLY)
    assert sooner(None, None) is None
    assert End(LATE, EARLY).capped == EARLY
    assert latest_end(End(EARLY, LATE), End(None, LATE + timedelta(hours=1))) == End(None, LATE + timedelta(hours=1))
