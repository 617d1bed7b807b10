"""Deciding: what follows from a command of somebody who may give it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from plugin.core.commands.answer import NOTHING, Answer, Note, Reaction
from plugin.core.commands.parsing import Command, Mistake, Verb, parse
from plugin.core.commands.replying import HELP, reply, sentences
from plugin.core.config.catalog import Service
from plugin.core.config.commands import BOT, Commands
from plugin.core.config.names import folded
from plugin.core.decision.preview import Preview
from plugin.core.facts.acts import Act, ActKind
from plugin.core.facts.heard import COUNTS_FOR, Comment, Conversation
from plugin.core.life.acting import Refusal
from plugin.core.reports.comment import About, paragraphs
from plugin.core.reports.said import Place

DENIALS = 20  # in an hour, one to each account
HOUR = timedelta(hours=1)
FORK = "it comes from a fork, and neither a label nor a command approves a fork's code"

Tell = Callable[[ActKind, timedelta | None], Iterable[tuple[Preview, Act | Refusal]]]  # to all previews of it


@dataclass(frozen=True, eq=False, slots=True)
class Scene:
    """A pull request on which somebody gave a command."""

    place: Place
    services: Sequence[Service]  # of its repository
    conversation: Conversation
    abouts: Sequence[About]  # its previews
    tell: Tell
    ours: str  # the account that sets labels for us


def counts(comment: Comment, since: datetime, commands: Commands, now: datetime) -> bool:
    """Tell whether a comment can be a command at all: new, as it was written, and by a person or a listed bot."""
    if comment.edited or not comment.author or parse(comment.line) is None:
        return False
    if comment.author.endswith(BOT) and not is_listed(comment, commands):
        return False
    return since < comment.at and now - comment.at < COUNTS_FOR


def is_listed(comment: Comment, commands: Commands) -> bool:
    """Tell whether a comment is by one of the bots that the catalog lists."""
    return folded(comment.author) in commands.bots


def decide(comment: Comment, scene: Scene) -> Answer:
    """Return what follows from a command. What was done about a label after the comment, by somebody else, wins."""
    command = parse(comment.line)
    if command is None:
        return NOTHING
    if scene.conversation.fork:
        return _refused(comment, FORK)
    if isinstance(command, Mistake):
        return _refused(comment, command.reason)
    return _RULES[command.verb](_Asked(comment, command, scene))


def outdated(comment: Comment, labels: Iterable[str], conversation: Conversation, ours: str) -> bool:
    """Tell whether somebody else has set or removed one of these labels since a comment was written."""
    meant = set(map(folded, labels))
    return any(
        each.label in meant and each.at > comment.at and folded(each.by) != folded(ours)
        for each in conversation.relabelled
    )


def names_nothing(comment: Comment) -> bool:
    """Tell whether what is replied to a command is the same for everybody."""
    return parse(comment.line) == Command(Verb.HELP)


def may_be_told(author: str, notes: Iterable[Note], now: datetime) -> bool:
    """Tell whether somebody who may give no commands is told so. Strangers must not use up what others may write."""
    denied = [note.comment for note in notes if note.denied and now - note.comment.at < HOUR]
    return len(denied) < DENIALS and all(each.author != author for each in denied)


def changed_at(labels: Iterable[str], conversation: Conversation) -> datetime | None:
    """Return when one of these labels was last set or removed, as far as that was read."""
    meant = set(map(folded, labels))
    return max((each.at for each in conversation.relabelled if each.label in meant), default=None)


def keeps_waiting(note: Note, conversation: Conversation, now: datetime) -> bool:
    """Tell whether other commands on the same pull request must wait for one that was decided on.

    They are decided on the labels that were read, so they wait until what it changed was read. Its changes are newer
    than those that it was decided on, by the same clock; if somebody else was faster, theirs are.
    """
    if now - note.comment.at > COUNTS_FOR:
        return False
    if note.left.acts or note.left.labels:
        return True
    changes, seen = [changed_at([label], conversation) for label in note.labels], note.labels_seen_at
    return any(at is None or (seen is not None and at <= seen) for at in changes)


@dataclass(frozen=True, slots=True)
class _Asked:
    comment: Comment
    command: Command
    scene: Scene

    @property
    def required(self) -> tuple[str, ...]:
        return _each_once(label for service in self.scene.services for label in service.policy.require)

    @property
    def keeping(self) -> tuple[str, ...]:
        return _each_once(service.lifecycle.keep for service in self.scene.services if service.lifecycle.keep)

    def has(self, label: str) -> bool:
        return folded(label) in map(folded, self.scene.conversation.labels)

    def lacks(self, labels: Iterable[str]) -> tuple[str, ...]:
        return tuple(label for label in labels if not self.has(label))

    def is_outdated(self, labels: Iterable[str]) -> bool:
        return outdated(self.comment, labels, self.scene.conversation, self.scene.ours)

    def refused(self, *reasons: str) -> Answer:
        return _refused(self.comment, *map(self.scene.place.naming.sentence, reasons))


def _ask(asked: _Asked) -> Answer:
    if asked.is_outdated(asked.required):
        return NOTHING
    if missing := asked.lacks(asked.required):
        return Answer(added=missing, reaction=Reaction.DONE)
    if not asked.scene.abouts:  # its label is so new that nobody has looked at it yet
        return Answer(reaction=Reaction.DONE)
    return _tell(asked, ActKind.ASK)


def _stop(asked: _Asked) -> Answer:
    if asked.is_outdated(asked.required):
        return NOTHING
    first = _each_once(service.policy.require[0] for service in asked.scene.services if service.policy.require)
    if not first:
        return asked.refused("its previews need no label, so there is none to remove. Comment /preview pause instead")
    if present := tuple(label for label in first if asked.has(label)):
        return Answer(removed=present, reaction=Reaction.DONE)
    return asked.refused(_no_preview(asked))


def _act(asked: _Asked, kind: ActKind) -> Answer:
    if asked.is_outdated(asked.required):
        return NOTHING
    return _tell(asked, kind) if asked.scene.abouts else asked.refused(_no_preview(asked))


def _keep(asked: _Asked) -> Answer:
    if asked.is_outdated((*asked.keeping, *asked.required)):
        return NOTHING
    if not asked.keeping:
        return asked.refused("the catalog has no label that keeps a preview. Comment /preview extend instead")
    if not asked.scene.abouts:
        return asked.refused(_no_preview(asked))
    return Answer(added=asked.lacks(asked.keeping), reaction=Reaction.DONE)


def _why(asked: _Asked) -> Answer:
    scene = asked.scene
    said = paragraphs(scene.abouts, scene.place) if scene.abouts else [sentences([_no_preview(asked)])]
    return Answer(reply=reply(asked.comment, *said))


def _help(asked: _Asked) -> Answer:
    return Answer(reply=reply(asked.comment, HELP))


_RULES: Mapping[Verb, Callable[[_Asked], Answer]] = {
    Verb.ASK: _ask,
    Verb.STOP: _stop,
    Verb.PAUSE: partial(_act, kind=ActKind.PAUSE),
    Verb.RESUME: partial(_act, kind=ActKind.RESUME),
    Verb.EXTEND: partial(_act, kind=ActKind.EXTEND),
    Verb.KEEP: _keep,
    Verb.WHY: _why,
    Verb.HELP: _help,
}


def _tell(asked: _Asked, kind: ActKind) -> Answer:
    found = list(asked.scene.tell(kind, asked.command.span))
    if acts := tuple(each for _, each in found if isinstance(each, Act)):
        return Answer(acts=acts, reaction=Reaction.DONE)
    several = len(found) > 1
    refusals = [(preview.service.name, each.reason) for preview, each in found if isinstance(each, Refusal)]
    return asked.refused(*(f"{name}: {reason}" if several else reason for name, reason in refusals))


def _no_preview(asked: _Asked) -> str:
    missing = " and ".join(f'"{label}"' for label in asked.lacks(asked.required))
    if not missing:
        return "it has no preview that is known of yet. Comment again in a minute"
    return f"it asks for no preview: it lacks the label {missing}. Comment /preview to ask for one"


def _refused(comment: Comment, *reasons: str) -> Answer:
    return Answer(reply=reply(comment, sentences(reasons)))


def _each_once(labels: Iterable[str]) -> tuple[str, ...]:
    spelt: dict[str, str] = {}
    for label in labels:
        spelt.setdefault(folded(label), label)
    return tuple(spelt.values())
