"""Checks of commits: check runs in check suites of GitHub Apps, and commit statuses."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

ACTIONS = "github-actions"


@dataclass(frozen=True)
class CheckRun:
    id: int  # the newer, the larger
    name: str
    conclusion: str | None  # None: it has not completed


@dataclass(frozen=True)
class CheckSuite:
    id: int  # the newer, the larger
    app: str | None  # its slug; None: it was deleted
    runs: tuple[CheckRun, ...] = ()

    def latest(self) -> tuple[CheckRun, ...]:
        """Return the newest run of each name."""
        return tuple({run.name: run for run in self.runs}.values())

    def has(self, name: str) -> bool:
        return any(run.name == name for run in self.runs)


@dataclass(frozen=True)
class Status:
    """A commit status."""

    context: str
    state: str
    creator: str | None  # a login, of an app with [bot]; None: a deleted account


def with_run(
    suites: Iterable[CheckSuite], number: int, name: str, conclusion: str | None, app: str | None, *, again: bool
) -> tuple[CheckSuite, ...]:
    """Run a check in a suite of its own, or `again` in the newest suite of that app that has it."""
    run, before = CheckRun(number, name, conclusion), list(suites)
    if not again:
        return (*before, CheckSuite(number, app, (run,)))
    newest = max(index for index, suite in enumerate(before) if suite.app == app and suite.has(name))
    before[newest] = replace(before[newest], runs=(*before[newest].runs, run))
    return tuple(before)
