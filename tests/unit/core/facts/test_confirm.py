from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.facts.confirm import (
    ARCHIVED_FOR,
    NOT_YET_CONFIRMED,
    Suspect,
    confirm,
    is_labelled,
    life_differs,
)
from plugin.core.facts.model import Elsewhere, Hold, LookUp, PullRequest, PullRequestState
from tests.builders import MONDAY, make_look_up, make_pull_request

SEEN = make_pull_request(1, updated_at=MONDAY)
ASKED = frozenset({"preview", "env"})
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
VANISHED = Suspect(SEEN, NOT_YET_CONFIRMED, asked=ASKED)
LABELLED = frozenset({"preview"})


def listed(**given: Any) -> Suspect:
    """A live pull request with other facts in its listing, a second later."""
    shown = make_pull_request(1, **{"updated_at": MONDAY + SECOND} | given)
    cause = life_differs(SEEN, shown)
    return Suspect(SEEN, Hold(f"{cause}, and it has not been looked up yet", cause=cause), shown, ASKED)


def reason(answer: LookUp | None, suspect: Suspect = VANISHED) -> str:
    outcome = confirm(suspect, answer)
    assert isinstance(outcome, Hold)
    return outcome.reason


# --- No longer listed


@pytest.mark.parametrize("later", [timedelta(0), SECOND])
@pytest.mark.parametrize(("state", "elsewhere"), [("closed", Elsewhere.CLOSED), ("merged", Elsewhere.MERGED)])
def test_a_closed_or_merged_pull_request_is_dropped(state: str, elsewhere: Elsewhere, later: timedelta) -> None:
    assert confirm(VANISHED, make_look_up(state, updated_at=MONDAY + later)) is elsewhere


@pytest.mark.parametrize("state", ["closed", "merged", "open"])
@pytest.mark.parametrize("updated_at", [MONDAY - SECOND, None])
def test_an_answer_older_than_what_was_seen_drops_nothing(state: str, updated_at: datetime | None) -> None:
    answer = make_look_up(state, updated_at=updated_at)

    assert reason(answer) == "it is no longer listed, but the look-up is older than what was seen before"


def test_an_open_pull_request_without_the_label_is_dropped() -> None:
    assert confirm(VANISHED, make_look_up(labels=frozenset({"bug"}))) is Elsewhere.UNLABELLED
    assert confirm(VANISHED, make_look_up()) is Elsewhere.UNLABELLED


@pytest.mark.parametrize("labels", [{"env"}, {"preview", "bug"}, {"PREVIEW"}])
def test_an_open_pull_request_with_the_label_stays(labels: set[str]) -> None:
    answer = make_look_up(labels=frozenset(labels))

    assert reason(answer) == "it is open and has the label, though it was not listed"


def test_an_open_pull_request_stays_if_no_label_is_required() -> None:
    suspect = replace(VANISHED, asked=frozenset())

    assert reason(make_look_up(), suspect) == "it is open and has the label, though it was not listed"


def test_a_failed_look_up_keeps_the_pull_request_and_the_count() -> None:
    after = confirm(replace(VANISHED, before=Hold("", MONDAY, 2)), None)

    assert after == Hold("it is no longer listed, and could not be looked up")
    assert isinstance(after, Hold)
    assert (after.first_missing_at, after.times_missing) == (MONDAY, 2)


def missing(*moments: datetime) -> Hold | Elsewhere | PullRequest:
    """The outcome after `there is no such pull request` was answered at these moments."""
    outcome: Hold | Elsewhere | PullRequest = NOT_YET_CONFIRMED
    for moment in moments:
        assert isinstance(outcome, Hold)
        outcome = confirm(replace(VANISHED, before=outcome), make_look_up("missing", answered_at=moment))
    return outcome


def test_a_missing_pull_request_needs_three_answers_over_an_hour() -> None:
    assert missing(MONDAY, MONDAY + SECOND, MONDAY + HOUR) is Elsewhere.MISSING
    for moments in (
        [MONDAY],
        [MONDAY, MONDAY + 9 * HOUR],  # only two
        [MONDAY, MONDAY + SECOND, MONDAY + HOUR - SECOND],  # too soon
        [MONDAY, MONDAY + SECOND, MONDAY - 9 * HOUR],  # another clock
    ):
        after = missing(*moments)
        assert after == Hold("it is no longer listed, and there is no such pull request for now")
        assert isinstance(after, Hold)
        assert (after.first_missing_at, after.times_missing) == (MONDAY, len(moments))


