"""What has ended stays away until somebody does something with it."""

from collections.abc import Callable
from typing import Any

import pytest

from plugin.core.config.names import folded
from plugin.core.facts.acts import ActKind
from plugin.core.facts.found import Found
from plugin.core.facts.lives import State
from plugin.core.facts.model import Events
from plugin.core.facts.traffic import Used, quantised
from tests.builders import MONDAY
from tests.lives import DAY, DOUBTS, HOUR, NEXT, Lived, asked, begun, lived, trust

PLAN: dict[str, Any] = {"expire_after": "2d"}


def ended(plan: dict[str, Any] | None = None, **given: Any) -> Lived:
    story = begun(plan or PLAN, **given)
    assert story.pass_time(3 * DAY).state() is State.EXPIRED
    return story


def asked_again(story: Lived, **given: Any) -> Lived:
    story.now += HOUR
    story.put(asked(events=Events(MONDAY, {"preview": story.now}), head_seen_at=MONDAY, **given))
    return story.step()


def test_it_says_why_it_ended_and_how_to_get_it_back() -> None:
    assert ended().preview().verdict.reason == (
        "nobody did anything with it after 2026-11-16T09:00:00Z, so it ended at 2026-11-18T09:00:00Z. "
        'To get it back, push a commit, or take the label "preview" off and put it on again'
    )
    assert ended({"max_age": "2d"}).preview().verdict.reason == (
        "it was asked for at 2026-11-16T09:00:00Z and has reached its maximum age. "
        'To start anew, take the label "preview" off and put it on again'
    )


def test_without_required_labels_it_can_be_asked_for_by_command() -> None:
    story = lived({"orders": {"labels": {"require": []}}}, defaults={"lifecycle": PLAN})
    story.now = MONDAY
    story.put(asked(events=Events(MONDAY)))

    reason = story.step().pass_time(3 * DAY).preview().verdict.reason
    assert reason.endswith("To get it back, push a commit, or run preview-plugin ask")


def test_a_push_brings_it_back() -> None:
    story = ended()
    story.now += HOUR

    assert story.push().state() is State.ACTIVE
    assert story.life().ends_at == story.now + 2 * DAY
    assert story.life().expired is None


def test_asking_again_brings_it_back_by_label_or_by_command() -> None:
    assert asked_again(ended()).state() is State.ACTIVE

    story = ended()
    story.act(ActKind.ASK)
    assert story.step(HOUR).state() is State.ACTIVE


def test_other_required_labels_bring_back_only_what_was_asked_for_anew_by_them() -> None:
    story = ended()
    story.edit(PLAN, {"orders": {"labels": {"require": []}}})
    assert story.state() is State.EXPIRED, "it was opened before it ended"

    story = ended()
    story.put(asked(labels=("preview", "go"), events=Events(MONDAY, {"preview": MONDAY, "go": story.now})))
    story.edit(PLAN, {"orders": {"labels": {"require": ["go"]}}})
    assert story.state() is State.ACTIVE


def test_neither_time_nor_a_restart_nor_a_comment_brings_it_back() -> None:
    story = ended()
    story.restart()
    story.put(asked(updated_at=story.now))

    assert story.pass_time(9 * DAY, 5 * HOUR).state() is State.EXPIRED


def test_traffic_does_not_bring_it_back() -> None:
    story = ended()
    story.found = Found(used=Used(frozenset({"preview-orders-1"}), quantised(story.now)))

    assert story.step(HOUR).state() is State.EXPIRED


@pytest.mark.parametrize("kind", [ActKind.RESUME, ActKind.PAUSE, ActKind.EXTEND])
def test_no_other_act_brings_it_back(kind: ActKind) -> None:
    story = ended()
    story.act(kind, until=story.now + 9 * DAY)

    assert story.step(HOUR).state() is State.EXPIRED


@pytest.mark.parametrize("plan", [{"expire_after": "90d"}, {"pause_after": "90d"}, {}, {"keep": "keep"}])
def test_neither_a_longer_plan_nor_none_nor_the_label_that_keeps_brings_it_back(plan: dict[str, str]) -> None:
    story = ended()
    story.put(asked(labels=("preview", "keep")))

    assert story.edit(plan).state() is State.EXPIRED
    assert story.step(DAY).state() is State.EXPIRED


def test_past_its_maximum_age_only_asking_again_brings_it_back() -> None:
    story = ended({"max_age": "2d", "expire_after": "9d"})
    assert story.push().state() is State.EXPIRED
    assert story.edit({"max_age": "90d"}).state() is State.EXPIRED
    story.now += HOUR
    assert story.push(sha="c" * 40).state() is State.EXPIRED

    story.edit({"max_age": "2d"})
    assert asked_again(story, head_sha=NEXT).state() is State.ACTIVE
    assert story.life().ends_at == story.now + 2 * DAY


def test_one_that_ended_earlier_cannot_be_pushed_back_to_life_past_its_maximum_age() -> None:
    story = ended({"expire_after": "2d", "max_age": "9d"})
    story.step(9 * DAY)

    assert story.push().state() is State.EXPIRED
    assert "its maximum age" in story.preview().verdict.reason


def test_one_that_is_not_live_and_too_old_is_expired_at_once() -> None:
    story = lived({"orders": {}}, defaults={"lifecycle": {"max_age": "2d"}})
    story.now = MONDAY
    story.put(asked(at=MONDAY - 3 * DAY, head_seen_at=MONDAY))

    assert story.step().state() is State.EXPIRED


@pytest.mark.parametrize("doubt", DOUBTS.values(), ids=DOUBTS)
def test_one_that_is_not_live_does_not_get_too_old_while_something_is_in_doubt(doubt: Callable[[Lived], None]) -> None:
    story = begun({"max_age": "2d", "ready_when": {"check": "ci"}})
    doubt(story)
    assert story.pass_time(3 * DAY, 5 * HOUR).state() is State.WAITING

    trust(story)
    assert story.step().state() is State.EXPIRED


@pytest.mark.parametrize("why", [{"labels": ("preview", "skip")}, {"draft": True}, {"target_branch": "old"}])
def test_being_skipped_for_a_while_does_not_bring_it_back(why: dict[str, Any]) -> None:
    services = {"orders": {"labels": {"skip": ["skip"]}, "drafts": False, "target_branches": ["main"]}}
    story = lived(services, defaults={"lifecycle": PLAN})
    story.now = MONDAY
    story.put(asked())
    assert story.step().pass_time(3 * DAY).state() is State.EXPIRED

    story.put(asked(**why))
    assert story.step(HOUR).state() is State.SKIPPED
    story.restart()
    story.put(asked())
    assert story.step(HOUR).state() is State.EXPIRED


def test_another_spelling_of_its_repository_does_not_bring_it_back() -> None:
    story = ended()
    story.repositories = {"Acme/Orders": story.repositories["acme/orders"]}
    story.edit(PLAN, {"orders": {"repository": "Acme/Orders"}})

    assert story.state() is State.EXPIRED
    assert [folded(name) for name in story.current.known.lives] == ["acme/orders"]


def test_a_closed_pull_request_is_forgotten() -> None:
    story = ended()
    story.remove(1)

    assert story.step().current.known.lives == {}
