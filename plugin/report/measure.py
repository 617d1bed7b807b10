"""The metrics of each refresh."""

from collections import Counter

from plugin.core.decision.part import CONFIG_ERRORS
from plugin.core.facts.lives import State
from plugin.metrics import Metrics
from plugin.mirror.refresh import Observer, RefreshReport


def measure_refreshes(metrics: Metrics, source: str) -> Observer:
    """Return an observer that writes each refresh to the metrics; `source` names the kind of source."""

    def observe(report: RefreshReport) -> None:
        current, snapshot = report.current, report.current.known.snapshot
        metrics.refresh_seconds.observe(report.duration.total_seconds())
        metrics.last_refresh.set_to_current_time()
        metrics.in_doubt.set(len(snapshot.doubts))
        metrics.unread.set(len(current.unread))
        metrics.pull_requests.set(snapshot.pull_requests)
        metrics.catalog_broken.set(bool(report.catalog_error))
        metrics.source_requests.labels(source).inc(report.requests)
        metrics.source_points.labels(source).inc(report.points)
        if report.points_left is not None:
            metrics.source_points_left.labels(source).set(report.points_left)
        if report.failure:
            metrics.refresh_failures.inc()
        counts = current.decision.counts if current.decision else Counter[str]()
        for state in State:
            metrics.previews.labels(state.value).set(counts[state.value])
        metrics.config_errors.set(counts[CONFIG_ERRORS])
        metrics.held.labels("confirm").set(len(current.in_doubt))
        metrics.held.labels("breaker").set(len(current.held_back))
        for events in report.events.values():
            for event in events:
                metrics.events.labels(event.kind.value).inc()

    return observe
