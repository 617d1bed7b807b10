"""The fault matrix: whatever goes wrong, no Application is deleted, people can read why, and it mends by itself.

Each fault of GitHub is met twice: by a plugin that knows everything and by one that has just started.
Most of the time a cell waits for the plugin's next refresh, so a few run at once; the tests look at what came of them.
"""

import select
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from tests.conformance.argocd import VALIDATION_ERROR, Object, Reconciled, secret
from tests.conformance.canned import canned_plugin
from tests.conformance.conftest import MakeStage
from tests.conformance.stage import ACME, SET, Stage, stage
from tests.fakes.github import GitHub, Intercept, faults
from tests.server import TOKEN, wait_for

AT_ONCE = 4
Futures = dict[str, Future[Any]]
PLUGIN_ERROR = f"error listing params: error get api '{SET}': API error with status code "
NEVER_READ = f"{PLUGIN_ERROR}503: these repositories have never been read: "
EVERYTHING = "acme/backoffice, acme/orders, acme/payments, acme/shop, acme/users"
SLOW = "GitHub is slow"
LATENCY = 12.0  # seconds; the plugin lets its first caller wait for 10


@dataclass(frozen=True)
class Fault:
    """How it begins, and how it is mended. `doubtful` are the repositories that cannot be read meanwhile."""

    begin: Callable[[Stage], object]
    end: Callable[[Stage], object]
    doubtful: str = EVERYTHING


def _intercept(intercept: Intercept, doubtful: str = EVERYTHING) -> Fault:
    def begin(staged: Stage) -> None:
        staged.github.intercept = intercept

    def end(staged: Stage) -> None:
        staged.github.intercept = None

    return Fault(begin, end, doubtful)


def _come_back(staged: Stage) -> None:
    port = int(staged.github.url.rpartition(":")[2])
    staged.github = staged.running.enter_context(GitHub(staged.github.organisation, port=port))


FAULTS = {
    "GitHub is down": Fault(lambda staged: staged.github.close(), _come_back),
    **{name: _intercept(fault) for name, fault in faults.OUTAGES.items()},
    **{name: _intercept(fault, "acme/orders") for name, fault in faults.PARTIAL.items()},
    "resource limits exceeded": _intercept(faults.PARTIAL["resource limits exceeded"]),
    "repository renamed": Fault(
        lambda staged: staged.github.rename("acme/orders", "acme/sales"),
        lambda staged: staged.github.rename("acme/orders", "acme/orders"),
        "acme/orders",
    ),
}


@dataclass
class Cell:
    """What Argo CD did at each point, and what the plugin said about itself."""

    during: Reconciled
    reported: Any
    in_doubt: float
    mended: Reconciled
    restarted: Reconciled
    restarted_again: Reconciled
    recovered: Reconciled


def run(staged: Stage, fault: Fault) -> Cell:
    # The plugin knows everything when it begins. Meanwhile somebody pushes.
    fault.begin(staged)
    push(staged)
    wait_for(lambda: staged.server.metric("preview_repositories_in_doubt") > 0)
    staged.server.refreshed()
    during, reported = staged.reconcile(), staged.reported()
    in_doubt = staged.server.metric("preview_repositories_in_doubt")
    fault.end(staged)
    mended = staged.settle()

    # It starts while the fault lasts, and knows nothing.
    fault.begin(staged)
    staged.start_plugin()
    restarted, restarted_again = staged.reconcile(), staged.reconcile()
    fault.end(staged)
    wait_for(lambda: staged.server.ask("GET", "/readyz", None).status == 200)
    return Cell(during, reported, in_doubt, mended, restarted, restarted_again, recovered=staged.reconcile())


def push(staged: Stage) -> None:
    (entry,) = (one for one in staged.github.organisation.repositories["acme/orders"].pull_requests if one.number == 12)
    staged.change("acme/orders", 12, head_sha=f"{int(entry.head_sha, 16) + 1:040x}")


@contextmanager
def well(folder: Path) -> Iterator[Stage]:
    """Everything is well, and the catalog may be edited."""
    folder.mkdir()
    shutil.copy(ACME / "catalog.yaml", folder)
    with stage(folder, PREVIEW_CATALOG=str(folder / "catalog.yaml")) as staged:
        assert len(staged.settle().created) == 12
        yield staged


