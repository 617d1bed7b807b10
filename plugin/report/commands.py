"""Commands: does what people ask for in comments, one request after the other, on the thread of the reporter.

What follows from a command is stored before any of it is done, so it is decided once, whatever happens meanwhile. Each
part of it can be repeated without harm, except a reply: if it is not known whether that was written, it is looked for.
"""

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from plugin.core.answers.wanted import Wanted
from plugin.core.commands.answer import NOTHING, Answer, Note, Reaction
from plugin.core.commands.deciding import Scene, counts, decide, is_listed, outdated
from plugin.core.config.messages import one_line
from plugin.core.config.references import Locator
from plugin.core.facts.acts import Act
from plugin.core.facts.heard import COUNTS_FOR, Comment, Conversation
from plugin.core.facts.lives import NO_LIVES
from plugin.core.life.acting import Said
from plugin.core.reports.budget import Allowance, Budget
from plugin.core.reports.content import Kind, Target
from plugin.core.reports.naming import naming
from plugin.core.reports.said import Pages, Place
from plugin.core.reports.steps import SETTLES
from plugin.core.reports.wanted import everything_about
from plugin.errors import PluginError
from plugin.logs import get_logger
from plugin.metrics import Metrics
from plugin.mirror.acting import acts_on
from plugin.mirror.current import Current
from plugin.report.agenda import Agenda
from plugin.report.answering import Answering
from plugin.report.trouble import OFF_FOR, Trouble, switch
from plugin.report.writing import LATEST, Closed, Forbidden, Lost, Missing, Refused
from plugin.state.outbox import Outbox

REMEMBERED_FOR = 3 * COUNTS_FOR  # after a comment was written: by then it has long ceased to count
# In an hour on one pull request. Who may not write is told so, but cannot use up what others may write.
DENIALS = 20
STRANGERS = 1000  # that are remembered
STRANGER_FOR = timedelta(minutes=1)  # so long nobody asks again whether somebody may write


@dataclass(frozen=True, slots=True)
class _New:
    """A comment that may be a command, and was not decided on."""

    repository: str
    conversation: Conversation
    comment: Comment


