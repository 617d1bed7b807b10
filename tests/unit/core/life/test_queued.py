"""Limits keep new pull requests waiting, and never take a preview away."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.config.lifecycle import Limits
from plugin.core.config.references import Locator
from plugin.core.facts.lives import State
from plugin.core.life.queued import Places, Request, queue, ration
from tests.builders import MONDAY, make_catalog
from tests.lives import DAY, HOUR, Lived, asked, lived

BOTH: dict[str, dict[str, Any]] = {"orders": {}, "worker": {"repository": "acme/orders"}, "shop": {}}


def limited(**limits: int) -> Lived:
    story = lived(BOTH, limits=limits)
    story.now = MONDAY
    return story


def states(story: Lived, service: str = "orders") -> dict[int, str]:
    return {int(key.partition("/")[2]): state for key, state in story.states.items() if key.startswith(service)}


def test_those_who_asked_first_are_admitted_first() -> None:
    story = limited(total=2)
    story.put(asked(1, MONDAY))
    story.put(asked(2, MONDAY - HOUR))
    story.put(asked(3, MONDAY - DAY))

    assert states(story.step()) == {1: "queued", 2: "active", 3: "active"}


def test_requests_of_one_moment_go_by_repository_and_number() -> None:
    story = limited(total=2)
    for number in (3, 2):
        story.put(asked(number))
        story.put(asked(number), "acme/shop")

    assert states(story.step()) == {2: "active", 3: "active"}
    assert states(story, "shop") == {2: "queued", 3: "queued"}


def test_a_pull_request_is_admitted_whole() -> None:
    story = limited(total=1)
    story.put(asked(1))

    assert story.step().states == {"orders/1": "active", "worker/1": "active"}


def test_one_admitted_service_admits_all() -> None:
    """The second service asks for another label, which comes later, when there is no room."""
    services = BOTH | {"worker": {"repository": "acme/orders", "labels": {"require": ["worker"]}}}
    story = lived(services, limits={"total": 1})
    story.now = MONDAY
    story.put(asked(1))
    story.put(asked(2, MONDAY + HOUR))
    assert story.step().states == {"orders/1": "active", "orders/2": "queued"}

    story.put(asked(1, labels=("preview", "worker")))
    assert story.step(2 * HOUR).states == {"orders/1": "active", "orders/2": "queued", "worker/1": "active"}


def test_who_is_in_the_last_answer_stays_when_a_limit_is_lowered_even_paused() -> None:
    plan = {"lifecycle": {"pause_after": "2h"}}
    story = lived(BOTH, limits={"total": 9}, defaults=plan)
    story.now = MONDAY
    for number in range(1, 4):
        story.put(asked(number))
    assert states(story.step(3 * HOUR)) == dict.fromkeys((1, 2, 3), "active")
    story.step(3 * HOUR)

    story.catalog = make_catalog(BOTH, limits={"total": 1}, defaults=plan)
    story.put(asked(4, story.now))
    assert states(story.step()) == {1: "paused", 2: "paused", 3: "paused", 4: "queued"}
    story.remove(1)
    story.remove(2)
    assert states(story.step()) == {3: "paused", 4: "queued"}
    story.remove(3)
    assert states(story.step()) == {4: "active"}


def test_one_that_only_its_own_limit_blocks_is_passed_over() -> None:
    story = limited(total=3, per_author=1)
    story.put(asked(1, MONDAY - 3 * HOUR, author="ada"))
    story.put(asked(2, MONDAY - 2 * HOUR, author="Ada"))
    story.put(asked(3, MONDAY - 1 * HOUR, author="grace"))

    assert states(story.step()) == {1: "active", 2: "queued", 3: "active"}


def test_each_repository_has_its_own_limit() -> None:
    story = limited(per_repository=1)
    for number in (1, 2):
        story.put(asked(number))
        story.put(asked(number), "acme/shop")

    assert states(story.step()) == {1: "active", 2: "queued"}
    assert states(story, "shop") == {1: "active", 2: "queued"}


def test_each_bot_has_its_own_limit_and_that_of_people_does_not_concern_it() -> None:
    story = limited(per_author=1, per_bot=2)
    for number, author in enumerate(["renovate[bot]"] * 3 + ["dependabot[bot]", "ada", "ada"], 1):
        story.put(asked(number, author=author))

    assert states(story.step()) == {1: "active", 2: "active", 3: "queued", 4: "active", 5: "active", 6: "queued"}


def test_the_limit_of_bots_does_not_concern_people() -> None:
    story = limited(per_bot=0)
    story.put(asked(1, author="ada"))
    story.put(asked(2, author="renovate[bot]"))

    assert states(story.step()) == {1: "active", 2: "queued"}


@pytest.mark.parametrize(
    ("limits", "author", "reason"),
    [
        ({"total": 2}, "ada", "only 2 pull requests may have previews at a time (limits.total in the catalog)"),
        (
            {"per_repository": 1},
            "ada",
            "only 1 pull request of acme/orders may have previews at a time (limits.per_repository in the catalog)",
        ),
        (
            {"per_author": 1, "per_bot": 9},
            "ada",
            "only 1 pull request of ada may have previews at a time (limits.per_author in the catalog)",
        ),
        (
            {"per_bot": 1, "per_author": 9},
            "renovate[bot]",
            "only 1 pull request of renovate[bot] may have previews at a time (limits.per_bot in the catalog)",
        ),
    ],
)
def test_the_reason_says_which_limit_and_not_which_place(limits: dict[str, int], author: str, reason: str) -> None:
    story = limited(**limits)
    for number in range(1, 6):
        story.put(asked(number, author=author))
    story.step()

    once = "that one is" if reason.startswith("only 1 ") else "one of them is"
    queued = {preview.verdict.reason for preview in story.current.previews if preview.verdict.state is State.QUEUED}
    assert queued == {f"{reason}. It starts by itself once {once} closed or ends"}


def test_a_limit_of_zero_does_not_promise_that_it_starts_by_itself() -> None:
    story = limited(per_bot=0)
    story.put(asked(1, author="renovate[bot]"))

    assert story.step().preview().verdict.reason == (
        "pull requests of renovate[bot] get no previews (limits.per_bot is 0 in the catalog). Ask the platform team to "
        "raise it"
    )


def test_what_waits_for_its_image_or_has_expired_takes_no_place() -> None:
    plan = {"lifecycle": {"ready_when": {"check": "ci"}, "max_age": "9d"}}
    story = lived(BOTH, limits={"total": 1}, defaults=plan)
    story.now = MONDAY
    story.put(asked(1, MONDAY - HOUR, head_sha="a" * 40))
    story.put(asked(2, MONDAY - 99 * DAY))
    story.put(asked(3, head_sha="c" * 40))
    story.ready = {("orders", "c" * 40): True, ("worker", "c" * 40): True}

    assert states(story.step()) == {1: "waiting", 2: "expired", 3: "active"}
    story.ready |= {("orders", "a" * 40): True, ("worker", "a" * 40): True}
    assert states(story.step()) == {1: "queued", 2: "expired", 3: "active"}


def test_after_a_queue_longer_than_its_life_a_preview_lives_as_long_as_any_other() -> None:
    """Its place becomes free in another repository, so nothing else about it has changed for days."""
    story = lived(BOTH, limits={"total": 1}, defaults={"lifecycle": {"expire_after": "2d", "keep": "keep"}})
    story.now = MONDAY
    story.put(asked(1, labels=("preview", "keep")), "acme/shop")
    story.step()
    story.put(asked(1))
    assert story.step(HOUR).pass_time(9 * DAY, 7 * HOUR).state("orders/1") is State.QUEUED

    story.remove(1, "acme/shop")
    assert story.step(HOUR).state("orders/1") is State.ACTIVE
    assert story.life("orders/1").admitted_at == story.now
    assert story.life("orders/1").ends_at == story.now + 2 * DAY
    assert story.step(47 * HOUR).state("orders/1") is State.ACTIVE


def test_the_queue_is_shown_in_the_order_in_which_it_moves() -> None:
    story = limited(total=1)
    story.put(asked(5, MONDAY - 4 * HOUR))
    story.put(asked(4, MONDAY - 1 * HOUR))
    story.put(asked(3, MONDAY - 2 * HOUR), "acme/shop")
    story.put(asked(2, MONDAY - 2 * HOUR))
    story.step()

    shown = queue(story.current.known.lives)
    assert shown == (Locator("acme/orders", 2), Locator("acme/shop", 3), Locator("acme/orders", 4))
    story.remove(5)
    assert queue(story.step().current.known.lives) == shown[1:]


_requests = st.lists(
    st.builds(
        Request,
        st.integers(0, 5).map(lambda hours: MONDAY + hours * HOUR),
        st.builds(Locator, st.sampled_from(["acme/orders", "acme/shop"]), st.integers(1, 30)),
        st.sampled_from(["ada", "Ada", "grace", "renovate[bot]", "dependabot[bot]"]),
    ),
    unique_by=lambda request: request.locator,
)
_limit = st.none() | st.integers(0, 4)
_limits = st.builds(Limits, _limit, _limit, _limit, _limit)


@given(_limits, _requests, st.data())
def test_who_is_admitted_depends_on_requests_that_are_older_alone(
    limits: Limits, requests: list[Request], data: st.DataObject
) -> None:
    blocked = ration(limits, Places(), data.draw(st.permutations(requests)))
    assert blocked == ration(limits, Places(), requests)

    newest = max(requests, key=lambda each: each.place, default=None)
    others = [each for each in requests if each is not newest]
    assert ration(limits, Places(), others) == {
        locator: why for locator, why in blocked.items() if newest is None or locator != newest.locator
    }


@given(_limits, _requests)
def test_nobody_queues_who_could_be_admitted(limits: Limits, requests: list[Request]) -> None:
    blocked = ration(limits, Places(), requests)
    admitted = [each for each in requests if each.locator not in blocked]

    for request in requests:
        places = Places()
        for each in admitted:
            if each.place < request.place:
                places.take(each.locator.repository, each.author)
        alone = ration(limits, places, [request])
        assert (request.locator in blocked) == bool(alone)


def test_what_was_asked_for_at_a_time_that_nobody_knows_comes_last() -> None:
    story = limited(total=1)
    story.put(asked(1, events=None))
    story.put(asked(2))

    assert states(story.step()) == {1: "queued", 2: "active"}
