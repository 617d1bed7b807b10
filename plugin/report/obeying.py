"""Obeying: does what is left of a command that was decided on, one request after the other.

Each part of it can be repeated without harm, except a reply: if it is not known whether that was written, it is looked
for.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from plugin.core.commands.answer import NOTHING, Note
from plugin.core.commands.deciding import is_listed, outdated, overruled
from plugin.core.facts.acts import Act
from plugin.core.facts.heard import COUNTS_FOR, Conversation
from plugin.core.reports.budget import Allowance
from plugin.core.reports.content import Target
from plugin.core.reports.steps import SETTLES
from plugin.mirror.current import Current
from plugin.report.agenda import Agenda
from plugin.report.answering import Answering
from plugin.report.notebook import Notebook, target_of
from plugin.report.writing import Closed, Forbidden, Lost, Missing, Refused

REMEMBERED_FOR = 3 * COUNTS_FOR  # after a comment was written: by then it has long ceased to count

REPLIES_FOR = timedelta(days=30)  # those that have to be deleted if their repository is published
FRESH_FOR = timedelta(minutes=1)  # that somebody may remove a label, and that nobody has changed it


@dataclass(eq=False, slots=True)
class Obeying:
    """Used by one thread. Every method that stores may raise Outdated or Unreachable."""

    _answering: Answering
    _notebook: Notebook
    _act: Callable[[Act], None]  # stores it
    _hint: Callable[[Collection[str]], None]  # says that something has changed in repositories

    def is_over(self, note: Note, current: Current, now: datetime) -> bool:
        """Tell whether a command can be forgotten."""
        catalog = current.known.catalog
        if catalog is None:
            return False
        if catalog.commands is None:  # once it is set again, only later comments count
            return True
        may_be_exposed = note.reply and note.repository in catalog.repositories
        return now - note.comment.at > (REPLIES_FOR if may_be_exposed else REMEMBERED_FOR)

    def is_due(self, note: Note, current: Current, allowance: Allowance, now: datetime) -> bool:
        """Tell whether something can be done now."""
        catalog = current.known.catalog
        if catalog is None or note.repository not in catalog.repositories:
            return False
        if note.left == NOTHING and not _is_exposed(note, current):
            return False
        if note.unsure_since and now < note.unsure_since + SETTLES:
            return False
        target = target_of(note.repository, note.number, note.comment)
        if _is_stale(note, now) and not _was_read_lately(note, current, now):
            return False
        may = bool(note.left.acts) or allowance.may_write(target.pull_request)
        return may and self._notebook.may(target, note.left)

    def go_on(self, agenda: Agenda, note: Note, current: Current) -> None:
        """Do the next thing, with one request at most."""
        target, was_sure = target_of(note.repository, note.number, note.comment), note.unsure_since is None
        try:
            self._do_next(agenda, note, current, target)
        except (Lost, Closed, Forbidden, Missing, Refused) as error:
            note = agenda.sent.notes[note.key]
            if isinstance(error, Missing):  # the pull request or the comment is gone, so nobody waits for an answer
                self._notebook.keep(agenda, replace(_dropped(note), unsure_since=None))
            elif note.unsure_since and was_sure and not isinstance(error, Lost):  # it was certainly not written
                self._notebook.keep(agenda, replace(note, unsure_since=None))
            self._notebook.failed(agenda, target, note.left, error)
        else:
            self._notebook.passed(target, note.left)

    def _do_next(self, agenda: Agenda, note: Note, current: Current, target: Target) -> None:
        left, keep = note.left, self._notebook.keep
        if note.unsure_since:
            found = self._answering.replied(target, note)
            self._replied(agenda, note, found) if found else keep(agenda, replace(note, unsure_since=None))
        elif _is_exposed(note, current):
            self._take_back(agenda, note, target)
        elif self._notebook.clock() - note.comment.at > COUNTS_FOR or _is_taken_back(note, current):
            keep(agenda, _dropped(note))
        elif self._is_overruled(note, current, target):
            keep(agenda, replace(_dropped(note), left=overruled(note.comment)))
        elif left.acts:
            for act in left.acts:
                self._act(act)
            keep(agenda, replace(note, left=replace(left, acts=())))
        elif _is_stale(note, self._notebook.clock()):
            self._ask_again(agenda, note, current, target)
        elif left.labels:
            self._relabel(agenda, note, target)
        elif left.reply:
            self._reply(agenda, note, target)
        elif self._notebook.begin(agenda, note, target):
            self._answering.react(target, note.comment.database_id, left.reaction)
            keep(agenda, replace(note, left=NOTHING))

    def _ask_again(self, agenda: Agenda, note: Note, current: Current, target: Target) -> None:
        """Make sure that somebody may still remove a label: that deletes a preview, and was decided some time ago."""
        commands = current.known.catalog and current.known.catalog.commands
        listed = commands and is_listed(note.comment, commands)
        may = listed or self._answering.may_write(target, note.comment.author)
        asked = replace(note, decided_at=self._notebook.clock())
        self._notebook.keep(agenda, asked if may else _dropped(note))

    def _relabel(self, agenda: Agenda, note: Note, target: Target) -> None:
        left = note.left
        if not self._notebook.begin(agenda, note, target):
            return
        if left.added:
            self._answering.add_labels(target, left.added)
            left = replace(left, added=())
        else:
            self._answering.remove_label(target, left.removed[0])
            left = replace(left, removed=left.removed[1:])
        self._notebook.keep(agenda, replace(note, left=left))
        self._hint([note.repository])

    def _reply(self, agenda: Agenda, note: Note, target: Target) -> None:
        note = replace(note, unsure_since=self._notebook.clock())
        if self._notebook.begin(agenda, note, target):
            self._replied(agenda, note, self._answering.reply(target, note.left.reply))

    def _replied(self, agenda: Agenda, note: Note, found: int) -> None:
        left = replace(note.left, reply="")
        reply = found if note.confidential else 0
        self._notebook.keep(agenda, replace(note, left=left, unsure_since=None, reply=reply))

    def _take_back(self, agenda: Agenda, note: Note, target: Target) -> None:
        if note.reply:
            if not self._notebook.begin(agenda, note, target):
                return
            self._answering.delete(target, note.reply)
        left = replace(note.left, reply="")
        self._notebook.keep(agenda, replace(note, left=left, reply=0, confidential=False))

    def _is_overruled(self, note: Note, current: Current, target: Target) -> bool:
        labels, said = note.left.labels, _conversation(note, current)
        if not labels or said is None:
            return False
        return outdated(note.comment, labels, said, self._answering.account(target))


def _is_taken_back(note: Note, current: Current) -> bool:
    """Tell whether a command was deleted or edited before it was carried out."""
    if not (note.left.acts or note.left.labels or note.left.reply):
        return False
    said = _conversation(note, current)
    return said is None or not any(each.id == note.comment.id and not each.edited for each in said.comments)


def _conversation(note: Note, current: Current) -> Conversation | None:
    known = current.known.snapshot.repositories.get(note.repository)
    conversations = known.heard.conversations if known and known.heard else ()
    return next((each for each in conversations if each.number == note.number), None)


def _is_stale(note: Note, now: datetime) -> bool:
    return bool(note.left.removed) and now - note.decided_at > FRESH_FOR


def _was_read_lately(note: Note, current: Current, now: datetime) -> bool:
    snapshot = current.known.snapshot
    known, read_at = snapshot.repositories.get(note.repository), snapshot.read_at.get(note.repository)
    if known is None or known.unheard or read_at is None:
        return False
    return now - read_at <= FRESH_FOR


def _dropped(note: Note) -> Note:
    """Return a command of which nothing more is done, so that no other one waits for what it changes."""
    return replace(note, left=NOTHING, labels=())


def _is_exposed(note: Note, current: Current) -> bool:
    """Tell whether a reply names, or is to name, what everybody may read now."""
    known = current.known.snapshot.repositories.get(note.repository)
    return note.confidential and bool(note.reply or note.left.reply) and known is not None and known.public is not False
