"""The notebook: what is kept of commands while they are carried out, and what is left alone after something failed."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from plugin.core.commands.answer import Note
from plugin.core.facts.heard import Comment
from plugin.core.reports.budget import Budget, has_come
from plugin.core.reports.content import Kind, Target
from plugin.errors import PluginError
from plugin.logs import get_logger
from plugin.metrics import Metrics
from plugin.report.agenda import Agenda
from plugin.report.github import PERMISSIONS
from plugin.report.trouble import OFF_FOR, Trouble, switch
from plugin.report.writing import LATEST, Closed, Forbidden, Lost
from plugin.state.outbox import Outbox

NEEDS = f"{PERMISSIONS[Kind.COMMENT]}: write"  # and with a personal token, write access to the repository


@dataclass(eq=False, slots=True)
class Notebook:
    """Used by one thread. Whatever stores may raise Outdated or Unreachable."""

    outbox: Outbox
    metrics: Metrics
    clock: Callable[[], datetime]
    steady: Callable[[], float] = time.monotonic
    _trouble: Trouble = field(default_factory=Trouble)

    def may(self, target: Target, step: object) -> bool:
        """Tell whether a step may be tried now, after what went wrong before."""
        return has_come(self._trouble.until(target, step), self.clock())

    def begin(self, agenda: Agenda, note: Note, target: Target) -> bool:
        """Count a request that writes, and make sure that this replica still polls; False: it is too late for that."""
        claimed = self.steady()
        self.keep(agenda, note, agenda.sent.budget.spent(target.pull_request, self.clock()))
        return self.steady() - claimed <= LATEST

    def keep(self, agenda: Agenda, note: Note, budget: Budget | None = None) -> None:
        """Store what is left to do for a command, then use it."""
        self._keep(agenda, note.key, note, budget or agenda.sent.budget)

    def forget(self, agenda: Agenda, note: Note) -> None:
        """Forget a command."""
        self._keep(agenda, note.key, None, agenda.sent.budget)

    def begin_anew(self, agenda: Agenda, since: datetime | None) -> None:
        """Store that comments until then are no commands, then use it; None: no comment is, for now.

        Notes that cannot be read go last: until they are gone, whoever reads them begins anew.
        """
        self.outbox.keep_since(agenda.sent.budget, since)
        agenda.obey_since(since)
        for key in agenda.sent.unreadable:
            self._keep(agenda, key, None, agenda.sent.budget)

    def passed(self, target: Target, step: object) -> None:
        """Take note that a step succeeded."""
        self._trouble.passed(target, step)

    def failed(self, agenda: Agenda, target: Target, step: object, error: PluginError) -> None:
        """Take note that a step failed with one of the errors of `writing.py`."""
        now = self.clock()
        self.metrics.reports.labels(Kind.COMMAND.value, type(error).__name__.lower()).inc()
        match error:
            case Closed(seconds=float(seconds)):
                budget = agenda.sent.budget.closed(target.pull_request, now + timedelta(seconds=seconds))
                self._keep(agenda, target.name, agenda.sent.notes.get(target.name), budget)
            case Lost():
                self._trouble.fails(target, step, now)
            case Closed():
                self._trouble.pauses(target, now)
            case Forbidden():
                self._trouble.off[switch(target)] = now + OFF_FOR
                if self._trouble.is_news(f"{target.repository} {error}", now):
                    get_logger().error(
                        "commands cannot be carried out; they are switched off for an hour",
                        pull_request=target.pull_request,
                        problem=str(error),
                        needs=NEEDS,
                    )
                return
            case _:
                self._trouble.refuses(target, step, now)
        self.waits(target, f"{type(error).__name__} {error}", str(error))

    def waits(self, target: Target, cause: str, problem: str) -> None:
        """Log why a command waits, unless the same cause was logged lately."""
        if self._trouble.is_news(cause, self.clock()):
            get_logger().warning("a command waits", pull_request=target.pull_request, problem=problem)

    def _keep(self, agenda: Agenda, key: str, note: Note | None, budget: Budget) -> None:
        self.outbox.keep_note(budget, key, note)
        agenda.note(key, note, budget)


def target_of(repository: str, number: int, comment: Comment) -> Target:
    """Return where a command was given."""
    return Target(Kind.COMMAND, repository, number, comment.id)
