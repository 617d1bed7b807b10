"""The fault matrix: whatever goes wrong, no Application is deleted, the reason is reported, and all recovers.

Each fault of GitHub happens three times: to a plugin that knows everything, to one that was restarted with its state,
and to one that was restarted without. A cell mostly waits for the plugin's next refresh, so several run at once, and
the tests look at the results.
"""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from queue import SimpleQueue
from typing import Any

import pytest

from tests.conformance.argocd import Reconciled
from tests.conformance.stage import NEVER_READ, ORDERS, PUSHED, Stage, refused, well
from tests.contract.conftest import pull_request
from tests.fakes.github import GitHub, Intercept, faults
from tests.server import wait_for

AT_ONCE = 4
Futures = dict[str, Future[Any]]
EVERYTHING = "acme/backoffice, acme/orders, acme/payments, acme/shop, acme/users"
LATENCY = 12.0  # seconds; the plugin lets its first caller wait for 10
CROWD = range(700, 725)  # pull requests of one repository: two pages for a plugin that does not know how many there are


@dataclass(frozen=True)
class Fault:
    """How a fault begins and ends. `doubtful` are the repositories that cannot be read meanwhile."""

    begin: Callable[[Stage], object]
    end: Callable[[Stage], object]
    doubtful: str = EVERYTHING
    never_read: str = EVERYTHING  # those that a plugin without state cannot read
    silences: bool = False  # GitHub's rules require a pause of a minute; restarting the plugin is quicker


def _intercept(intercept: Intercept, doubtful: str = EVERYTHING, never_read: str = "", **also: bool) -> Fault:
    def begin(staged: Stage) -> None:
        staged.github.intercept = intercept

    def end(staged: Stage) -> None:
        staged.github.intercept = None

    return Fault(begin, end, doubtful, never_read or doubtful, **also)


def _come_back(staged: Stage) -> None:
    port = int(staged.github.url.rpartition(":")[2])
    staged.github = staged.running.enter_context(GitHub(staged.github.organisation, port=port))


FAULTS = {
    "GitHub is down": Fault(lambda staged: staged.github.close(), _come_back),
    **{name: _intercept(fault) for name, fault in faults.OUTAGES.items()},
    **{name: _intercept(fault, silences=True) for name, fault in faults.SILENCING.items()},
    # A plugin that knows everything lists only the repository that has changed.
    **{name: _intercept(fault, ORDERS) for name, fault in faults.PARTIAL.items()},
    "resource limits exceeded": _intercept(faults.PARTIAL["resource limits exceeded"], ORDERS, EVERYTHING),
    "repository renamed": Fault(
        lambda staged: staged.github.rename(ORDERS, "acme/sales"),
        lambda staged: staged.github.restore(),
        ORDERS,
        ORDERS,
    ),
    "repository deleted": Fault(
        lambda staged: staged.github.delete(ORDERS), lambda staged: staged.github.restore(), ORDERS, ORDERS
    ),
}


@dataclass
class Cell:
    """What Argo CD did at each point, and what the plugin reported."""

    during: Reconciled
    said: Any
    in_doubt: float
    with_state: Reconciled
    said_with_state: Any
    mended: Reconciled
    without_state: Reconciled
    without_state_again: Reconciled
    recovered: Reconciled


def run(staged: Stage, fault: Fault) -> Cell:
    # The plugin knows everything when the fault begins. Then a push happens.
    fault.begin(staged)
    staged.push()
    wait_until_in_doubt(staged)
    during, said = staged.reconcile(), staged.reported()
    in_doubt = staged.server.metric("preview_repositories_in_doubt")

    # It is restarted with its state.
    staged.start_plugin(remembers=True)
    with_state = staged.reconcile()
    wait_until_in_doubt(staged)
    assert staged.reconcile().touched == set()
    said_with_state = staged.reported()
    fault.end(staged)
    if fault.silences:
        staged.start_plugin(remembers=True)
    mended = staged.settle()

    # It is restarted without.
    fault.begin(staged)
    staged.start_plugin()
    without_state, without_state_again = staged.reconcile(), staged.reconcile()
    fault.end(staged)
    if fault.silences:
        staged.start_plugin()
    staged.ready()
    recovered = staged.reconcile()
    return Cell(
        during, said, in_doubt, with_state, said_with_state, mended, without_state, without_state_again, recovered
    )


def wait_until_in_doubt(staged: Stage) -> None:
    wait_for(lambda: staged.server.metric("preview_repositories_in_doubt") > 0)


@pytest.fixture(name="cells", scope="module")
def _cells(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Futures]:
    """Start every cell that a test asks for, on a few stages at once."""
    tests = [item for item in request.session.items if isinstance(item, pytest.Function) and hasattr(item, "callspec")]
    wanted = {str(value) for test in tests for value in test.callspec.params.values()}
    free: SimpleQueue[Stage] = SimpleQueue()

    def on_a_free_stage(story: Callable[[Stage], object]) -> object:
        staged = free.get()
        try:
            return story(staged)
        finally:
            free.put(staged)

    with ExitStack() as running, ThreadPoolExecutor(AT_ONCE) as threads:
        folders = [tmp_path_factory.mktemp("stage") for _ in range(AT_ONCE)]
        for staged in threads.map(lambda each: running.enter_context(well(each)), folders):
            free.put(staged)
        stories = STORIES | {name: partial(run, fault=fault) for name, fault in FAULTS.items()}
        yield {name: threads.submit(on_a_free_stage, story) for name, story in stories.items() if name in wanted}


