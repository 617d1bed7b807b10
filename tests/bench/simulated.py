"""The plugin's mirror over a fake GitHub in simulated time: nothing waits, and seconds pass only when they are told to.

What a refresh takes is the time that GitHub would have taken for each request and what the plugin itself computed. The
fake computes in threads of its own, so its work is not counted.
"""

import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from plugin.app import Parts, Plugin, collect_garbage_rarely
from plugin.core.config.threshold import Threshold
from plugin.metrics import Metrics
from plugin.mirror.catalog import WatchedCatalog
from plugin.report.log import log_refreshes
from plugin.report.measure import measure_refreshes
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.limiter import LimiterClock
from plugin.sources.github.pygithub import Token
from plugin.sources.github.reader import GitHubSource
from plugin.state import OpenedState
from plugin.state.opening import open_state
from tests.bench import company
from tests.fakes.github import Call, GitHub
from tests.outside import ScriptedMeter, ScriptedRegistry

LATENCY = 0.1  # seconds that GitHub takes for each request
START = datetime(2026, 11, 21, 9, tzinfo=UTC)
QUIET = 60.0  # seconds after which what changed is long enough ago


class Time:
    """Seconds since the start. They pass only when they are told to; GitHub's thread and the plugin's share them."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = threading.Lock()

    def passes(self, seconds: float) -> None:
        with self._lock:
            self.seconds += seconds

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)


@dataclass(frozen=True)
class Refresh:
    """What one refresh cost."""

    calls: Sequence[Call]
    computed: float  # seconds
    changed: bool

    @property
    def requests(self) -> int:
        return len(self.calls)

    @property
    def points(self) -> int:
        return sum(call.cost for call in self.calls)

    @property
    def probes(self) -> int:
        return sum(call.operation == "Probe" for call in self.calls)

    @property
    def file_reads(self) -> int:
        return sum(variable.startswith("e") for call in self.calls for variable in call.variables)

    @property
    def seconds(self) -> float:
        return self.requests * LATENCY + self.computed


@dataclass(frozen=True)
class Simulation:
    """One company with its GitHub and its plugin, whose state is in a file as users' is."""

    time: Time
    github: GitHub
    plugin: Plugin
    state: OpenedState

    def refresh(self, only: Collection[str] | None = None) -> Refresh:
        before, started = len(self.github.log), time.thread_time()
        report = self.plugin.refresher.refresh(only)
        assert not report.failure, report.failure
        assert not report.current.known.snapshot.doubts, report.current.known.snapshot.doubts
        return Refresh(self.github.log[before:], time.thread_time() - started, report.changed)

    def push(self, heads: Mapping[tuple[str, int], str]) -> None:
        self.github.organisation = company.pushed(self.github.organisation, heads, self.time.now())

    def heads(self) -> dict[tuple[str, int], str]:
        """Return the commits that are answered, by repository and number."""
        return {
            (preview.repository.name, preview.pull_request.number): preview.pull_request.head_sha
            for preview in self.plugin.answers.current().previews
        }

    def answer(self) -> bytes:
        """As Argo CD asks: without input parameters."""
        return self.plugin.answers.parameters({})


@contextmanager
def simulation(sizes: Sequence[int], **given: object) -> Iterator[Simulation]:
    """A company with so many pull requests in each repository; nothing was read yet.

    `given` are further keys of its catalog.
    """
    collect_garbage_rarely()
    passing = Time()
    with TemporaryDirectory() as folder, GitHub(company.organisation(sizes)) as github, _quiet_logs():
        github.now = passing.now
        github.intercept = lambda _: passing.passes(LATENCY)
        state = open_state(f"sqlite:{folder}/state.db")
        catalog = Path(folder) / "catalog.yaml"
        catalog.write_text(company.catalog(len(sizes), **given), "utf-8")
        clock = LimiterClock(lambda: passing.seconds, passing.passes, passing.now)
        source = GitHubSource(GitHubClient(github.url, Token(github.token), clock))
        plugin = Parts(
            source=source,
            registry=ScriptedRegistry(),
            meter=ScriptedMeter(),
            catalog=WatchedCatalog(catalog),
            state=state,
            breaker=Threshold(5, 20),
            max_stale=timedelta(hours=1),
            clock=passing.now,
            observers=[measure_refreshes(Metrics(), "github", passing.now), log_refreshes(structlog.get_logger())],
        ).together()
        try:
            yield Simulation(passing, github, plugin, state)
        finally:
            state.close()


@contextmanager
def settled(sizes: Sequence[int]) -> Iterator[Simulation]:
    """As `simulation`, but everything was read and answered, and nothing has changed for a while."""
    with simulation(sizes) as simulated:
        simulated.refresh()
        simulated.answer()
        simulated.time.passes(QUIET)
        yield simulated


@contextmanager
def _quiet_logs() -> Iterator[None]:
    structlog.configure(processors=[_drop], wrapper_class=structlog.make_filtering_bound_logger(0))
    try:
        yield
    finally:
        structlog.reset_defaults()


def _drop(*_: object) -> str:
    raise structlog.DropEvent
