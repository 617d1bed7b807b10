from datetime import timedelta

import pytest

from plugin.core.config.references import Locator
from plugin.core.facts.model import Events
from tests.builders import SHA, make_look_up, make_pull_request
from tests.stage import Stage
from tests.unit.mirror.scenario import held

PLAN = {"lifecycle": {"expire_after": "8h", "warn": "1h"}}
NUMBERS = range(1, 9)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def announced(stage: Stage) -> Stage:
    """Previews whose ends were announced just now, an hour before they come; nothing happens to the pull requests."""
    stage.write_catalog({"orders": PLAN, "payments": {}})
    now = stage.clock.now
    given = {"updated_at": now, "events": Events(now, {"preview": now})}
    stage.source.listed["acme/orders"] = [make_pull_request(number, **given) for number in NUMBERS]
    confirmed = make_look_up("open", head_sha=SHA, updated_at=now, labels=frozenset({"preview"}))
    stage.source.elsewhere = {Locator("acme/orders", number): confirmed for number in NUMBERS}
    stage.refresh()
    stage.clock.now += 7 * HOUR
    stage.refresh()
    assert len(stage.answer()) == len(NUMBERS)
    assert all(life.announced for life in stage.known().lives["acme/orders"].values())
    return stage


def test_an_announced_end_comes_once_a_look_up_shows_nothing_newer(announced: Stage) -> None:
    for _ in range(7):
        announced.clock.now += 9 * MINUTE
        announced.refresh()

    assert announced.source.looked_up == [Locator("acme/orders", number) for number in NUMBERS]
    assert announced.answer() == []


def test_no_end_comes_in_a_decision_without_a_reading_if_the_last_one_is_long_ago(announced: Stage) -> None:
    announced.clock.now += 3 * HOUR
    announced.refresh(only=())

    assert announced.source.looked_up == []
    # The next reading tells that most of this time does not count.
    announced.refresh()
    assert len(announced.answer()) == len(NUMBERS)


def test_an_end_comes_in_a_decision_without_a_reading_shortly_after_one(announced: Stage) -> None:
    for _ in range(6):
        announced.clock.now += 9 * MINUTE
        announced.refresh()
    announced.clock.now += 8 * MINUTE
    announced.refresh(only=())

    assert announced.source.looked_up == [Locator("acme/orders", number) for number in NUMBERS]
    assert announced.answer() == []


def test_time_in_which_the_breaker_held_the_answer_does_not_count(announced: Stage) -> None:
    announced.write_catalog({"payments": {}})
    for _ in range(20):
        announced.clock.now += 9 * MINUTE
        announced.refresh()
    assert len(held(announced)) == len(NUMBERS)
    announced.write_catalog({"orders": PLAN, "payments": {}})
    announced.refresh()
    assert len(announced.answer()) == len(NUMBERS)

    for _ in range(7):
        announced.clock.now += 9 * MINUTE
        announced.refresh()
    assert announced.answer() == []
