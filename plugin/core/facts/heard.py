"""Heard: comments on pull requests that may be commands, and what is known of these pull requests beside."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

COUNTS_FOR = timedelta(hours=1)  # since a comment was written


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment whose first line begins like a command."""

    id: str  # opaque, unique
    database_id: int  # what the source's REST API knows it by
    author: str  # a bot's name ends in [bot]; "" for a deleted account
    line: str  # the first one
    at: datetime  # by the source's clock
    edited: bool


@dataclass(frozen=True, slots=True)
class Relabelled:
    """A label that was set or removed."""

    label: str  # folded
    at: datetime
    by: str  # as the author of a comment


@dataclass(frozen=True, slots=True)
class Conversation:
    """An open pull request with such comments, whether it asks for a preview or not."""

    number: int
    fork: bool
    labels: tuple[str, ...]
    relabelled: tuple[Relabelled, ...]  # the newest changes of labels, the oldest first
    updated_at: datetime
    comments: tuple[Comment, ...]  # the oldest first


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said in one repository."""

    since: datetime  # by the source's clock: what was written before then is not obeyed
    conversations: tuple[Conversation, ...] = field(default=())


def heard(before: Heard | None, read: tuple[Conversation, ...], at: datetime) -> Heard:
    """Add a reading to what was heard before; `at` is the source's time of it.

    The source shows the pull requests that changed last. Those that it does not show any more are kept as they were,
    and older answers are ignored. What does not count any more, by the source's clock, is left out.
    """
    found = {each.number: each for each in before.conversations} if before else {}
    for each in read:
        known = found.get(each.number)
        if known is None or known.updated_at <= each.updated_at:
            found[each.number] = each
    young = (_young(each, at - COUNTS_FOR) for each in found.values())
    return Heard(
        before.since if before else at,
        tuple(sorted((each for each in young if each.comments), key=lambda each: each.number)),
    )


def _young(conversation: Conversation, oldest: datetime) -> Conversation:
    comments = tuple(each for each in conversation.comments if each.at > oldest)
    return conversation if comments == conversation.comments else replace(conversation, comments=comments)
