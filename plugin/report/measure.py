"""The metrics of each refresh."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from plugin.core.answers.history import EventKind
from plugin.core.decision.part import CONFIG_ERRORS
from plugin.core.facts.lives import Lives, State
from plugin.metrics import Metrics
from plugin.mirror.current import Current
from plugin.mirror.refresh import Observer, RefreshReport

SOON = timedelta(hours=24)


def measure_refreshes(
    metrics: Metrics, source: str, now: Callable[[], datetime], steady: Callable[[], float] = time.monotonic
) -> Observer:
    """Return an observer that writes each refresh to the metrics; `source` names the kind of source.

    `now` is our clock, and `steady` one that is never set, in seconds.
    """
    for kind in EventKind:  # a counter that first appears with its first event hides that event from Prometheus
        metrics.events.labels(kind.value)
    paused = _Paused(steady)

    def observe(report: RefreshReport) -> None:
        current = report.current
        if report.reads:
            _measure_reading(metrics, report)
        metrics.catalog_broken.set(bool(report.catalog_error))
        metrics.source_requests.labels(source).inc(report.requests)
        metrics.source_points.labels(source).inc(report.points)
        if report.points_left is not None:
            metrics.source_points_left.labels(source).set(report.points_left)
        counts = current.decision.counts if current.decision else Counter[str]()
        for state in State:
            metrics.previews.labels(state.value).set(counts[state.value])
        metrics.paused_seconds.inc(paused.seconds_until(report, counts[State.PAUSED.value]))
        metrics.queue.set(len(current.queue))
        metrics.ending.set(_ending(current.known.lives, now() + SOON))
        metrics.config_errors.set(counts[CONFIG_ERRORS])
        _measure_held(metrics, current)
        for events in report.events.values():
            for event in events:
                metrics.events.labels(event.kind.value).inc()

    return observe


def _measure_reading(metrics: Metrics, report: RefreshReport) -> None:
    """Measure what only says something if the source was to be read."""
    snapshot = report.current.known.snapshot
    metrics.refresh_seconds.observe(report.duration.total_seconds())
    metrics.last_refresh.set_to_current_time()
    metrics.in_doubt.set(len(snapshot.doubts))
    metrics.unread.set(len(report.current.unread))
    metrics.pull_requests.set(snapshot.pull_requests)
    if report.failure:
        metrics.refresh_failures.inc()


def _measure_held(metrics: Metrics, current: Current) -> None:
    metrics.held.labels("confirm").set(len(current.in_doubt))
    metrics.held.labels("breaker").set(len(current.held_back))
    metrics.held_ends.set(current.earlier_ends)


def _ending(lives: Lives, until: datetime) -> int:
    """Count the live previews that end until a moment."""
    return sum(life.ends_at is not None and life.ends_at <= until for each in lives.values() for life in each.values())


@dataclass(slots=True)
class _Paused:
    """Adds up how long previews were paused: how many there were after one refresh, times the time until the next."""

    _steady: Callable[[], float]
    _count: int = 0
    _since: float = 0.0
    _fresh_at: datetime | None = None

    def seconds_until(self, report: RefreshReport, count: int) -> float:
        """Return the seconds since the last refresh; `count` previews are paused now.

        While another replica polled, it counted.
        """
        at, alone = self._steady(), report.before.known.head.fresh_at == self._fresh_at
        seconds = self._count * (at - self._since) if alone else 0.0
        self._count, self._since, self._fresh_at = count, at, report.current.known.head.fresh_at
        return seconds
