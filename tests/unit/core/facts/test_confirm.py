from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.facts.confirm import NOT_YET_CONFIRMED, confirm, is_labelled
from plugin.core.facts.model import Elsewhere, Hold, LookUp, PullRequestState
from tests.builders import MONDAY, make_look_up, make_pull_request

SEEN = make_pull_request(1, updated_at=MONDAY)
ASKED = frozenset({"preview", "env"})
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def reason(answer: LookUp | None, before: Hold = NOT_YET_CONFIRMED, asked: frozenset[str] = ASKED) -> str:
    outcome = confirm(SEEN, asked, answer, before)
    assert isinstance(outcome, Hold)
    return outcome.reason


@pytest.mark.parametrize("later", [timedelta(0), SECOND])
@pytest.mark.parametrize(("state", "elsewhere"), [("closed", Elsewhere.CLOSED), ("merged", Elsewhere.MERGED)])
def test_what_was_closed_or_merged_since_it_was_seen_is_dropped(
    state: str, elsewhere: Elsewhere, later: timedelta
) -> None:
    answer = make_look_up(state, updated_at=MONDAY + later)

    assert confirm(SEEN, ASKED, answer, NOT_YET_CONFIRMED) is elsewhere


@pytest.mark.parametrize("state", ["closed", "merged", "open"])
@pytest.mark.parametrize("updated_at", [MONDAY - SECOND, None])
def test_an_answer_that_is_older_than_what_was_seen_tells_nothing(state: str, updated_at: datetime | None) -> None:
    answer = make_look_up(state, updated_at=updated_at)

    assert reason(answer) == "it is not listed any more, but the answer about it is older than one before"


def test_an_open_one_without_the_label_is_dropped_and_one_with_it_stays() -> None:
    assert confirm(SEEN, ASKED, make_look_up(labels=frozenset({"bug"})), NOT_YET_CONFIRMED) is Elsewhere.UNLABELLED
    assert confirm(SEEN, ASKED, make_look_up(), NOT_YET_CONFIRMED) is Elsewhere.UNLABELLED
    for labels in ({"env"}, {"preview", "bug"}):
        assert (
            reason(make_look_up(labels=frozenset(labels))) == "it is open and has the label, though it was not listed"
        )


def test_where_no_label_is_asked_for_an_open_one_stays() -> None:
    assert reason(make_look_up(), asked=frozenset()) == "it is open and has the label, though it was not listed"


def test_an_open_one_with_more_labels_than_could_be_read_stays() -> None:
    answer = make_look_up(labels=frozenset({"bug"}), all_labels=False)

    assert reason(answer) == "it is not listed any more, and has more labels than could be read"


def test_without_an_answer_it_stays_and_what_was_counted_still_counts() -> None:
    counted = Hold("", MONDAY, 2)
    after = confirm(SEEN, ASKED, None, counted)

    assert after == Hold("it is not listed any more, and could not be looked up")
    assert isinstance(after, Hold)
    assert (after.first_missing_at, after.times_missing) == (MONDAY, 2)


def missing(*moments: datetime) -> Hold | Elsewhere:
    """The outcome after `there is no such pull request` was answered at these moments."""
    outcome: Hold | Elsewhere = NOT_YET_CONFIRMED
    for moment in moments:
        assert isinstance(outcome, Hold)
        outcome = confirm(SEEN, ASKED, make_look_up("missing", answered_at=moment), outcome)
    return outcome


def test_a_missing_one_is_dropped_after_three_answers_over_an_hour() -> None:
    assert missing(MONDAY, MONDAY + SECOND, MONDAY + HOUR) is Elsewhere.MISSING
    for moments in (
        [MONDAY],
        [MONDAY, MONDAY + 9 * HOUR],  # only two
        [MONDAY, MONDAY + SECOND, MONDAY + HOUR - SECOND],  # too soon
        [MONDAY, MONDAY + SECOND, MONDAY - 9 * HOUR],  # another clock
    ):
        after = missing(*moments)
        assert after == Hold("it is not listed any more, and there is no such pull request for now")
        assert isinstance(after, Hold)
        assert (after.first_missing_at, after.times_missing) == (MONDAY, len(moments))


def test_an_answer_that_finds_it_starts_the_counting_anew() -> None:
    counted = missing(MONDAY, MONDAY + SECOND)
    assert isinstance(counted, Hold)
    for found in (make_look_up(labels=ASKED), make_look_up("closed", updated_at=MONDAY - SECOND)):
        after = confirm(SEEN, ASKED, found, counted)
        assert isinstance(after, Hold)
        assert (after.first_missing_at, after.times_missing) == (None, 0)


def test_labelled_is_what_a_listing_by_these_labels_would_have_found() -> None:
    assert is_labelled(frozenset(), make_look_up())
    assert is_labelled(ASKED, make_look_up(labels=frozenset({"env", "x"})))
    assert not is_labelled(ASKED, make_look_up(labels=frozenset({"x"})))


moments = st.timedeltas(-2 * HOUR, 2 * HOUR).map(lambda difference: MONDAY + difference)
answers = st.builds(
    LookUp,
    st.sampled_from(PullRequestState),
    moments,
    st.none() | moments,
    labels=st.frozensets(st.sampled_from(["preview", "bug"])),
    all_labels=st.booleans(),
)
holds = st.builds(Hold, st.just("held"), st.none() | moments, st.integers(0, 4))


@given(st.none() | answers, holds, st.frozensets(st.sampled_from(["preview", "env"])))
def test_nothing_is_dropped_that_the_table_does_not_let_go(
    answer: LookUp | None, before: Hold, asked: frozenset[str]
) -> None:
    outcome = confirm(SEEN, asked, answer, before)

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
    if outcome is Elsewhere.UNLABELLED:
        assert answer.state is PullRequestState.OPEN
        assert answer.all_labels
        assert asked
        assert not asked & answer.labels
    else:
        assert outcome.value == answer.state.value


@given(answers, holds)
def test_what_was_closed_for_certain_never_stays(answer: LookUp, before: Hold) -> None:
    closed = replace(answer, state=PullRequestState.CLOSED, updated_at=MONDAY + SECOND)

    assert confirm(SEEN, ASKED, closed, before) is Elsewhere.CLOSED


@pytest.mark.parametrize("state", ["closed", "merged", "open"])
def test_within_the_second_that_was_seen_only_an_answer_that_has_settled_counts(state: str) -> None:
    early = make_look_up(state, updated_at=MONDAY, answered_at=MONDAY + 19 * SECOND)
    settled = make_look_up(state, updated_at=MONDAY, answered_at=MONDAY + 20 * SECOND)
    newer = make_look_up(state, updated_at=MONDAY + SECOND, answered_at=MONDAY + SECOND)

    assert reason(early) == "it is not listed any more, but the answer about it may be older than one before"
    assert isinstance(confirm(SEEN, ASKED, settled, NOT_YET_CONFIRMED), Elsewhere)
    assert isinstance(confirm(SEEN, ASKED, newer, NOT_YET_CONFIRMED), Elsewhere)