@pytest.fixture(name="cells", scope="module")
def _cells(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Futures]:
    """Every cell that is asked for, on its way; one after the other on each of a few stages."""
    folder = tmp_path_factory.mktemp("cells")
    tests = [item for item in request.session.items if isinstance(item, pytest.Function) and hasattr(item, "callspec")]
    wanted = {str(test.callspec.params.get("fault")) for test in tests} | {SLOW}
    free: SimpleQueue[Stage] = SimpleQueue()

    def on_a_free_stage(story: Callable[[Stage], object]) -> object:
        staged = free.get()
        try:
            return story(staged)
        finally:
            free.put(staged)

    with ExitStack() as running, ThreadPoolExecutor(AT_ONCE) as threads:
        for staged in threads.map(running.enter_context, [well(folder / str(i)) for i in range(AT_ONCE)]):
            free.put(staged)
        stories = {SLOW: slow} | {name: partial(run, fault=fault) for name, fault in FAULTS.items()}
        yield {name: threads.submit(on_a_free_stage, story) for name, story in stories.items() if name in wanted}


@pytest.fixture(name="cell")
def _cell(cells: Futures, fault: str) -> Cell:
    found: Cell = cells[fault].result()
    return found


@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_of_github_deletes_anything(fault: str, cell: Cell) -> None:
    doubtful = FAULTS[fault].doubtful

    assert cell.during.problem == ""
    assert cell.during.fine
    assert cell.during.touched == set()
    assert cell.reported["snapshot"]["complete"] is False
    assert cell.in_doubt == len(doubtful.split(", "))

    assert cell.mended.fine
    assert cell.mended.updated.keys() == {"preview-orders-12"} == cell.mended.touched

    assert cell.restarted.touched == set()
    assert cell.restarted.problem == NEVER_READ + doubtful
    assert cell.restarted.conditions["ParametersGenerated"]["status"] == "False"
    assert cell.restarted.requeue_after == VALIDATION_ERROR
    assert cell.restarted_again.touched == set()
    assert cell.restarted_again.problem == cell.restarted.problem

    assert cell.recovered.fine
    assert cell.recovered.touched == set()


def refused(reconciled: Reconciled, message: str) -> None:
    """Nothing was touched, and the condition says why."""
    assert reconciled.touched == set()
    assert message in reconciled.problem
    assert reconciled.requeue_after == VALIDATION_ERROR


