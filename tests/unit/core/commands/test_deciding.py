"""Which comments count, and what wins over them. What follows from each command: tests/contract/commands."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from plugin.core.commands.deciding import counts, outdated
from plugin.core.config.commands import Commands
from plugin.core.facts.heard import COUNTS_FOR, Comment, Conversation, Heard, Relabelled
from tests.builders import MONDAY

SECOND = timedelta(seconds=1)
COMMENT = Comment("IC_1", 1, "ada", "/preview stop", MONDAY, edited=False)
HEARD = Heard(MONDAY - timedelta(days=1))
BOTS = Commands(frozenset({"renovate[bot]"}))


def counted(heard: Heard = HEARD, after: timedelta = SECOND, **changes: Any) -> bool:
    return counts(replace(COMMENT, **changes), heard, BOTS, MONDAY + after)


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
    assert counted(Heard(MONDAY - SECOND))
    assert not counted(Heard(MONDAY))


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
