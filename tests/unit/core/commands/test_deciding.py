"""Which comments count, and what wins over them. What follows from each command: tests/contract/commands."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from plugin.core.commands.answer import NOTHING, Answer, Note, Reaction
from plugin.core.commands.deciding import counts, keeps_waiting, outdated
from plugin.core.config.commands import Commands
from plugin.core.facts.acts import Act, ActKind
from plugin.core.facts.heard import COUNTS_FOR, Comment, Conversation, Relabelled
from tests.builders import MONDAY

SECOND = timedelta(seconds=1)
COMMENT = Comment("IC_1", 1, "ada", "/preview stop", MONDAY, edited=False)
BEFORE = MONDAY - timedelta(days=1)
BOTS = Commands(frozenset({"renovate[bot]"}))


def counted(since: datetime = BEFORE, after: timedelta = SECOND, **changes: Any) -> bool:
    return counts(replace(COMMENT, **changes), since, BOTS, MONDAY + after)


def test_a_new_comment_of_a_person_counts() -> None:
    assert counted()
    assert counted(author="Renovate[bot]")


@pytest.mark.parametrize(
    "changes", [{"edited": True}, {"author": ""}, {"author": "dependabot[bot]"}, {"line": "/previews"}]
)
def test_others_do_not(changes: dict[str, Any]) -> None:
    assert not counted(**changes)


def test_a_comment_counts_for_an_hour() -> None:
    assert counted(after=COUNTS_FOR - SECOND)
    assert not counted(after=COUNTS_FOR)


def test_what_is_older_than_the_state_does_not_count() -> None:
    assert counted(MONDAY - SECOND)
    assert not counted(MONDAY)


@pytest.mark.parametrize(
    ("change", "wins"),
    [
        (Relabelled("preview", MONDAY + SECOND, "grace"), "theirs"),
        (Relabelled("preview", MONDAY + SECOND, ""), "theirs"),  # a deleted account
        (Relabelled("preview", MONDAY, "grace"), "the comment"),
        (Relabelled("preview", MONDAY + SECOND, "Acme-Previews[bot]"), "the comment"),
        (Relabelled("size/small", MONDAY + SECOND, "grace"), "the comment"),
    ],
)
def test_a_label_that_somebody_else_changed_after_the_comment_wins(change: Relabelled, wins: str) -> None:
    said = Conversation(7, fork=False, labels=(), relabelled=(change,), updated_at=MONDAY, comments=(COMMENT,))

    assert outdated(COMMENT, ["Preview"], said, "acme-previews[bot]") is (wins == "theirs")


def said(*changes: Relabelled) -> Conversation:
    return Conversation(7, fork=False, labels=(), relabelled=changes, updated_at=MONDAY, comments=(COMMENT,))


OURS = Relabelled("preview", MONDAY + 3 * SECOND, "acme-previews[bot]")
BEFORE_IT = Relabelled("preview", MONDAY - SECOND, "grace")
NOTE = Note(COMMENT, "acme/orders", 7, NOTHING, MONDAY)
STOPPED = replace(NOTE, labels=("Preview",), labels_seen_at=BEFORE_IT.at)
ACT = Act(ActKind.PAUSE, "orders/7", "ada", MONDAY, MONDAY)


@pytest.mark.parametrize(
    ("note", "conversation", "waits"),
    [
        (NOTE, said(), False),
        (replace(NOTE, left=Answer(reaction=Reaction.DONE)), said(), False),
        (replace(NOTE, left=Answer(acts=(ACT,))), said(), True),
        (replace(NOTE, left=Answer(added=("preview",))), said(OURS), True),
        (replace(NOTE, left=Answer(removed=("preview",))), said(OURS), True),
        (STOPPED, said(BEFORE_IT), True),
        (STOPPED, said(BEFORE_IT, Relabelled("size/small", OURS.at, "grace")), True),
        (STOPPED, said(), True),
        (STOPPED, said(BEFORE_IT, OURS), False),
        (STOPPED, said(BEFORE_IT, replace(OURS, by="grace")), False),  # they were faster
        (replace(STOPPED, labels=("preview", "with-web")), said(BEFORE_IT, OURS), True),
        (replace(STOPPED, labels=("preview", "size/small")), said(OURS, replace(OURS, label="size/small")), False),
        (replace(STOPPED, labels_seen_at=None), said(), True),
        (replace(STOPPED, labels_seen_at=None), said(OURS), False),
    ],
)
def test_other_commands_wait_until_what_one_changes_was_read(
    note: Note, conversation: Conversation, *, waits: bool
) -> None:
    assert keeps_waiting(note, conversation, MONDAY + COUNTS_FOR) is waits
    assert not keeps_waiting(note, conversation, MONDAY + COUNTS_FOR + SECOND)
