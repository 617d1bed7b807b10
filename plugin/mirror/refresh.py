"""Refreshing: reads in the background and stores what is certain. Answers come only from stored versions."""

import random
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from plugin.core.answers.history import Histories
from plugin.core.config.catalog import Catalog
from plugin.core.config.names import folded
from plugin.core.config.threshold import Threshold
from plugin.logs import get_logger
from plugin.mirror.advance import Advanced, advance
from plugin.mirror.again import Again
from plugin.mirror.catalog import WatchedCatalog
from plugin.mirror.current import Current, answers_differ
from plugin.mirror.find import Outside, find
from plugin.mirror.gather import Gathered, gather
from plugin.mirror.hints import Hints
from plugin.mirror.newest import Newest
from plugin.mirror.pace import next_refresh
from plugin.state import OpenedState, Outdated, Unreachable

TICK = 1.0  # seconds between two looks at what other replicas have stored or hinted at
UNEXPECTED = "the refresh failed; the log says why"


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What one refresh did, for everything that reports it."""

    duration: timedelta
    before: Current  # what was stored before
    current: Current
    events: Histories  # what happened to previews in this refresh
    changed: bool  # the answer to some input may have changed
    reads: bool  # False: time had passed or somebody had acted, so it only decided again
    failure: str  # why nothing could be read or stored, or ""
    catalog_error: str
    catalog_waits_until: datetime | None  # until then the catalog in force stays: the file is older
    requests: int
    points: int
    points_left: int | None


Observer = Callable[[RefreshReport], None]


@dataclass(eq=False, slots=True)
class Refresher:
    """Keeps what is known fresh. Any number of threads may give hints; one refresh runs at a time."""

    _outside: Outside
    _catalog: WatchedCatalog
    _newest: Newest
    _state: OpenedState
    _threshold: Threshold
    _clock: Callable[[], datetime]
    _observers: Sequence[Observer]  # told of each refresh, one after the other, once everything was stored
    refreshed_once: threading.Event = field(default_factory=threading.Event, init=False)  # successfully or not
    _refreshing: threading.Lock = field(default_factory=threading.Lock, init=False)
    _hinted: threading.Event = field(default_factory=threading.Event, init=False)

    def hint(self, repositories: Collection[str]) -> None:
        """Say that something may have changed in these repositories. Raises Unreachable."""
        self._state.board.hint(repositories)
        self._hinted.set()

    def refresh(self, only: Collection[str] | None = None) -> RefreshReport:
        """Read everything that may have changed, or only some repositories, and store what is certain.

        If `only` is empty, nothing is read: it decides again on what is known.
        """
        with self._refreshing, self._waiting_requests_go_on():
            started, usage_before = time.monotonic(), replace(self._outside.source.usage)
            before = self._newest.known_here
            advanced: Advanced | None = None
            try:
                self._look_at_catalog()
                before = self._newest.synchronised()
                failure, advanced = self._refresh(before, only)
            except (Outdated, Unreachable) as error:
                failure = str(error)
            except Exception as error:  # noqa: BLE001  an unexpected error must end neither the thread nor a preview
                get_logger().error("the refresh failed", exc_info=error)
                failure = UNEXPECTED
                with suppress(Exception):  # it only shows the failure to people
                    self._newest.store(before, _all_in_doubt(before, self._catalog.newest))
            usage, waits = self._outside.source.usage, self._catalog.waits
            current = advanced.current if advanced else self._newest.known_here
            report = RefreshReport(
                duration=timedelta(seconds=time.monotonic() - started),
                before=before,
                current=current,
                events=advanced.events if advanced else {},
                changed=answers_differ(before, current),
                reads=only is None or bool(only),
                failure=failure,
                catalog_error=self._catalog.error,
                catalog_waits_until=None if waits is None else self._clock() + waits,
                requests=usage.requests - usage_before.requests,
                points=usage.points - usage_before.points,
                points_left=usage.remaining,
            )
            for observe in self._observers:
                observe(report)
            return report

    def follow(self) -> None:
        """Load what another replica stored, even if no answer has changed; for a replica that does not poll."""
        try:
            self._look_at_catalog()
            self._newest.reload()
        except Unreachable as error:
            get_logger().warning("the state cannot be read", reason=str(error))
        except Exception as error:  # noqa: BLE001  this thread must survive until this replica gets the lease
            get_logger().error("the state could not be loaded", exc_info=error)
        else:
            self.refreshed_once.set()

    def run(self, interval: timedelta, stop: threading.Event) -> None:
        """Refresh until told to stop, whenever this replica is the one that polls."""
        while not stop.is_set():
            try:
                self._run(interval, stop)
            except Exception as error:  # noqa: BLE001  otherwise answers freeze while the process looks healthy
                get_logger().error("the refresh loop failed", exc_info=error)
                stop.wait(TICK)

    def _run(self, interval: timedelta, stop: threading.Event) -> None:
        failures, due, hints, again = 0, 0.0, Hints(), Again()
        while not stop.is_set():
            now = time.monotonic()
            if not self._state.lease.held:
                due = 0.0  # so that this replica refreshes at once when it takes over
                self.follow()
            elif now >= due:
                report = self.refresh()
                again.decided(report.current)
                failures = failures + 1 if report.failure else 0
                wait = next_refresh(interval, failures, self._outside.source.usage, self._clock(), random.random())  # noqa: S311
                due = time.monotonic() + wait.total_seconds()
            elif repositories := hints.ready(self._take_hints(), now):
                again.decided(self.refresh(repositories).current)
            elif self._is_due(again):
                again.decided(self.refresh(only=()).current)
            self._hinted.wait(min(TICK, interval.total_seconds()))
            self._hinted.clear()

    def _is_due(self, again: Again) -> bool:
        try:
            return again.is_due(self._newest.synchronised(), self._clock)
        except Unreachable:
            return False  # the next refresh reports it

    def _refresh(self, before: Current, only: Collection[str] | None) -> tuple[str, Advanced]:
        """Read, and store what is new. Return why nothing could be read, or "", and what was stored."""
        newest = self._catalog.read(before.known.catalog)
        now = self._clock()
        gathered = find(self._outside, before, gather(self._outside.source, before, newest, now, only), now)
        try:
            advanced = self._advance(before, gathered, now)
        except Outdated:
            newer = self._newest.synchronised()
            if not _same_facts(before, newer):
                raise
            advanced = self._advance(newer, gathered, now)  # only an act was stored, and its author waits for this
        return "" if gathered.fresh or not gathered.reads else "nothing could be read", advanced

    def _advance(self, before: Current, gathered: Gathered, now: datetime) -> Advanced:
        advanced = advance(before, gathered, now, self._threshold)
        self._newest.store(before, advanced.current)
        return advanced

    def _look_at_catalog(self) -> None:
        """Read the file before a newer state is loaded: it may be meant to replace the catalog in force so far only."""
        self._catalog.read(self._newest.known_here.known.catalog)

    def _take_hints(self) -> frozenset[str]:
        try:
            hints = self._state.board.take_hints()
        except Unreachable:
            return frozenset()  # the next refresh reports it
        names = {folded(name): name for name in self._catalog.newest.repositories}
        return frozenset(names[folded(hint)] for hint in hints if folded(hint) in names)

    @contextmanager
    def _waiting_requests_go_on(self) -> Iterator[None]:
        try:
            yield
        finally:
            self.refreshed_once.set()


def _same_facts(one: Current, other: Current) -> bool:
    return one.known.catalog is other.known.catalog and one.known.snapshot == other.known.snapshot


def _all_in_doubt(before: Current, newest: Catalog) -> Current:
    """Keep everything as it was, and say so for every repository."""
    doubts = dict.fromkeys(newest.repositories, UNEXPECTED)
    snapshot = replace(before.known.snapshot, doubts=doubts)
    return replace(before, known=replace(before.known, snapshot=snapshot))
