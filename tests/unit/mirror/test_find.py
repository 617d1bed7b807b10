from datetime import timedelta

import pytest

from plugin.core.config.references import Locator
from plugin.core.facts.model import Events
from tests.builders import SHA, make_look_up, make_pull_request
from tests.stage import Stage

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def announced(stage: Stage) -> Stage:
    """A preview whose end was announced just now, an hour before it comes; nothing happens to its pull request."""
    stage.write_catalog({"orders": {"lifecycle": {"expire_after": "8h", "warn": "1h"}}, "payments": {}})
    now = stage.clock.now
    given = {"updated_at": now, "events": Events(now, {"preview": now})}
    stage.source.listed["acme/orders"] = [make_pull_request(**given)]
    confirmed = make_look_up("open", head_sha=SHA, updated_at=now, labels=frozenset({"preview"}))
    stage.source.elsewhere = {Locator("acme/orders", 1): confirmed}
    stage.refresh()
    stage.clock.now += 7 * HOUR
    stage.refresh()
    assert stage.answer() == ["preview-orders-1"]
    assert stage.known().lives["acme/orders"]["orders/1"].announced
    return stage


def test_an_announced_end_comes_once_a_look_up_shows_nothing_newer(announced: Stage) -> None:
    for _ in range(7):
        announced.clock.now += 9 * MINUTE
        announced.refresh()

    assert announced.source.looked_up == [Locator("acme/orders", 1)]
    assert announced.answer() == []


def test_no_end_comes_in_a_decision_without_a_reading_if_the_last_one_is_long_ago(announced: Stage) -> None:
    announced.clock.now += 3 * HOUR
    announced.refresh(only=())

    assert announced.source.looked_up == []
    # The next reading tells that most of this time does not count.
    announced.refresh()
    assert announced.answer() == ["preview-orders-1"]


def test_an_end_comes_in_a_decision_without_a_reading_shortly_after_one(announced: Stage) -> None:
    for _ in range(6):
        announced.clock.now += 9 * MINUTE
        announced.refresh()
    announced.clock.now += 8 * MINUTE
    announced.refresh(only=())

    assert announced.source.looked_up == [Locator("acme/orders", 1)]
    assert announced.answer() == []
