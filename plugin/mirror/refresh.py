"""The mirror: reads in the background, stores what is certain, and only then lets it be answered."""

import random
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from plugin.core.answers.filters import Filters
from plugin.core.config.catalog import Catalog
from plugin.core.config.messages import one_line
from plugin.core.facts.absorb import unread
from plugin.errors import NotReady
from plugin.logs import get_logger
from plugin.mirror.catalog import WatchedCatalog
from plugin.mirror.current import Current
from plugin.mirror.gather import Gathered, gather
from plugin.mirror.hints import Hints
from plugin.mirror.pace import next_refresh
from plugin.mirror.publish import publish
from plugin.mirror.published import Published
from plugin.sources import Source
from plugin.state import Outdated, State, Unreachable

FIRST_ANSWER = 10.0  # seconds that a request waits for the first refresh; Argo CD itself gives up after 30
TICK = 1.0  # seconds between two looks at what other replicas say
UNFORESEEN = "the refresh failed; the log says why"


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What one refresh did, for the log and the metrics."""

    duration: timedelta
    current: Current
    changed: bool  # an answer to somebody may be another one now
    failure: str  # why it brought nothing, or ""
    catalog_error: str
    catalog_waits_until: datetime | None  # until then the catalog in force stays: the file is older
    requests: int
    points: int
    points_left: int | None


class Mirror:
    """Keeps what is known fresh. Any number of threads may ask; one refresh runs at a time."""

    def __init__(
        self,
        source: Source,
        catalog: WatchedCatalog,
        published: Published,
        state: State,
        observe: Callable[[RefreshReport], None],
    ) -> None:
        self._source = source
        self._catalog = catalog
        self._published = published
        self._board = state.board
        self._lease = state.lease
        self._observe = observe
        self._refreshing = threading.Lock()
        self._refreshed_once = threading.Event()
        self._hinted = threading.Event()
        self._asked = 0  # the newest version that was given to Argo CD

    def wait_for_first_refresh(self) -> None:
        """Give the first refresh some time to end, well or not."""
        self._refreshed_once.wait(FIRST_ANSWER)

    def current(self) -> tuple[Catalog, Current]:
        """Return the newest that is known, however old. Raises NotReady."""
        current = self._published.current()
        catalog = current.known.catalog
        if catalog is None:
            names = unread(current.known.snapshot, self._catalog.newest) or ["those of a new catalog"]
            raise NotReady(one_line("these repositories have never been read: " + ", ".join(names)))
        return catalog, current

    def answer(self, current: Current, filters: Filters) -> bytes:
        """Return the answer to an input, of this version or a newer one. Raises NotReady."""
        answer = self._published.answer(current, filters)
        self._tell_asked(current.known.head.version)
        return answer

    def age(self) -> timedelta:
        """Return how long ago the source last said something that counts; zero before it did."""
        fresh_at = self._published.newest.known.head.fresh_at
        return self._published.clock() - fresh_at if fresh_at else timedelta(0)

    def hint(self, repositories: Collection[str]) -> None:
        """Say that something may have changed in these repositories. Raises Unreachable."""
        self._board.hint(repositories)
        self._hinted.set()

    def refresh(self, only: Collection[str] | None = None) -> RefreshReport:
        """Read everything that may have changed, or only some repositories, and store what is certain."""
        with self._refreshing, self._waiting_requests_go_on():
            started, usage_before = time.monotonic(), replace(self._source.usage)
            before = self._published.newest
            try:
                self._look_at_catalog()
                before = self._published.synchronised()
                failure = self._refresh(before, only)
            except (Outdated, Unreachable) as error:
                failure = str(error)
            except Exception as error:  # noqa: BLE001  what nobody foresaw must end neither the refreshing nor a preview
                get_logger().error("the refresh failed", exc_info=error)
                failure = UNFORESEEN
                with suppress(Exception):  # only so that everybody sees it
                    self._published.store(before, _all_in_doubt(before, self._catalog.newest))
            usage, current, waits = self._source.usage, self._published.newest, self._catalog.waits
            report = RefreshReport(
                duration=timedelta(seconds=time.monotonic() - started),
                current=current,
                changed=any(before.bodies.get(filters) != answer for filters, answer in current.bodies.items()),
                failure=failure,
                catalog_error=self._catalog.error,
                catalog_waits_until=None if waits is None else self._published.clock() + waits,
                requests=usage.requests - usage_before.requests,
                points=usage.points - usage_before.points,
                points_left=usage.remaining,
            )
            self._observe(report)
            return report

    def follow(self) -> None:
        """Show what another replica knows, also what changes no answer. For a replica that does not poll."""
        try:
            self._look_at_catalog()
            self._published.reload()
        except Unreachable as error:
            get_logger().warning("the state cannot be read", reason=str(error))
        except Exception as error:  # noqa: BLE001  it must be there when the lease comes to this replica
            get_logger().error("the state cannot be shown", exc_info=error)
        else:
            self._refreshed_once.set()

    def run(self, interval: timedelta, stop: threading.Event) -> None:
        """Refresh until told to stop, as long as this replica is the one that polls."""
        while not stop.is_set():
            try:
                self._run(interval, stop)
            except Exception as error:  # noqa: BLE001  else answers would freeze, although the process looks well
                get_logger().error("the loop of refreshes failed", exc_info=error)
                stop.wait(TICK)

    def _run(self, interval: timedelta, stop: threading.Event) -> None:
        failures, due, hints = 0, 0.0, Hints()
        while not stop.is_set():
            now = time.monotonic()
            if not self._lease.held:
                due = 0.0  # by the time that this one takes over, it must look at once
                self.follow()
            elif now >= due:
                report = self.refresh()
                failures = failures + 1 if report.failure else 0
                wait = next_refresh(interval, failures, self._source.usage, self._published.clock(), random.random())  # noqa: S311
                due = time.monotonic() + wait.total_seconds()
            elif repositories := hints.ready(self._take_hints(), now):
                self.refresh(repositories)
            self._hinted.wait(min(TICK, interval.total_seconds()))
            self._hinted.clear()

    def _refresh(self, before: Current, only: Collection[str] | None) -> str:
        """Store what is new; return what kept everything from being read, or ""."""
        newest = self._catalog.read(before.known.catalog)
        gathered = gather(self._source, before, newest, self._published.clock(), only)
        try:
            self._publish(before, gathered)
        except Outdated:
            newer = self._published.synchronised()
            if not _same_facts(before, newer):
                raise
            self._publish(newer, gathered)  # it was only acknowledged, and whoever did that waits for this
        return "" if gathered.fresh else "nothing could be read"

    def _publish(self, before: Current, gathered: Gathered) -> None:
        repositories = gathered.snapshot.repositories
        after = publish(
            before,
            gathered,
            self._published.clock(),
            self._published.threshold,
            lambda locators: self._source.look_up(locators, repositories),
        )
        self._published.store(before, after)

    def _tell_asked(self, version: int) -> None:
        if version > self._asked:
            with suppress(Unreachable):  # only the nudge wants to know
                self._board.asked(version)
                self._asked = version

    def _look_at_catalog(self) -> None:
        """Let the file be seen beside what was in force until now: of what comes next it cannot know."""
        self._catalog.read(self._published.newest.known.catalog)

    def _take_hints(self) -> frozenset[str]:
        try:
            hints = self._board.take_hints()
        except Unreachable:
            return frozenset()  # the refresh says so
        names = {name.casefold(): name for name in self._catalog.newest.repositories}
        return frozenset(names[hint.casefold()] for hint in hints if hint.casefold() in names)

    @contextmanager
    def _waiting_requests_go_on(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._refreshed_once.set()


def _same_facts(one: Current, other: Current) -> bool:
    return one.known.catalog is other.known.catalog and one.known.snapshot == other.known.snapshot


def _all_in_doubt(before: Current, newest: Catalog) -> Current:
    """Keep everything as it was, and say so for every repository."""
    doubts = dict.fromkeys(newest.repositories, UNFORESEEN)
    snapshot = replace(before.known.snapshot, doubts=doubts)
    return replace(before, known=replace(before.known, snapshot=snapshot))
