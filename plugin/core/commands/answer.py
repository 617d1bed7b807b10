"""Answers: what is still to be done for a command. Each part of it happens once, and the rest is kept meanwhile."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from plugin.core.facts.acts import Act
from plugin.core.facts.heard import Comment


class Reaction(StrEnum):
    """What is put below a comment, as GitHub calls it."""

    NONE = ""
    DONE = "rocket"
    REFUSED = "-1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What follows from a command, in the order in which it happens."""

    acts: tuple[Act, ...] = ()
    added: tuple[str, ...] = ()  # labels
    removed: tuple[str, ...] = ()
    reply: str = ""  # Markdown
    reaction: Reaction = Reaction.NONE

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that it changes."""
        return self.added + self.removed


NOTHING = Answer()
DENIED = Answer(reaction=Reaction.REFUSED)  # to somebody who may give no commands


@dataclass(frozen=True, slots=True)
class Note:
    """A command that was decided on: it is never decided on again."""

    comment: Comment
    repository: str
    number: int  # of the pull request
    left: Answer
    decided_at: datetime
    unsure_since: datetime | None = None  # a reply was sent then, and its outcome is not known
    confidential: bool = False  # the reply may name what not everybody may read
    reply: int = 0  # the id of such a reply, so that it can be deleted; 0: there is none
    denied: bool = False  # its author may give no commands, and is told so
    labels: tuple[str, ...] = ()  # that it changes, even once it has
    labels_seen_at: datetime | None = None  # the newest change of these that it was decided on; None: it knew none

    @property
    def key(self) -> str:
        """The name by which it is stored."""
        return self.comment.id