def test_finding_a_missing_pull_request_resets_the_count() -> None:
    counted = missing(MONDAY, MONDAY + SECOND)
    assert isinstance(counted, Hold)
    for found in (make_look_up(labels=ASKED), make_look_up("closed", updated_at=MONDAY - SECOND)):
        after = confirm(replace(VANISHED, before=counted), found)
        assert isinstance(after, Hold)
        assert (after.first_missing_at, after.times_missing) == (None, 0)


@pytest.mark.parametrize("state", ["closed", "merged", "open"])
def test_within_the_same_second_only_a_settled_answer_counts(state: str) -> None:
    early = make_look_up(state, updated_at=MONDAY, settled=False)
    settled = make_look_up(state, updated_at=MONDAY, settled=True)
    newer = make_look_up(state, updated_at=MONDAY + SECOND, settled=False)

    assert reason(early) == "it is no longer listed, but the look-up may be older than what was seen before"
    assert isinstance(confirm(VANISHED, settled), Elsewhere)
    assert isinstance(confirm(VANISHED, newer), Elsewhere)


def test_an_unreadable_pull_request_stays_while_it_is_open() -> None:
    suspect = replace(VANISHED, before=Hold("GitHub hides it", cause="GitHub hides it"))

    assert reason(make_look_up(labels=LABELLED), suspect) == "GitHub hides it; it is open, and will be listed again"
    assert reason(None, suspect) == "GitHub hides it, and could not be looked up"
    assert confirm(suspect, make_look_up("closed")) is Elsewhere.CLOSED
    assert confirm(suspect, make_look_up()) is Elsewhere.UNLABELLED


# --- Listed with other facts


def test_the_look_up_by_number_says_what_counts() -> None:
    answer = make_look_up(
        labels=frozenset({"preview", "a", "z"}), draft=True, target_branch="release", updated_at=MONDAY + SECOND
    )
    outcome = confirm(listed(labels=("z", "preview", "gone"), title="New"), answer)

    assert isinstance(outcome, PullRequest)
    assert (outcome.labels, outcome.draft, outcome.target_branch) == (("z", "preview", "a"), True, "release")
    assert (outcome.title, outcome.updated_at) == ("New", MONDAY + SECOND)


def test_a_label_flipped_back_before_the_look_up_ends_nothing() -> None:
    answer = make_look_up(labels=LABELLED, updated_at=MONDAY + 2 * SECOND)
    outcome = confirm(listed(labels=("preview", "no-preview")), answer)

    assert isinstance(outcome, PullRequest)
    assert outcome.labels == ("preview",)


def test_a_look_up_newer_than_the_listing_says_how_new_the_facts_are_and_the_rest_is_read_again() -> None:
    suspect = listed(labels=("preview", "other"))
    same, newer = (
        confirm(suspect, make_look_up(labels=LABELLED | {"no-preview"}, updated_at=MONDAY + later))
        for later in (SECOND, 2 * SECOND)
    )

    assert isinstance(same, PullRequest)
    assert isinstance(newer, PullRequest)
    assert (same.updated_at, same.settled) == (MONDAY + SECOND, True)
    assert (newer.updated_at, newer.settled) == (MONDAY + 2 * SECOND, False)


@pytest.mark.parametrize(("state", "elsewhere"), [("closed", Elsewhere.CLOSED), ("merged", Elsewhere.MERGED)])
def test_a_listed_pull_request_closed_since_is_dropped(state: str, elsewhere: Elsewhere) -> None:
    assert confirm(listed(draft=True), make_look_up(state, updated_at=MONDAY + SECOND)) is elsewhere


def test_a_listed_pull_request_unlabelled_since_is_dropped() -> None:
    assert confirm(listed(draft=True), make_look_up(updated_at=MONDAY + SECOND)) is Elsewhere.UNLABELLED


def test_an_answer_older_than_the_listing_confirms_nothing() -> None:
    answer = make_look_up(labels=LABELLED, draft=True)  # as old as what was known

    assert reason(answer, listed(draft=True)) == (
        "its listing shows a draft, but the look-up is older than what was seen before"
    )


