"""One refresh: read, absorb what is certain, store it, and only then let it be answered."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from plugin.core.absorb import absorb, covers, labels_to_ask, unread, with_look_ups
from plugin.core.catalog import Catalog
from plugin.core.decide import wanted_lookups
from plugin.core.messages import one_line
from plugin.core.model import Snapshot
from plugin.errors import NotReady
from plugin.logs import get_logger
from plugin.mirror.catalog import WatchedCatalog
from plugin.sources import Doubt, Source, Wanted
from plugin.state import Known, Store

FIRST_ANSWER = 10.0  # seconds that a request waits for the first refresh; Argo CD itself gives up after 30


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What one refresh did, for the log and the metrics."""

    duration: timedelta
    repositories: int
    pull_requests: int
    doubts: dict[str, str]
    changed: bool
    catalog_error: str
    requests: int
    points: int
    points_left: int | None


class Mirror:
    """Keeps what is known fresh. Any number of threads may ask; one refresh runs at a time."""

    def __init__(
        self,
        source: Source,
        store: Store,
        catalog: WatchedCatalog,
        clock: Callable[[], datetime],
        observe: Callable[[RefreshReport], None],
    ) -> None:
        self._source = source
        self._store = store
        self._catalog = catalog
        self._clock = clock
        self._observe = observe
        self._refreshing = threading.Lock()
        self._refreshed_once = threading.Event()

    def wait_for_first_refresh(self) -> None:
        """Give the first refresh some time to end, well or not."""
        self._refreshed_once.wait(FIRST_ANSWER)

    def known(self) -> tuple[Catalog, Known]:
        """Return what may be answered from. Raises NotReady."""
        known = self._store.load()
        if known.catalog is None:
            names = unread(known.snapshot, self._catalog.newest) or ["those of a new catalog"]
            raise NotReady(one_line("these repositories have never been read: " + ", ".join(names)))
        return known.catalog, known

    def refresh(self) -> RefreshReport:
        """Read everything once and store what is certain."""
        with self._refreshing, self._waiting_requests_go_on():
            started, usage_before = self._clock(), replace(self._source.usage)
            before = self._store.load()
            newest = self._catalog.read()
            known = self._refreshed(before, newest, started)
            self._store.save(known)
            usage = self._source.usage
            report = RefreshReport(
                duration=self._clock() - started,
                repositories=len(known.snapshot.repositories),
                pull_requests=sum(len(repository.pull_requests) for repository in known.snapshot.repositories.values()),
                doubts=dict(known.snapshot.doubts),
                changed=known.version != before.version,
                catalog_error=self._catalog.error,
                requests=usage.requests - usage_before.requests,
                points=usage.points - usage_before.points,
                points_left=usage.remaining,
            )
            self._observe(report)
            return report

    def run(self, interval: timedelta, stop: threading.Event) -> None:
        """Refresh until told to stop. An error that nobody foresaw must not end it: what is known stays in force."""
        while True:
            try:
                self.refresh()
            except Exception as error:  # noqa: BLE001  see above
                get_logger().error("the refresh failed", exc_info=error)
            if stop.wait(interval.total_seconds()):
                return

    @contextmanager
    def _waiting_requests_go_on(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._refreshed_once.set()

    def _refreshed(self, before: Known, newest: Catalog, now: datetime) -> Known:
        in_force = [before.catalog] if before.catalog else []
        labels = labels_to_ask([newest, *in_force])
        readings = self._source.read([Wanted(name, asked) for name, asked in labels.items()])
        doubts = {name: reading.reason for name, reading in readings.items() if isinstance(reading, Doubt)}
        read = {
            name: replace(reading, read_at=now) for name, reading in readings.items() if not isinstance(reading, Doubt)
        }
        old = {name: known for name, known in before.snapshot.repositories.items() if name in labels}
        # A catalog that adds a repository takes effect once that repository was read.
        catalog = newest if covers(Snapshot(old | read), newest) else before.catalog
        absorbed = {name: absorb(old.get(name), reading, catalog or newest) for name, reading in read.items()}
        snapshot = Snapshot(old | absorbed, doubts)
        if catalog:
            snapshot = self._looked_up(snapshot, catalog)
        changed = catalog is not before.catalog or snapshot != before.snapshot
        return Known(before.version + 1 if changed else before.version, catalog, snapshot)

    def _looked_up(self, snapshot: Snapshot, catalog: Catalog) -> Snapshot:
        wanted = wanted_lookups(catalog, snapshot)
        return with_look_ups(snapshot, wanted, self._source.look_up(wanted))