@pytest.fixture(name="cell")
def _cell(cells: Futures, fault: str) -> Cell:
    found: Cell = cells[fault].result()
    return found


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_of_github_deletes_anything(fault: str, cell: Cell) -> None:
    doubtful = FAULTS[fault].doubtful

    for answered, said in ((cell.during, cell.said), (cell.with_state, cell.said_with_state)):
        assert answered.problem == ""
        assert answered.fine
        assert answered.touched == set()
        assert said["snapshot"]["complete"] is False
    assert cell.in_doubt == len(doubtful.split(", "))

    assert cell.mended.fine
    assert cell.mended.updated.keys() == {PUSHED} == cell.mended.touched

    refused(cell.without_state, NEVER_READ + FAULTS[fault].never_read)
    assert cell.without_state.conditions["ParametersGenerated"]["status"] == "False"
    assert cell.without_state_again.touched == set()
    assert cell.without_state_again.problem == cell.without_state.problem

    assert cell.recovered.fine
    assert cell.recovered.touched == set()


# Missing when a list lost every second entry, and when it lost all but the first.
LOST = ["preview-orders-15", "preview-orders-18"]


def believe(staged: Stage, lie: Intercept) -> None:
    """A plugin with state does not trust the list: it looks up each pull request that is missing."""

    def held() -> float:
        return staged.server.metric("preview_held", by="confirm")

    staged.github.intercept = lie
    staged.push()
    wait_for(lambda: held() > 0)
    for remembers in (True, False):  # it keeps running, then is restarted with its state
        reconciled = staged.reconcile()
        assert reconciled.fine
        assert reconciled.touched == {*reconciled.updated} <= {PUSHED}
        previews = {one["namespace"]: one for one in staged.reported()["previews"]}
        for name in LOST:
            assert previews[name]["held"] == "it is open and has the label, though it was not listed"
        if remembers:
            staged.start_plugin(remembers=True)

    staged.github.intercept = None
    wait_for(lambda: held() == 0)
    staged.recovers()


def null_entries(staged: Stage) -> None:
    """The first entry of each list is null: a plugin with state keeps that preview until a look-up confirms it."""
    staged.github.intercept = faults.null_nodes()
    staged.change(ORDERS, 15, head_sha="5" * 40)  # so that the list is read
    for remembers in (True, False):  # it keeps running, then is restarted with its state
        reconciled = staged.settle()
        assert reconciled.fine
        assert reconciled.touched == {*reconciled.updated} <= {"preview-orders-15"}
        assert PUSHED in staged.argocd.applications()
        if remembers:
            staged.start_plugin(remembers=True)

    staged.start_plugin()
    refused(staged.reconcile(), NEVER_READ + EVERYTHING)

    staged.github.intercept = None
    staged.ready()
    staged.recovers()


def shuffle(staged: Stage, fault: Intercept) -> None:
    """A plugin without state finds everything, too."""
    staged.github.intercept = fault
    staged.recovers()
    staged.start_plugin()
    reconciled = staged.reconcile()
    assert reconciled.fine
    assert reconciled.touched == set()
    staged.recovers()
    staged.github.intercept = None
    staged.recovers()


def shuffle_pages(staged: Stage) -> None:
    for number in CROWD:
        staged.open(ORDERS, pull_request(number))
    assert len(staged.settle().created) == len(CROWD)
    shuffle(staged, faults.pages_out_of_order())


def lagging(staged: Stage) -> None:
    """GitHub answers with data older than two changes that it already reported: answers do not go back."""
    before = datetime.now(UTC)
    staged.open(ORDERS, pull_request(20))
    head = staged.push()
    arrived = staged.settle()
    assert arrived.created.keys() == {"preview-orders-20"}
    assert arrived.updated.keys() == {PUSHED}

    staged.github.intercept = lambda request: request.answer((request.now - before).total_seconds())
    for remembers in (True, False):  # it keeps running, then is restarted with its state
        reconciled = staged.settle()
        assert reconciled.fine
        assert reconciled.touched == set()
        assert staged.deployed() == head
        if remembers:
            staged.start_plugin(remembers=True)

    staged.github.intercept = None
    staged.recovers()
    staged.change(ORDERS, 20, state="closed")
    assert staged.settle().deleted.keys() == {"preview-orders-20"}


def slow(staged: Stage) -> None:
    """A plugin that has an answer gives it at once: Argo CD waits only for one without state."""
    staged.github.latency = LATENCY
    for remembers in (True, False):  # it keeps running, then is restarted with its state
        during = staged.reconcile()
        assert during.fine
        assert during.touched == set()
        assert during.generator_seconds < 5
        if remembers:
            staged.start_plugin(remembers=True)

    staged.start_plugin()
    cold = staged.reconcile()
    refused(cold, NEVER_READ + EVERYTHING)
    assert cold.generator_seconds > 5

    staged.github.latency = 0
    staged.ready()
    staged.recovers()


# GitHub answers, but misleadingly.
STORIES: dict[str, Callable[[Stage], object]] = {
    "every answer is slow": slow,
    "answers go back in time": lagging,
    "entries are null": null_entries,
    "entries are out of order": partial(shuffle, fault=faults.out_of_order(random.Random(1))),
    "pages are out of order": shuffle_pages,
    "lists lost half of their entries": partial(believe, lie=faults.lost_half(honest=False)),
    "lists lost half of their entries, and are counted": partial(believe, lie=faults.lost_half(honest=True)),
    "lists end after their first page": partial(believe, lie=faults.first_page_only(honest=False)),
    "lists end after their first page, and are counted": partial(believe, lie=faults.first_page_only(honest=True)),
}


@pytest.mark.parametrize("story", STORIES)
def test_misleading_answers_delete_nothing_and_hide_nothing(story: str, cells: Futures) -> None:
    cells[story].result()
