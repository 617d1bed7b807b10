"""Commands: decides on what people ask for in comments, and does it, on the thread of the reporter.

What follows from a command is stored before any of it is done, so it is decided once, whatever happens meanwhile.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from plugin.core.answers.wanted import Wanted
from plugin.core.commands.answer import DENIED, NOTHING, Answer, Note
from plugin.core.commands.deciding import (
    Scene,
    changed_at,
    counts,
    decide,
    is_listed,
    keeps_waiting,
    may_be_told,
    names_nothing,
)
from plugin.core.config.messages import one_line
from plugin.core.config.references import Locator
from plugin.core.facts.agreement import doubt_about
from plugin.core.facts.heard import COUNTS_FOR, Comment, Conversation, Heard
from plugin.core.facts.lives import NO_LIVES
from plugin.core.life.acting import Said
from plugin.core.reports.budget import Allowance
from plugin.core.reports.content import Kind, Target
from plugin.core.reports.naming import naming
from plugin.core.reports.said import Pages, Place
from plugin.core.reports.wanted import everything_about
from plugin.logs import get_logger
from plugin.mirror.acting import acts_on
from plugin.mirror.current import Current
from plugin.report.agenda import Agenda
from plugin.report.answering import Answering
from plugin.report.notebook import Notebook, target_of
from plugin.report.obeying import Obeying
from plugin.report.writing import Closed, Forbidden, Lost, Missing, Refused

STRANGERS = 1000  # that are remembered
STRANGER_FOR = timedelta(minutes=1)  # so long nobody asks again whether somebody may write


@dataclass(frozen=True, slots=True)
class _New:
    """A comment that may be a command, and was not decided on."""

    repository: str
    conversation: Conversation
    comment: Comment

    @property
    def place(self) -> tuple[str, int]:
        return self.repository, self.conversation.number


@dataclass(eq=False, slots=True)
class Commands:
    """Used by one thread."""

    _answering: Answering
    _notebook: Notebook
    _obeying: Obeying
    _pages: Pages = field(default_factory=Pages)
    _strangers: dict[tuple[str, str], datetime] = field(default_factory=dict)  # repository and login: until when

    def work(self, agenda: Agenda, current: Current, allowance: Allowance) -> bool:
        """Do the next thing; tell whether there was one. Raises Outdated or Unreachable."""
        now = self._notebook.clock()
        self._begin(agenda, current, now)
        for note in sorted(agenda.sent.notes.values(), key=lambda each: each.comment.at):
            if self._obeying.is_over(note, current, now):
                self._notebook.forget(agenda, note)
            elif self._obeying.is_due(note, current, allowance, now):
                self._obeying.go_on(agenda, note, current)
                return True
        found = sorted(self._new(agenda, current, now), key=lambda each: each.comment.at)
        doubt = doubt_about(now, current.known.snapshot.compared_at) if found else ""
        notes = agenda.sent.notes.values()
        waiting = {each.place for each in found for note in notes if _keeps_waiting(note, each, now)}
        for new in found:
            target = target_of(new.repository, new.conversation.number, new.comment)
            if doubt:
                self._notebook.waits(target, "the clock is in doubt", doubt)
            elif (
                new.place not in waiting
                and allowance.may_ask(target.pull_request)
                and self._notebook.may(target, new.comment.id)
            ):
                self._decide(agenda, new, current)
                return True
            waiting.add(new.place)  # so that the newest is carried out last
        return False

    def _begin(self, agenda: Agenda, current: Current, now: datetime) -> None:
        """See to it that comments count only if nothing that was decided on after them can have been forgotten."""
        catalog, since = current.known.catalog, agenda.sent.since
        if catalog is None:
            return
        if catalog.commands is None:
            if since is not None:
                self._notebook.begin_anew(agenda, None)
        elif since is None or since > now + COUNTS_FOR:  # no comment lies that far ahead: a clock was wrong
            said = (comment.at for *_, comment in _heard(current))  # the source's clock may be ahead of ours
            self._notebook.begin_anew(agenda, max([now, *said]))

    def _new(self, agenda: Agenda, current: Current, now: datetime) -> Iterator[_New]:
        catalog = current.known.catalog
        if catalog is None or catalog.commands is None or current.decision is None:
            return
        since = agenda.sent.since
        for name, heard, conversation, comment in _heard(current):
            if name not in current.decision.parts or since is None or comment.id in agenda.sent.notes:
                continue
            if counts(comment, max(heard.since, since), catalog.commands, now):
                yield _New(name, conversation, comment)

    def _decide(self, agenda: Agenda, new: _New, current: Current) -> None:
        comment, number = new.comment, new.conversation.number
        target = target_of(new.repository, number, comment)
        try:
            answer, place = self._answer(agenda, new, current)
        except (Lost, Closed, Forbidden, Missing, Refused) as error:  # in doubt, nobody is obeyed
            self._notebook.failed(agenda, target, comment.id, error)
            return
        self._notebook.passed(target, comment.id)
        confidential = bool(answer.reply) and place.naming.confidential and not names_nothing(comment)
        labels = answer.labels
        note = Note(
            comment,
            new.repository,
            number,
            answer,
            self._notebook.clock(),
            confidential=confidential,
            denied=answer == DENIED,
            labels=labels,
            labels_seen_at=changed_at(labels, new.conversation),
        )
        self._notebook.keep(agenda, note)
        result = _result(answer)
        self._notebook.metrics.reports.labels(Kind.COMMAND.value, result).inc()
        said = {"pull_request": target.pull_request, "by": comment.author, "command": one_line(comment.line)}
        get_logger().info("a command was given", result=result, **said)

    def _answer(self, agenda: Agenda, new: _New, current: Current) -> tuple[Answer, Place]:
        catalog, decision = current.known.catalog, current.decision
        assert catalog and catalog.commands and decision  # noqa: S101, PT018  otherwise nothing is new
        name, number, comment = new.repository, new.conversation.number, new.comment
        target = target_of(name, number, comment)
        place = Place(catalog, naming(catalog, current.known.snapshot.repositories, name), self._pages)
        if not is_listed(comment, catalog.commands) and not self._may_write(target, comment.author):
            told = may_be_told(comment.author, agenda.sent.notes.values(), self._notebook.clock())
            return (DENIED if told else NOTHING), place
        part, now = decision.parts[name], self._notebook.clock()
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
        try:
            return decide(comment, scene), place
        except Exception as error:  # noqa: BLE001  an unexpected error about one command must not harm all others
            get_logger().error("a command could not be decided", exc_info=error)
            return NOTHING, place

    def _may_write(self, target: Target, login: str) -> bool:
        now, stranger = self._notebook.clock(), (target.repository, login)
        if now < self._strangers.get(stranger, now):
            return False
        if self._answering.may_write(target, login):
            return True
        if len(self._strangers) >= STRANGERS:
            self._strangers.clear()
        self._strangers[stranger] = now + STRANGER_FOR
        return False


def _keeps_waiting(note: Note, new: _New, now: datetime) -> bool:
    return (note.repository, note.number) == new.place and keeps_waiting(note, new.conversation, now)


def _heard(current: Current) -> Iterator[tuple[str, Heard, Conversation, Comment]]:
    for name, repository in current.known.snapshot.repositories.items():
        if heard := repository.heard:
            for conversation in heard.conversations:
                for comment in conversation.comments:
                    yield name, heard, conversation, comment


def _result(answer: Answer) -> str:
    if answer == NOTHING:
        return "ignored"
    return "replied" if answer.reply else "denied" if answer == DENIED else "done"