@pytest.fixture(name="staged", scope="module")
def _staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Each test leaves it as well as it was."""
    with well(tmp_path_factory.mktemp("plugin") / "stage") as staged:
        yield staged


def recovered(staged: Stage) -> None:
    """Nothing was lost, and what happened since arrives."""
    push(staged)
    reconciled = staged.settle()
    assert reconciled.fine
    assert reconciled.updated.keys() == {"preview-orders-12"} == reconciled.touched


def slow(staged: Stage) -> None:
    staged.github.latency = LATENCY
    wait_for(lambda: staged.github.log[-1].operation == "List")
    during = staged.reconcile()
    assert during.fine
    assert during.touched == set()
    assert during.generator_seconds < 5

    staged.start_plugin()
    cold = staged.reconcile()
    refused(cold, NEVER_READ + EVERYTHING)
    assert cold.generator_seconds > 5

    staged.github.latency = 0
    wait_for(lambda: staged.server.ask("GET", "/readyz", None).status == 200)
    recovered(staged)


def test_a_slow_github_keeps_nobody_waiting_who_has_an_answer(cells: Futures) -> None:
    cells[SLOW].result()


def test_a_plugin_that_is_down_deletes_nothing(staged: Stage) -> None:
    staged.stop_plugin()
    refused(staged.reconcile(), "error listing params")  # may meet the dying connection
    refused(staged.reconcile(), "connect: connection refused")
    staged.start_plugin()
    recovered(staged)


def test_a_plugin_that_restarts_without_its_state_answers_only_when_it_has_read_everything(staged: Stage) -> None:
    staged.start_plugin()
    reconciled = staged.reconcile()
    assert reconciled.fine
    assert reconciled.touched == set()
    recovered(staged)


def test_a_plugin_that_is_killed_before_it_answers_deletes_nothing(staged: Stage) -> None:
    staged.github.latency = 3  # so that the request waits for the first refresh
    staged.start_plugin()
    server = staged.server
    killer = threading.Timer(1, server.kill)
    killer.start()
    reconciled = staged.reconcile()
    killer.join()
    refused(reconciled, "error listing params")
    assert "connection refused" not in reconciled.problem

    staged.github.latency = 0
    staged.start_plugin()
    recovered(staged)


def test_an_answer_that_is_cut_anywhere_deletes_nothing(staged: Stage) -> None:
    answer = staged.server.ask()
    head = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
    start = f"HTTP/1.1 200 OK\r\n{head}\r\n".encode()
    whole = start + answer.body
    with canned_plugin() as plugin:
        staged.argocd.point_at(plugin.url)
        plugin.response = whole
        assert staged.reconcile().fine
        for cut in (0, 5, len(start) // 2, len(start), len(start) + 1, len(whole) // 2, len(whole) - 2, len(whole) - 1):
            plugin.response = whole[:cut]
            refused(staged.reconcile(), "error listing params")
    staged.point_argocd_at_plugin()
    recovered(staged)


def test_a_connection_that_was_idle_for_a_while_is_still_open(staged: Stage) -> None:
    """The server must not close it at the moment at which Argo CD asks again: that would be an error of the set."""
    connection = HTTPConnection("127.0.0.1", staged.server.port, timeout=10)
    connection.request("GET", "/healthz")
    connection.getresponse().read()
    assert connection.sock
    said, _, _ = select.select([connection.sock], [], [], 5)  # the end would be something to read
    connection.close()
    assert not said


def test_a_wrong_token_deletes_nothing(staged: Stage) -> None:
    staged.argocd.apply(secret("preview-plugin", token="another"))
    refused(staged.reconcile(), f"{PLUGIN_ERROR}403: the bearer token is missing or wrong")
    staged.argocd.apply(secret("preview-plugin", other=TOKEN))  # Argo CD sends "$token" then
    refused(staged.reconcile(), f"{PLUGIN_ERROR}403: the bearer token is missing or wrong")
    staged.argocd.apply(secret("preview-plugin", token=TOKEN))
    recovered(staged)


@pytest.mark.parametrize(
    "text", ["", "services: {}\n", "version: 1\nservices: [", "\x00", "version: 1\ndomain: preview.example.com\n"]
)
def test_a_broken_catalog_leaves_the_one_before_in_force(staged: Stage, text: str) -> None:
    catalog = staged.folder / "catalog.yaml"
    good = catalog.read_text("utf-8")
    catalog.write_text(text, "utf-8")
    during = staged.settle()
    assert during.fine
    assert during.touched == set()
    assert staged.server.metric("preview_catalog_broken") == 1

    catalog.write_text(good, "utf-8")
    recovered(staged)
    assert staged.server.metric("preview_catalog_broken") == 0


def test_a_catalog_that_vanishes_leaves_the_one_before_in_force(staged: Stage) -> None:
    catalog, away = staged.folder / "catalog.yaml", staged.folder / "away.yaml"
    catalog.rename(away)
    assert staged.settle().touched == set()
    assert staged.server.metric("preview_catalog_broken") == 1
    away.rename(catalog)
    recovered(staged)


def test_a_repository_that_is_new_in_the_catalog_and_cannot_be_read_harms_no_other(staged: Stage) -> None:
    catalog = staged.folder / "catalog.yaml"
    good = catalog.read_text("utf-8")
    catalog.write_text(good.replace("repository: acme/shop", "repository: acme/shoop"), "utf-8")
    during = staged.settle()
    assert during.fine
    assert during.touched == set()
    assert staged.server.metric("preview_repositories_in_doubt") == 1

    catalog.write_text(good, "utf-8")
    recovered(staged)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"services": ["ordrs"]}, 'services: the catalog has no service "ordrs"; did you mean "orders"?'),
        ({"services": []}, "services is an empty list; leave it out to ask for all services"),
        ({"service": ["orders"]}, 'there is no input parameter "service"'),
        ({"profile": "back-end"}, 'profile: no service of the catalog has the profile "back-end"'),
        ({"origin": "forks"}, "origin must be one of same-repository, fork, any"),
    ],
)
def test_a_filter_that_nobody_knows_is_no_empty_answer(staged: Stage, wrong: dict[str, object], message: str) -> None:
    good = staged.argocd.apply_file("applicationsets/previews.yaml")
    staged.argocd.apply(asking(good, wrong))
    refused(staged.reconcile(), f"{PLUGIN_ERROR}400: {message}")
    staged.argocd.apply(good)
    recovered(staged)


def asking(application_set: Object, parameters: dict[str, object]) -> Object:
    (generator,) = application_set["spec"]["generators"]
    generators = [{"plugin": {**generator["plugin"], "input": {"parameters": parameters}}}]
    return {**application_set, "spec": {**application_set["spec"], "generators": generators}}


def test_a_clock_that_jumps_changes_nothing(make_stage: MakeStage, tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.write_text("0")
    staged = make_stage(command=("python", "-m", "tests.conformance.jumping"), CLOCK=str(clock))
    assert len(staged.settle().created) == 12
    for years in (10, -10, 0):
        clock.write_text(str(years * 365 * 86400))
        jumped = staged.settle()
        assert jumped.fine
        assert jumped.touched == set()
        recovered(staged)
