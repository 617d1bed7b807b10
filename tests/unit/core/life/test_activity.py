"""What somebody does with a preview keeps it awake and alive; what an author can forge, or anybody can do, does not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from plugin.core.facts.acts import Act, ActKind
from plugin.core.facts.lives import Life, State
from plugin.core.facts.model import Events, PullRequest
from plugin.core.life.activity import activity, asked_at
from tests.builders import MONDAY, make_pull_request
from tests.lives import DAY, HOUR, NEXT, Lived, asked, begun, with_plan

LATER = MONDAY + HOUR


@pytest.mark.parametrize(
    "pull_request",
    [
        asked(head_seen_at=LATER),
        asked(events=Events(MONDAY, {"preview": LATER})),
        asked(events=Events(MONDAY, {"preview": MONDAY}, reopened_at=LATER)),
        asked(events=Events(LATER)),
    ],
    ids=["a push", "its label", "reopened or ready for review", "opened, if no label says when"],
)
def test_the_newest_of_these_is_its_activity(pull_request: PullRequest) -> None:
    assert activity(pull_request, asked_at(["preview"], pull_request, None), None) == LATER


def test_being_admitted_is_an_activity() -> None:
    before = Life(State.ACTIVE, "", admitted_at=LATER)

    assert activity(asked(), MONDAY, before) == LATER


def test_a_comment_is_no_activity_although_it_updates_the_pull_request() -> None:
    assert activity(asked(updated_at=LATER), MONDAY, None) == MONDAY


def test_the_first_sight_of_a_head_that_was_there_before_is_none() -> None:
    assert activity(asked(head_seen_at=None), MONDAY, None) == MONDAY


def test_without_what_the_source_says_about_events_nothing_is_known() -> None:
    unread = make_pull_request(head_seen_at=LATER)

    assert asked_at(["preview"], unread, None) is None
    assert activity(unread, None, None) is None


def test_a_preview_whose_events_were_never_read_neither_sleeps_nor_ends() -> None:
    story = begun({"pause_after": "1h", "expire_after": "5h", "max_age": "6h"}, events=None)

    assert story.pass_time(2 * DAY).state() is State.ACTIVE
    assert story.life().ends_at is None


def test_it_was_asked_for_by_the_newest_label_that_is_required_in_any_case() -> None:
    events = Events(MONDAY - DAY, {"preview": MONDAY, "ready": LATER, "bug": LATER + HOUR})

    assert asked_at(["Preview", "READY"], asked(events=events), None) == LATER


def test_without_required_labels_it_was_asked_for_when_it_was_opened() -> None:
    assert asked_at([], asked(events=Events(MONDAY - DAY, {"bug": MONDAY})), None) == MONDAY - DAY


def test_asking_again_counts_if_it_is_newer_than_the_label() -> None:
    ask = Act(ActKind.ASK, "orders/1", "ada", MONDAY)

    assert asked_at(["preview"], asked(at=MONDAY - HOUR), ask) == MONDAY
    assert asked_at(["preview"], asked(at=LATER), ask) == LATER


@pytest.mark.parametrize("kind", [ActKind.PAUSE, ActKind.RESUME])
def test_pausing_and_resuming_give_no_life(kind: ActKind) -> None:
    story = begun({"expire_after": "2d"})
    end = story.life().ends_at
    story.step(DAY)
    story.act(kind)

    assert story.step(HOUR).life().ends_at == end == MONDAY + 2 * DAY


def test_admission_counts_from_when_the_clocks_agree_again() -> None:
    story = waited_for_five_days()
    story.agreed = False
    story.ready = {("orders", asked().head_sha): True}
    assert story.step(HOUR).state() is State.ACTIVE
    assert story.life().admitted_at is None
    assert story.step(HOUR).life().admitted_at is None

    story.agreed = True
    assert story.step(HOUR).life().admitted_at == story.now
    assert story.life().ends_at == story.now + 2 * DAY
    admitted = story.now
    assert story.step(HOUR).life().admitted_at == admitted


def waited_for_five_days() -> Lived:
    story = with_plan({"expire_after": "2d", "ready_when": {"check": "ci"}})
    story.now = MONDAY
    story.put(asked())
    assert story.step().pass_time(5 * DAY).state() is State.WAITING
    return story


def test_the_first_readiness_of_one_that_waited_is_an_activity_and_later_ones_are_none() -> None:
    story = waited_for_five_days()
    story.ready = {("orders", asked().head_sha): True}
    assert story.step().life().ends_at == story.now + 2 * DAY

    end = story.push().life().ends_at
    story.ready |= {("orders", NEXT): True}
    assert story.step(HOUR).preview().deploy_sha == NEXT
    assert story.life().ends_at == end


def test_a_source_that_forgets_the_label_events_brings_no_end_forward() -> None:
    """GitHub's timeline is cut; `core/facts/seen.py` keeps what was seen. Here, the newest activity is known anyway."""
    story = begun({"expire_after": "2d"})
    story.put(replace(asked(), events=Events(MONDAY - 9 * DAY)))

    assert story.step(timedelta(minutes=1)).life().ends_at == MONDAY + 2 * DAY
