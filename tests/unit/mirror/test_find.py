"""What is asked beside pull requests, and what may end once the answers are there."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from plugin.core.config.references import Locator
from plugin.core.facts.model import Events, PullRequestState
from plugin.errors import NotReady
from tests.builders import MONDAY, SHA, catalog_text, make_look_up, make_pull_request
from tests.lives import DAY, NEXT
from tests.stage import Stage, make_stage
from tests.unit.mirror.scenario import held

PLAN = {"lifecycle": {"expire_after": "8h", "warn": "1h"}}
NUMBERS = range(1, 9)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
TRAFFIC = {"prometheus": "http://prometheus:9090", "query": "sum by (namespace) (requests)", "label": "namespace"}


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


@pytest.mark.parametrize("minutes", [11, 15, 25])
def test_readings_further_apart_than_what_counts_move_an_announced_end_each_time_and_it_comes(
    announced: Stage, minutes: int
) -> None:
    """Of each gap, ten minutes count, and an hour of them is needed. Between readings, an end comes at its moment."""
    began, moved, clock = announced.clock.now, [timedelta(0)], announced.clock
    while announced.answer() and len(moved) < 9:
        due, reading_at = announced.current().living.next_at, clock.now + minutes * MINUTE
        if due and due < reading_at:
            clock.now = due
            announced.refresh(only=())
        clock.now = reading_at
        announced.refresh()
        if announced.answer():
            ends_at = announced.known().lives["acme/orders"]["orders/1"].ends_at
            assert ends_at
            moved.append(ends_at - began - HOUR)

    each = (minutes - 10) * MINUTE
    assert [round(span / MINUTE) for span in moved] == [round(number * each / MINUTE) for number in range(len(moved))]
    assert len(moved) in (6, 7)


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


def test_an_end_does_not_come_under_an_old_listing_if_somebody_has_pushed(announced: Stage) -> None:
    """The listing still shows the old head, and the look-up by number shows another one."""
    one = Locator("acme/orders", 1)
    pushed_at = announced.clock.now + 50 * MINUTE
    announced.source.elsewhere[one] = replace(announced.source.elsewhere[one], head_sha=NEXT, updated_at=pushed_at)
    for _ in range(9):
        announced.clock.now += 9 * MINUTE
        announced.refresh()
    assert announced.answer() == ["preview-orders-1"]

    (known,) = (each for each in announced.source.listed["acme/orders"] if each.number == 1)
    announced.source.listed["acme/orders"] = [replace(known, head_sha=NEXT, updated_at=pushed_at)]
    announced.refresh()
    life = announced.known().lives["acme/orders"]["orders/1"]
    assert life.announced is None
    assert life.ends_at
    assert life.ends_at > announced.clock.now + 7 * HOUR


@pytest.mark.parametrize(
    "changes",
    [
        {"head_sha": NEXT},
        {"updated_at": MONDAY + 99 * DAY},
        {"settled": False},
        {"state": PullRequestState.CLOSED},
        {"updated_at": None},
    ],
    ids=["a push", "anything newer", "too young to be sure", "closed", "no time"],
)
def test_an_end_comes_only_if_the_look_up_shows_the_very_same(announced: Stage, changes: dict[str, Any]) -> None:
    for number in NUMBERS:
        locator = Locator("acme/orders", number)
        announced.source.elsewhere[locator] = replace(announced.source.elsewhere[locator], **changes)
    for _ in range(9):
        announced.clock.now += 9 * MINUTE
        announced.refresh()

    assert len(announced.answer()) == len(NUMBERS)


def test_an_end_waits_while_something_may_have_happened_that_was_not_read(announced: Stage) -> None:
    """A look-up by number has shown how new a pull request is, but not what people did with it."""
    listed = announced.source.listed["acme/orders"]
    announced.source.listed["acme/orders"] = [replace(each, title="New", settled=False) for each in listed]
    for _ in range(9):
        announced.clock.now += 9 * MINUTE
        announced.refresh()
    assert len(announced.answer()) == len(NUMBERS)

    announced.source.listed["acme/orders"] = [replace(each, title="Newer") for each in listed]
    announced.refresh()
    assert announced.answer() == []


def test_an_end_waits_for_a_look_up_that_fails(announced: Stage) -> None:
    answers, announced.source.elsewhere = announced.source.elsewhere, {}
    for _ in range(9):
        announced.clock.now += 9 * MINUTE
        announced.refresh()
    assert len(announced.answer()) == len(NUMBERS)

    announced.source.elsewhere = answers
    announced.refresh()
    assert announced.answer() == []


def test_a_source_that_was_down_for_hours_moves_every_announced_end(announced: Stage) -> None:
    listed, announced.source.listed = announced.source.listed, {}
    for _ in range(20):
        announced.clock.now += 9 * MINUTE
        announced.refresh()
    announced.source.listed = listed
    announced.refresh()
    assert len(announced.answer()) == len(NUMBERS)

    for _ in range(7):
        announced.clock.now += 9 * MINUTE
        announced.refresh()
    assert announced.answer() == []


def test_nothing_ends_while_our_clock_and_the_sources_differ(announced: Stage) -> None:
    announced.source.ahead = timedelta(minutes=2, seconds=1)
    for _ in range(99):
        announced.clock.now += 9 * MINUTE
        announced.refresh()
    assert len(announced.answer()) == len(NUMBERS)


def test_at_the_first_start_a_repository_whose_commits_cannot_be_read_counts_as_never_read(tmp_path: Path) -> None:
    """Nobody knows which of its previews are live, and none of them may be left out of the first answer."""
    stage = make_stage(tmp_path)
    stage.write_catalog({"orders": {"lifecycle": {"ready_when": {"image": True}}}, "payments": {}})
    stage.source.listed["acme/orders"] = [make_pull_request(1)]
    stage.source.newest = {}
    stage.refresh()
    with pytest.raises(NotReady, match="acme/orders"):
        stage.answer()

    stage.source.newest = {Locator("acme/orders", 1): (SHA,)}
    stage.registry.images = None
    stage.refresh()
    with pytest.raises(NotReady, match="acme/orders"):
        stage.answer()

    stage.registry.images = set()
    stage.refresh()
    assert stage.answer() == ["preview-orders-1"]  # it may have been live, so it does not wait
    stage.source.listed["acme/orders"].append(make_pull_request(2))
    stage.source.newest[Locator("acme/orders", 2)] = (SHA,)
    stage.refresh()
    assert stage.answer() == ["preview-orders-1"]


@pytest.mark.parametrize("meter", [None, frozenset({"preview-orders-1"})], ids=["down", "up"])
def test_prometheus_that_is_down_ends_nothing(announced: Stage, meter: frozenset[str] | None) -> None:
    text = catalog_text({"orders": PLAN, "payments": {}}, traffic=TRAFFIC)
    announced.path.write_text(text, "utf-8")
    announced.meter.namespaces = meter
    for _ in range(9):
        announced.clock.now += 9 * MINUTE
        announced.refresh()

    assert len(announced.answer()) == (len(NUMBERS) if meter is None else 1)