def test_a_change_without_a_new_time_needs_a_settled_answer() -> None:
    suspect = listed(labels=("preview", "no-preview"), updated_at=MONDAY)  # a label was deleted or renamed
    answer = make_look_up(labels=frozenset({"preview", "no-preview"}))

    assert isinstance(confirm(suspect, answer), PullRequest)
    assert reason(replace(answer, settled=False), suspect) == (
        "its listing shows other labels, but the look-up may be older than what was seen before"
    )


@pytest.mark.parametrize("draft", [True, False])
def test_no_look_up_turns_a_live_pull_request_into_a_forks(*, draft: bool) -> None:
    answer = make_look_up(labels=LABELLED, draft=draft, updated_at=MONDAY + SECOND)

    assert "a fork's pull request, which it cannot have become" in reason(answer, listed(fork=True, draft=draft))


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ({}, ""),
        ({"labels": ("Preview",)}, ""),  # a label was renamed, or the catalog spells it differently
        ({"title": "x", "head_sha": "a" * 40, "body": "x", "branch": "y", "author": "z"}, ""),
        ({"labels": ("preview", "no-preview")}, "its listing shows other labels"),
        ({"draft": True}, "its listing shows a draft"),
        ({"target_branch": "x", "draft": True}, "its listing shows a draft and another base branch"),
        ({"fork": True}, "its listing shows a fork's pull request"),
    ],
)
def test_facts_that_decide_whether_a_preview_lives(given: dict[str, Any], cause: str) -> None:
    assert life_differs(SEEN, make_pull_request(1, **given)) == cause


# --- In an archived repository


def test_pull_requests_archived_for_24_hours_are_dropped() -> None:
    def outcome(archived_for: timedelta, suspect: Suspect = VANISHED, **given: Any) -> object:
        answer = make_look_up(labels=LABELLED, **given)
        return confirm(replace(suspect, archived_at=answer.answered_at - archived_for), answer)

    assert timedelta(hours=24) == ARCHIVED_FOR
    assert outcome(ARCHIVED_FOR) is Elsewhere.ARCHIVED
    assert isinstance(outcome(ARCHIVED_FOR - SECOND), Hold)
    assert isinstance(outcome(ARCHIVED_FOR, updated_at=MONDAY - SECOND), Hold)  # an answer from before


# --- Any answer at all


def test_labelled_means_that_a_listing_would_contain_it() -> None:
    assert is_labelled(frozenset(), make_look_up())
    assert is_labelled(ASKED, make_look_up(labels=frozenset({"ENV", "x"})))
    assert is_labelled(frozenset({"Straße"}), make_look_up(labels=frozenset({"STRASSE"})))
    assert not is_labelled(ASKED, make_look_up(labels=frozenset({"x"})))


moments = st.timedeltas(-2 * HOUR, 2 * HOUR).map(lambda difference: MONDAY + difference)
answers = st.builds(
    LookUp,
    st.sampled_from(PullRequestState),
    moments,
    st.none() | moments,
    labels=st.frozensets(st.sampled_from(["preview", "bug"])),
    settled=st.booleans(),
)
holds = st.builds(Hold, st.just("held"), st.none() | moments, st.integers(0, 4))


@given(st.none() | answers, holds, st.frozensets(st.sampled_from(["preview", "env"])))
def test_nothing_is_dropped_that_the_table_keeps(answer: LookUp | None, before: Hold, asked: frozenset[str]) -> None:
    outcome = confirm(Suspect(SEEN, before, asked=asked), answer)

    if isinstance(outcome, Hold):
        assert outcome.reason
        return
    assert answer
    if outcome is Elsewhere.MISSING:
        assert answer.state is PullRequestState.MISSING
        assert before.times_missing >= 2
        assert before.first_missing_at is not None
        assert answer.answered_at - before.first_missing_at >= HOUR
        return
    assert answer.updated_at is not None
    assert answer.updated_at >= SEEN.updated_at
    assert answer.settled or answer.updated_at > SEEN.updated_at
    assert isinstance(outcome, Elsewhere)
    if outcome is Elsewhere.UNLABELLED:
        assert answer.state is PullRequestState.OPEN
        assert asked
        assert not asked & answer.labels
    else:
        assert outcome.value == answer.state.value


@given(answers, holds)
def test_a_pull_request_confirmed_as_closed_never_stays(answer: LookUp, before: Hold) -> None:
    closed = replace(answer, state=PullRequestState.CLOSED, updated_at=MONDAY + SECOND)

    assert confirm(replace(VANISHED, before=before), closed) is Elsewhere.CLOSED
