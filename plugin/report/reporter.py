"""The reporter: writes what developers are told, one request after the other, on the replica that polls.

It has a thread and clients of its own, so whatever becomes of its requests, nothing that Argo CD asks for waits.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from plugin.core.reports import steps
from plugin.core.reports.budget import Allowance, Budget, has_come
from plugin.core.reports.content import Kind, Target
from plugin.core.reports.said import Pages
from plugin.core.reports.steps import Create, Look, Standing, Step
from plugin.errors import PluginError
from plugin.logs import get_logger
from plugin.metrics import Metrics
from plugin.mirror.current import Current
from plugin.report.agenda import Agenda, Due
from plugin.report.commands import Commands
from plugin.report.github import PERMISSIONS
from plugin.report.trouble import OFF_FOR, Trouble, switch
from plugin.report.writing import LATEST, Closed, Forbidden, Lost, Missing, Refused, Writer
from plugin.state import Lease, Outdated, Unreachable
from plugin.state.outbox import Outbox

NEEDS: Mapping[Kind, str] = {kind: f"{name}: write" for kind, name in PERMISSIONS.items()} | {
    Kind.LINK: "an account of Jira that may link issues",
}
PACE = 1.0  # seconds between two requests, as GitHub asks for
TICK = 1.0  # seconds between two looks at what is known: nobody says that Argo CD has reported something
STOPS_WITHIN = 1.0  # seconds, once it is told to stop
FAILED_FOR = 60.0  # seconds without a request after an unexpected error
UNTOLD = "the catalog asks for reports, but Argo CD cannot tell the plugin that a preview is ready"


@dataclass(eq=False, slots=True)
class Reporter:
    """`run` needs a thread of its own."""

    _newest: Callable[[], Current]  # what was stored last; it may raise Unreachable
    _lease: Lease
    _outbox: Outbox
    _writers: Mapping[Kind, Writer]
    _metrics: Metrics
    _clock: Callable[[], datetime]
    _pages: Pages = field(default_factory=Pages)
    _told: bool = True  # whether Argo CD can report anything
    _steady: Callable[[], float] = time.monotonic
    _commands: Commands | None = None  # None: pull requests are read from a file
    _reports_first: bool = True
    _agenda: Agenda | None = None  # None: this replica does not poll, or has only begun to
    _trouble: Trouble = field(default_factory=Trouble)

    def run(self, stop: threading.Event) -> None:
        """Write until told to stop."""
        while not stop.is_set():
            try:
                wait = self.work()
            except (Outdated, Unreachable):  # the state is read again once this replica polls and can
                self._agenda, wait = None, TICK
            except Exception as error:  # noqa: BLE001  an unexpected error must not end the thread
                get_logger().error("reporting failed", exc_info=error)
                self._agenda, wait = None, FAILED_FOR
            stop.wait(wait)

    def work(self) -> float:
        """Send one request at most; return how many seconds to wait. Raises Outdated or Unreachable."""
        if not self._lease.held:
            self._agenda = None
            return TICK
        agenda = self._agenda or Agenda(self._pages, self._outbox.load(), self._told)
        self._agenda = agenda
        current = self._newest()
        agenda.see(current)
        now = self._clock()
        if agenda.untold and self._trouble.is_news(UNTOLD, now):
            get_logger().warning(UNTOLD, needs="PREVIEW_NOTIFICATIONS_TOKEN and Argo CD's notifications")
        self._metrics.reports_waiting.set(agenda.waiting)
        allowance = agenda.sent.budget.allows(now)
        turns = [partial(self._obey, agenda, current, allowance), partial(self._report, agenda, allowance, now)]
        self._reports_first = not self._reports_first  # so that neither keeps the other waiting
        return PACE if any(work() for work in (reversed(turns) if self._reports_first else turns)) else TICK

    def _obey(self, agenda: Agenda, current: Current, allowance: Allowance) -> bool:
        return self._commands is not None and self._commands.work(agenda, current, allowance)

    def _report(self, agenda: Agenda, allowance: Allowance, now: datetime) -> bool:
        for due in agenda.due(allowance.shares, self._trouble.failed_at):
            if due.step is None:
                if has_come(due.not_before, now):
                    self._keep(agenda, due.target, None)
            elif due.target.kind not in self._writers:
                self._warn_without(due.target.kind, now)
            elif self._may(allowance, due, due.step, now):
                self._take(agenda, due, due.step)
                return True
        return False

    def _may(self, allowance: Allowance, due: Due, step: Step, now: datetime) -> bool:
        may = allowance.may_ask if isinstance(step, Look) else allowance.may_write
        if not may(due.target.pull_request):
            return False
        return all(has_come(moment, now) for moment in (due.not_before, self._trouble.until(due.target, step)))

    def _warn_without(self, kind: Kind, now: datetime) -> None:
        if self._trouble.is_news(f"{kind} without a writer", now):
            why = "PREVIEW_JIRA_TOKEN is not set" if kind is Kind.LINK else "pull requests are read from a file"
            get_logger().warning("the catalog asks for reports that cannot be written", report=kind.value, problem=why)

    def _take(self, agenda: Agenda, due: Due, step: Step) -> None:
        target, writer, claimed = due.target, self._writers[due.target.kind], self._steady()
        if isinstance(step, Look):
            standing = due.standing
        else:
            standing = steps.begun(due.standing, step, self._clock())
            self._keep(agenda, target, standing, agenda.sent.budget.spent(target.pull_request, self._clock()))
            if self._steady() - claimed > LATEST:
                return
        try:
            if isinstance(step, Look):
                after = steps.found(standing, writer.look(target, step))
            else:
                after = steps.done(standing, step, writer.write(target, step), self._clock())
        except (Lost, Closed, Forbidden, Missing, Refused) as error:
            self._failed(agenda, replace(due, standing=standing), step, error)
        else:
            self._trouble.passed(target, step)
            self._metrics.reports.labels(target.kind.value, "looked" if isinstance(step, Look) else "written").inc()
            self._keep(agenda, target, after)

    def _failed(self, agenda: Agenda, due: Due, step: Step, error: PluginError) -> None:
        now, target, after, budget = self._clock(), due.target, due.standing, agenda.sent.budget
        result = type(error).__name__.lower()
        self._metrics.reports.labels(target.kind.value, result).inc()
        match error:
            case Closed(seconds=float(seconds)) if target.kind is not Kind.LINK:
                budget = budget.closed(target.pull_request, now + timedelta(seconds=seconds))
            case Lost():
                self._trouble.fails(target, step, now)
            case Closed():
                self._trouble.pauses(target, now)
            case Forbidden():
                self._trouble.off[switch(target)] = now + OFF_FOR
            case _:
                self._trouble.refuses(target, step, now)
        if isinstance(error, Missing) and not isinstance(step, Look | Create):
            after = steps.missing(after)
        elif not isinstance(error, Lost):
            after = steps.refused(after, step)
        if self._trouble.is_news(f"{target.kind} {result} {error}", now):
            what_follows = "it is switched off for an hour" if isinstance(error, Forbidden) else "it is tried again"
            get_logger().log(
                logging.ERROR if isinstance(error, Forbidden) else logging.WARNING,
                "a report could not be written; " + what_follows,
                report=target.kind.value,
                pull_request=target.pull_request,
                problem=str(error),
                **{"needs": NEEDS[target.kind]} if isinstance(error, Forbidden) else {},
            )
        if due.ending and (isinstance(error, Refused) or (isinstance(error, Missing) and isinstance(step, Look))):
            self._keep(agenda, target, None, budget)  # a commit or a repository is gone; nothing more can be done
        elif (after, budget) != (due.standing, agenda.sent.budget):
            self._keep(agenda, target, after, budget)

    def _keep(self, agenda: Agenda, target: Target, standing: Standing | None, budget: Budget | None = None) -> None:
        """Store what is known now, then use it. Raises Outdated or Unreachable."""
        budget = budget or agenda.sent.budget
        self._outbox.keep(budget, target, standing)
        agenda.know(target, standing, budget)
