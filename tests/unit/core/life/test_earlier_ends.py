"""An edit that would bring forward too many ends leaves them as they were until somebody acknowledges it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from plugin.core.config.catalog import Catalog
from plugin.core.config.threshold import Threshold
from plugin.core.facts.acts import ActKind
from plugin.core.facts.lives import State
from plugin.core.facts.model import Events
from tests.builders import MONDAY, make_catalog
from tests.lives import DAY, HOUR, Lived, asked, with_plan

WEEK: Mapping[str, Any] = {"expire_after": "7d", "warn": "4h"}
TYPO: Mapping[str, Any] = {"expire_after": "7h", "warn": "4h"}
MANY = 10
KEYS = [f"orders/{number}" for number in range(1, MANY + 1)]


def many(plan: Mapping[str, Any] = WEEK, **given: Any) -> Lived:
    """Ten pull requests, each pushed to two hours after the one before."""
    story = with_plan(plan)
    story.now = MONDAY
    for number in range(1, MANY + 1):
        story.put(asked(number, **given), "acme/orders")
        story.step(2 * HOUR)
        story.push(number, sha=f"{number:040x}")
    return story


def ends(story: Lived) -> list[Any]:
    return [story.life(key).ends_at for key in KEYS]


def ended(story: Lived) -> int:
    return list(story.states.values()).count("expired")


def test_a_typo_that_shortens_every_life_changes_no_end() -> None:
    story = many()
    before = ends(story)
    story.edit(TYPO)

    assert ends(story) == before
    held = story.current.known.ends
    assert held
    assert (held.catalog, held.count) == (story.catalog.fingerprint, MANY)
    assert story.current.known.hold is None
    story.restart()
    assert ended(story.pass_time(6 * DAY)) == 0


def test_what_the_plan_before_ends_still_ends() -> None:
    """The breaker is never the reason why a rightful end waits for a person."""
    story = many()
    story.edit(TYPO)

    assert ended(story.pass_time(9 * DAY)) == MANY


def test_once_it_is_acknowledged_ends_are_announced_anew_from_then_on() -> None:
    story = many()
    story.edit(TYPO)
    story.step(3 * DAY)
    story.acknowledge()
    story.step(HOUR)

    assert story.current.known.ends is None
    assert set(ends(story)) == {story.now + 4 * HOUR}
    assert ended(story.step(3 * HOUR)) == 0
    assert ended(story.step(HOUR)) == MANY


def test_undoing_it_undoes_it() -> None:
    story = many()
    before = ends(story)
    story.edit(TYPO)
    story.step(HOUR)
    story.edit(WEEK)

    assert story.current.known.ends is None
    assert ends(story) == before


def test_another_edit_on_top_is_compared_with_what_people_agreed_to() -> None:
    story = many()
    before = ends(story)
    story.edit(TYPO)
    story.catalog = make_catalog({"orders": {"port": 9}}, defaults={"lifecycle": TYPO})
    story.step(HOUR)

    assert ends(story) == before
    assert story.current.known.ends
    assert story.current.known.ends.catalog == story.catalog.fingerprint


def test_activity_still_counts_by_the_later_plan() -> None:
    story = many()
    story.edit(TYPO)
    story.now += HOUR

    story.push(3, sha="f" * 40)
    assert story.life("orders/3").ends_at == story.now + 7 * DAY


def test_an_edit_that_moves_few_ends_needs_nobody() -> None:
    story = with_plan(dict(WEEK), {"orders": {}, "shop": {}})
    story.now = MONDAY
    for number in range(1, MANY + 1):
        story.put(asked(number))
        story.put(asked(number), "acme/shop")
    story.step()
    story.remove(1)
    for number in range(6, MANY + 1):
        story.remove(number)
    story.catalog = make_catalog(
        {"orders": {"lifecycle": TYPO}, "shop": {}}, defaults={"lifecycle": dict(WEEK)}
    )  # four of fourteen
    story.step(HOUR)

    assert story.current.known.ends is None
    assert story.life("orders/2").ends_at == MONDAY + 7 * HOUR


def test_ends_that_come_later_or_stay_need_nobody() -> None:
    for plan in ({**WEEK, "expire_after": "30d"}, {}, {"pause_after": "2h"}, {**WEEK, "max_age": "90d"}):
        assert many().edit(plan).current.known.ends is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"pause_after": "30d"}, {"max_age": "9h"}),
        ({"expire_after": "30d", "max_age": "30d"}, {"expire_after": "30d", "max_age": "1d"}),
        ({"expire_after": "5h", "keep": "keep"}, {"expire_after": "5h"}),
        ({"expire_after": "5h", "keep": "keep"}, {"expire_after": "5h", "keep": "kept"}),
    ],
    ids=["a first end", "a maximum age", "no label that keeps", "another label that keeps"],
)
def test_every_part_of_a_plan_can_bring_ends_forward(before: dict[str, str], after: dict[str, str]) -> None:
    story = many(before, labels=("preview", "keep"))
    known = ends(story)

    assert story.edit(after).current.known.ends
    assert ends(story.step(DAY)) == known
    assert ended(story.pass_time(3 * DAY)) == 0


def test_an_edit_of_the_labels_that_ask_can_bring_ends_forward() -> None:
    """Without required labels, an age begins when the pull request is opened."""
    story = many({"max_age": "30d"}, events=Events(MONDAY - 90 * DAY, {"preview": MONDAY}))
    before = ends(story)
    story.edit({"max_age": "30d"}, {"orders": {"labels": {"require": []}}})

    assert story.current.known.ends
    assert ends(story) == before == [MONDAY + 30 * DAY] * MANY
    assert ended(story.pass_time(9 * DAY, 6 * HOUR)) == 0
    story.acknowledge()
    assert set(ends(story.step())) == {story.now + 4 * HOUR}


# Callers

CALLEES = "abcdefghij"


def with_a_caller(plan: Mapping[str, str], calls: str = CALLEES) -> Catalog:
    """Shop calls ten services, whose previews would end after six hours by themselves."""
    services: dict[str, dict[str, Any]] = {name: {} for name in CALLEES}
    services["shop"] = {"depends_on": list(calls), "lifecycle": plan}
    return make_catalog(services, defaults={"lifecycle": {"expire_after": "6h"}})


def called(story: Lived) -> set[Any]:
    return {story.life(f"{name}/1").ends_at for name in CALLEES}


def calling() -> Lived:
    """A preview of each of them, kept alive for a month by one of shop."""
    story = Lived(with_a_caller({"expire_after": "30d"}), MONDAY - DAY).step()
    story.now = MONDAY
    for name in CALLEES:
        story.put(asked(), f"acme/{name}")
    links = ", ".join(f"{name}: pr:1" for name in CALLEES)
    story.put(asked(7, config=f"{{version: 1, dependencies: {{{links}}}}}"), "acme/shop")
    story.step()
    assert called(story.step()) == {MONDAY + 30 * DAY}
    return story


@pytest.mark.parametrize(
    "edited",
    [with_a_caller({"expire_after": "12h"}), with_a_caller({"expire_after": "30d"}, calls="")],
    ids=["its caller ends earlier", "it is no longer called"],
)
def test_an_edit_of_one_caller_can_bring_forward_the_ends_of_all_whom_it_calls(edited: Catalog) -> None:
    """The plans of ten services stay as they are, and one edit out of eleven is below the threshold."""
    story = calling()
    story.catalog = edited
    story.step(HOUR)
    assert story.current.known.ends
    assert story.current.known.ends.count >= MANY
    for _ in range(3):
        assert called(story.step(DAY)) == {MONDAY + 30 * DAY}
    story.restart()
    assert called(story.step(DAY)) == {MONDAY + 30 * DAY}

    story.acknowledge()
    assert called(story.step()) == {story.now + 4 * HOUR}


def test_a_link_that_a_developer_takes_away_is_no_edit() -> None:
    story = calling()
    story.put(asked(7), "acme/shop")
    story.catalog = make_catalog(
        {name: {"port": 9} for name in CALLEES} | {"shop": {"depends_on": list(CALLEES)}},
        defaults={"lifecycle": {"expire_after": "6h"}},
    )
    story.threshold = Threshold(1, 1)
    story.step(HOUR)

    assert story.current.known.ends is None


# What may not release it


def test_another_version_of_the_program_does_not_release_it(monkeypatch: pytest.MonkeyPatch) -> None:
    story = many()
    before = ends(story)
    story.edit(TYPO)
    monkeypatch.setattr("plugin.core.config.catalog.__version__", "99.0")
    story.catalog = make_catalog({"orders": {}}, defaults={"lifecycle": dict(TYPO)})
    story.current = replace(story.current, known=replace(story.current.known, catalog=story.catalog))
    story.restart()

    assert ends(story.step(HOUR)) == before
    held = story.current.known.ends
    assert held
    assert held.catalog == story.catalog.fingerprint


def test_a_catalog_that_the_state_has_lost_does_not_release_it() -> None:
    story = many()
    before = ends(story)
    story.edit(TYPO)
    story.current = replace(story.current, known=replace(story.current.known, catalog=None))
    story.restart()

    assert ends(story.step(HOUR)) == before


def test_an_acknowledgement_of_another_catalog_does_not_release_it() -> None:
    story = many()
    story.acknowledge()
    before = ends(story)
    story.edit(TYPO)

    assert ends(story.step(HOUR)) == before


def test_what_is_asked_for_meanwhile_has_the_later_end_too() -> None:
    story = many()
    story.edit(TYPO)
    story.put(asked(11, story.now))

    assert story.step().life("orders/11").ends_at == story.now + 7 * DAY
    assert story.state("orders/11") is State.ACTIVE


def test_people_can_extend_meanwhile() -> None:
    story = many()
    story.edit(TYPO)
    story.now += HOUR
    story.act(ActKind.EXTEND, until=story.now + 20 * DAY)

    assert story.step().life("orders/1").ends_at == story.now + 20 * DAY
