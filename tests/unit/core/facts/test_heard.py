"""What was heard: kept from one reading to the next, as long as it counts."""

from dataclasses import replace
from datetime import datetime, timedelta

from plugin.core.facts.heard import COUNTS_FOR, Comment, Conversation, Heard, heard
from tests.builders import MONDAY

LATER = MONDAY + timedelta(minutes=1)


def comment(number: int = 1, at: datetime = MONDAY) -> Comment:
    return Comment(f"IC_{number}", number, "ada", "/preview", at, edited=False)


def conversation(number: int, *comments: Comment, updated_at: datetime = MONDAY) -> Conversation:
    return Conversation(number, fork=False, labels=(), relabelled=(), updated_at=updated_at, comments=comments)


def test_what_is_obeyed_begins_with_the_first_reading_and_stays_so() -> None:
    first = heard(None, (), MONDAY)
    second = heard(first, (conversation(1, comment()),), LATER)

    assert first == Heard(MONDAY)
    assert second == Heard(MONDAY, (conversation(1, comment()),))


def test_pull_requests_without_such_comments_are_left_out() -> None:
    assert heard(None, (conversation(1),), MONDAY).conversations == ()


def test_a_pull_request_that_the_source_does_not_show_any_more_stays_as_it_was() -> None:
    before = heard(None, (conversation(1, comment()),), MONDAY)
    after = heard(before, (conversation(2, comment(2)),), LATER)

    assert [each.number for each in after.conversations] == [1, 2]


def test_a_comment_that_is_gone_is_forgotten() -> None:
    before = heard(None, (conversation(1, comment()),), MONDAY)

    assert heard(before, (conversation(1, updated_at=LATER),), LATER).conversations == ()


def test_an_older_answer_is_ignored() -> None:
    newest = conversation(1, comment(), updated_at=LATER)
    before = heard(None, (newest,), LATER)

    assert heard(before, (conversation(1),), LATER).conversations == (newest,)


def test_what_does_not_count_any_more_is_forgotten() -> None:
    old, young = comment(1), comment(2, MONDAY + timedelta(seconds=1))
    before = heard(None, (conversation(1, old, young),), MONDAY)
    after = heard(before, (), MONDAY + COUNTS_FOR)

    assert after.conversations == (replace(before.conversations[0], comments=(young,)),)
