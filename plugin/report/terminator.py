"""The terminator: ends syncs that a new answer has outdated, so that a push or a close need not wait for them.

Argo CD neither syncs nor deletes an Application while an operation runs on it, and an operation that waits for an image
that was never built waits for minutes. So after each change the terminator looks at the Applications that the answer
changed or dropped, again and again, because Argo CD needs some seconds to update or delete them. See docs/adr/0011.
"""

import threading
import time
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass

from plugin.logs import get_logger
from plugin.metrics import Metrics
from plugin.mirror.changes import changed_previews
from plugin.mirror.refresh import RefreshReport
from plugin.report.argocd_api import ApiError, ArgoApi, Phase

WORKERS = 4  # threads, and so requests at once
PACE = 0.25  # seconds between two Applications of one thread: together at most 16 a second
FIRST, SHORTEST, LONGEST = 1.0, 1.0, 5.0  # seconds before the first look at an Application, and between two
SETTLES = 15.0  # seconds in which Argo CD may still begin what is outdated already
GIVES_UP = 120.0  # seconds after the change; then Argo CD's own deadlines have to do
MOST = 2_000  # Applications at once
QUIET = 3600.0  # seconds before the same cause is logged again
STOPS_WITHIN = 1.0  # seconds, once it is told to stop


@dataclass(slots=True)
class _Watch:
    """An Application that is looked at."""

    name: str
    version: int  # the newest in which its part of the answer changed
    since: float  # monotonic time of that change
    due: float
    looks: int = 0  # since that change
    outdated: bool = True  # as far as is known
    taken: bool = False  # a thread is looking at it
    ended: str | None = None  # when the operation had begun that was ended last

    def again(self, version: int, now: float) -> None:
        """Start over, because the answer changed once more."""
        self.version, self.since, self.due, self.looks, self.outdated = version, now, now + FIRST, 0, True

    @property
    def urgency(self) -> tuple[int, int, float]:
        """The greatest comes first: what changed last, so that a push does not wait for an edit of the catalog."""
        return self.version, -self.looks, -self.due


class Terminator:
    """Ends outdated syncs. Any thread may call `observe` and `changed`; `run` needs WORKERS threads of its own."""

    def __init__(self, connect: Callable[[], ArgoApi], metrics: Metrics) -> None:
        """`connect` makes a client of Argo CD's API; each thread has its own."""
        self._connect = connect
        self._counts = metrics.terminations
        self._news = threading.Condition()
        self._watches: dict[str, _Watch] = {}
        self._quiet_until: dict[str, float] = {}

    @property
    def watched(self) -> int:
        """How many Applications are looked at."""
        with self._news:
            return len(self._watches)

    def observe(self, report: RefreshReport) -> None:
        """Look at what this refresh changed or dropped. Never waits for Argo CD."""
        if report.changed:
            names = changed_previews(report.before, report.current)
            self.changed(names, report.current.known.head.version)

    def changed(self, names: Collection[str], version: int) -> None:
        """Say that an answer changed or dropped these Applications in this version. Never waits for Argo CD."""
        now = time.monotonic()
        with self._news:
            for name in names:
                if watch := self._watches.get(name):
                    watch.again(version, now)
                elif len(self._watches) < MOST:
                    self._watches[name] = _Watch(name, version, now, now + FIRST)
                else:
                    self._count("left", name, f"more than {MOST} Applications changed at once")
            self._news.notify_all()

    def run(self, stop: threading.Event) -> None:
        """Look at Applications until told to stop."""
        with closing(self._connect()) as api:
            while not stop.is_set():
                if watch := self._take():
                    self._look_and_put_back(api, watch)
                    stop.wait(PACE)

    def _take(self) -> _Watch | None:
        """Return the most urgent Application that is due; wait a moment if there is none."""
        with self._news:
            now = time.monotonic()
            free = [watch for watch in self._watches.values() if not watch.taken]
            for watch in (watch for watch in free if now - watch.since > GIVES_UP):
                self._give_up(watch)
            waiting = [watch for watch in free if watch.name in self._watches]
            if due := [watch for watch in waiting if watch.due <= now]:
                chosen = max(due, key=lambda watch: watch.urgency)
                chosen.taken = True
                return chosen
            self._news.wait(min([STOPS_WITHIN, *(watch.due - now for watch in waiting)]))
            return None

    def _look_and_put_back(self, api: ArgoApi, watch: _Watch) -> None:
        version = watch.version
        try:
            finished = self._look(api, watch)
        except Exception as error:  # noqa: BLE001  an unexpected error must not end the thread
            get_logger().error("ending a sync failed", exc_info=error)
            finished = True
        self._put_back(watch, version, finished=finished)

    def _put_back(self, watch: _Watch, version: int, *, finished: bool) -> None:
        with self._news:
            watch.taken = False
            if watch.version != version:  # it changed in the meantime
                return
            if finished:
                del self._watches[watch.name]
                return
            watch.looks += 1
            watch.due = time.monotonic() + min(LONGEST, SHORTEST * 2.0 ** (watch.looks - 1))

    def _give_up(self, watch: _Watch) -> None:
        del self._watches[watch.name]
        if watch.outdated:
            self._count("left", watch.name, f"it was not done within {GIVES_UP:.0f} seconds")

    def _look(self, api: ArgoApi, watch: _Watch) -> bool:
        """End the Application's operation if it is outdated. Return whether there is nothing more to do."""
        try:
            operation = api.operation(watch.name)
            if operation is None:
                if watch.looks == 0 and watch.ended is None:
                    self._count("failed", watch.name, "it shows no such Application to the account of the token")
                return True
            if operation.terminated and watch.ended not in {None, operation.started_at}:
                get_logger().warning(
                    "Argo CD ended a sync that had just begun, instead of the one before. Argo CD will not start it "
                    "again by itself: run `argocd app sync`",
                    application=watch.name,
                )
                return True
            watch.outdated = operation.phase is Phase.OUTDATED
            # Nothing may come between reading and this: it ends whatever runs when it arrives.
            if watch.outdated and api.terminate(watch.name):
                watch.ended = operation.started_at
                self._counts.labels("ended").inc()
                get_logger().info("ended a sync that a new answer had outdated", application=watch.name)
        except ApiError as error:
            self._count("failed", watch.name, str(error))
            return False
        return operation.phase is Phase.IDLE and time.monotonic() - watch.since >= SETTLES

    def _count(self, result: str, name: str, cause: str) -> None:
        """Count what was not done, and log each cause only now and then."""
        self._counts.labels(result).inc()
        now = time.monotonic()
        if now >= self._quiet_until.get(cause, now):
            self._quiet_until[cause] = now + QUIET
            get_logger().warning(
                "a sync that a new answer may have outdated could not be ended through Argo CD's API; "
                "Argo CD ends it by its own deadlines. Others may follow without a line in the log",
                application=name,
                problem=cause,
            )