@dataclass(eq=False, slots=True)
class Commands:
    """Used by one thread."""

    _answering: Answering
    _outbox: Outbox
    _act: Callable[[Act], None]  # stores it; may raise Unreachable
    _hint: Callable[[Collection[str]], None]  # says that something has changed in repositories; may raise Unreachable
    _metrics: Metrics
    _clock: Callable[[], datetime]
    _pages: Pages = field(default_factory=Pages)
    _steady: Callable[[], float] = time.monotonic
    _trouble: Trouble = field(default_factory=Trouble)
    _strangers: dict[tuple[str, str], datetime] = field(default_factory=dict)  # repository and login: until when

    def work(self, agenda: Agenda, current: Current, allowance: Allowance) -> bool:
        """Do the next thing, with one request at most; tell whether there was one. Raises Outdated or Unreachable."""
        now = self._clock()
        for note in sorted(agenda.sent.notes.values(), key=lambda each: each.comment.at):
            if self._is_over(note, current, now):
                self._forget(agenda, note)
            elif self._is_due(note, current, allowance, now):
                self._go_on(agenda, note, current)
                return True
        for new in sorted(self._new(agenda, current, now), key=lambda each: each.comment.at):
            target = _target(new.repository, new.conversation.number, new.comment)
            if _has_come(self._trouble.until(target, new.comment.id), now):
                self._decide(agenda, new, current, allowance)
                return True
        return False

    # --- What was decided

    def _is_over(self, note: Note, current: Current, now: datetime) -> bool:
        catalog = current.known.catalog
        if catalog is None:
            return False
        gone = catalog.commands is None or note.repository not in catalog.repositories
        kept = note.reply and not gone  # it may have to be deleted
        return not kept and (gone or now - note.comment.at > REMEMBERED_FOR)

    def _is_due(self, note: Note, current: Current, allowance: Allowance, now: datetime) -> bool:
        if note.left == NOTHING and not self._is_exposed(note, current):
            return False
        if note.unsure_since and now < note.unsure_since + SETTLES:
            return False
        target = _target(note.repository, note.number, note.comment)
        may = bool(note.left.acts) or allowance.may_write(target.pull_request)
        return may and _has_come(self._trouble.until(target, note.left), now)

    def _go_on(self, agenda: Agenda, note: Note, current: Current) -> None:
        target = _target(note.repository, note.number, note.comment)
        try:
            self._do_next(agenda, note, current, target)
        except (Lost, Closed, Forbidden, Missing, Refused) as error:
            note = agenda.sent.notes[note.key]
            if note.unsure_since and not isinstance(error, Lost):
                note = replace(note, unsure_since=None)
                self._keep(agenda, note)
            if isinstance(error, Missing):  # the pull request or the comment is gone, so nobody waits for an answer
                self._keep(agenda, replace(note, left=NOTHING))
            self._failed(agenda, target, note.left, error)
        else:
            self._trouble.passed(target)

    def _do_next(self, agenda: Agenda, note: Note, current: Current, target: Target) -> None:
        left = note.left
        if note.unsure_since:
            found = self._answering.replied(target, note)
            self._replied(agenda, note, found) if found else self._keep(agenda, replace(note, unsure_since=None))
        elif self._is_exposed(note, current):
            if note.reply and self._begin(agenda, note, target):
                self._answering.delete(target, note.reply)
            self._keep(agenda, replace(note, left=replace(left, reply=""), reply=0, confidential=False))
        elif self._clock() - note.comment.at > COUNTS_FOR or self._is_outdated(note, current, target):
            self._keep(agenda, replace(note, left=NOTHING))
        elif left.acts:
            for act in left.acts:
                self._act(act)
            self._keep(agenda, replace(note, left=replace(left, acts=())))
        elif left.added or left.removed:
            self._relabel(agenda, note, target)
        elif left.reply:
            self._reply(agenda, note, target)
        elif self._begin(agenda, note, target):
            self._answering.react(target, note.comment.database_id, left.reaction)
            self._keep(agenda, replace(note, left=NOTHING))

    def _relabel(self, agenda: Agenda, note: Note, target: Target) -> None:
        left = note.left
        if not self._begin(agenda, note, target):
            return
        if left.added:
            self._answering.add_labels(target, left.added)
            left = replace(left, added=())
        else:
            self._answering.remove_label(target, left.removed[0])
            left = replace(left, removed=left.removed[1:])
        self._keep(agenda, replace(note, left=left))
        self._hint([note.repository])

    def _reply(self, agenda: Agenda, note: Note, target: Target) -> None:
        note = replace(note, unsure_since=self._clock())
        if self._begin(agenda, note, target):
            self._replied(agenda, note, self._answering.reply(target, note.left.reply))

    def _replied(self, agenda: Agenda, note: Note, found: int) -> None:
        left = replace(note.left, reply="")
        self._keep(agenda, replace(note, left=left, unsure_since=None, reply=found if note.confidential else 0))

    def _is_exposed(self, note: Note, current: Current) -> bool:
        """Tell whether a reply names, or is to name, what everybody can read now."""
        known = current.known.snapshot.repositories.get(note.repository)
        return note.confidential and bool(note.reply or note.left.reply) and known is not None and bool(known.public)

    def _is_outdated(self, note: Note, current: Current, target: Target) -> bool:
        labels = (*note.left.added, *note.left.removed)
        known = current.known.snapshot.repositories.get(note.repository)
        conversations = known.heard.conversations if known and known.heard else ()
        said = [each for each in conversations if each.number == note.number]
        ours = self._answering.account(target) if labels else ""
        return any(outdated(note.comment, labels, each, ours) for each in said)

    # --- What is to be decided

    def _new(self, agenda: Agenda, current: Current, now: datetime) -> Iterator[_New]:
        catalog = current.known.catalog
        if catalog is None or catalog.commands is None or current.decision is None:
            return
        for name in current.decision.parts:
            heard = current.known.snapshot.repositories[name].heard
            for conversation in heard.conversations if heard else ():
                for comment in conversation.comments:
                    if heard and comment.id not in agenda.sent.notes and counts(comment, heard, catalog.commands, now):
                        yield _New(name, conversation, comment)

    def _decide(self, agenda: Agenda, new: _New, current: Current, allowance: Allowance) -> None:
        comment, number = new.comment, new.conversation.number
        target = _target(new.repository, number, comment)
        try:
            answer, place = self._answer(agenda, new, current, allowance)
        except (Lost, Closed, Forbidden, Missing, Refused) as error:  # in doubt, nobody is obeyed
            self._failed(agenda, target, comment.id, error)
            return
        self._trouble.passed(target)
        confidential = bool(answer.reply) and place.naming.confidential
        self._keep(agenda, Note(comment, new.repository, number, answer, confidential=confidential))
        result = _result(answer)
        self._metrics.reports.labels(Kind.COMMAND.value, result).inc()
        said = {"pull_request": target.pull_request, "by": comment.author, "command": one_line(comment.line)}
        get_logger().info("a command was given", result=result, **said)

    def _answer(self, agenda: Agenda, new: _New, current: Current, allowance: Allowance) -> tuple[Answer, Place]:
        catalog, decision = current.known.catalog, current.decision
        assert catalog and catalog.commands and decision  # noqa: S101, PT018  otherwise nothing is new
        name, number, comment = new.repository, new.conversation.number, new.comment
        target = _target(name, number, comment)
        place = Place(catalog, naming(catalog, current.known.snapshot.repositories, name), self._pages)
        if not is_listed(comment, catalog.commands) and not self._may_write(target, comment.author):
            told = allowance.shares[target.pull_request] < DENIALS
            return (Answer(reaction=Reaction.REFUSED) if told else NOTHING), place
        part, now = decision.parts[name], self._clock()
        lives = part.made_from[0].lives if part.made_from[0] else NO_LIVES
        scene = Scene(
            place=place,
            services=catalog.repositories[name],
            conversation=new.conversation,
            abouts=[
                everything_about(preview, lives.get(preview.key), agenda.around)
                for preview in part.previews
                if preview.pull_request.number == number
            ],
            tell=lambda kind, span: acts_on(
                current, Wanted(Locator(name, number)), Said(kind, comment.author, now, span)
            ),
            ours=self._answering.account(target),
        )
        return decide(comment, scene), place

    def _may_write(self, target: Target, login: str) -> bool:
        now, stranger = self._clock(), (target.repository, login)
        if now < self._strangers.get(stranger, now):
            return False
        if self._answering.may_write(target, login):
            return True
        if len(self._strangers) >= STRANGERS:
            self._strangers.clear()
        self._strangers[stranger] = now + STRANGER_FOR
        return False

    # --- What is known

    def _begin(self, agenda: Agenda, note: Note, target: Target) -> bool:
        """Count a request that writes, and make sure that this replica still polls; False: it is too late for that."""
        claimed = self._steady()
        self._keep(agenda, note, agenda.sent.budget.spent(target.pull_request, self._clock()))
        return self._steady() - claimed <= LATEST

    def _keep(self, agenda: Agenda, note: Note, budget: Budget | None = None) -> None:
        budget = budget or agenda.sent.budget
        self._outbox.keep_note(budget, note.key, note)
        agenda.note(note.key, note, budget)

    def _forget(self, agenda: Agenda, note: Note) -> None:
        self._outbox.keep_note(agenda.sent.budget, note.key, None)
        agenda.note(note.key, None, agenda.sent.budget)

    def _failed(self, agenda: Agenda, target: Target, step: object, error: PluginError) -> None:
        now = self._clock()
        self._metrics.reports.labels(Kind.COMMAND.value, type(error).__name__.lower()).inc()
        match error:
            case Closed(seconds=float(seconds)):
                key, budget = target.name, agenda.sent.budget.closed(now + timedelta(seconds=seconds))
                note = agenda.sent.notes.get(key)
                self._outbox.keep_note(budget, key, note)
                agenda.note(key, note, budget)
            case Lost() | Closed():
                self._trouble.pauses(target, now)
            case Forbidden():
                self._trouble.off[switch(target)] = now + OFF_FOR
            case _:
                self._trouble.refuses(target, step, now)
        if self._trouble.is_news(f"command {type(error).__name__} {error}", now):
            get_logger().warning("a command waits", pull_request=target.pull_request, problem=str(error))


def _target(repository: str, number: int, comment: Comment) -> Target:
    return Target(Kind.COMMAND, repository, number, comment.id)


def _has_come(moment: datetime | None, now: datetime) -> bool:
    return moment is None or moment <= now


def _result(answer: Answer) -> str:
    if answer == NOTHING:
        return "ignored"
    return "replied" if answer.reply else "denied" if answer.reaction is Reaction.REFUSED else "done"
