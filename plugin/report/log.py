"""What each refresh did, for the log and the metrics."""

import logging
from collections import Counter
from collections.abc import Callable

from plugin.core.decision.verdicts import State
from plugin.logs import Logger
from plugin.metrics import Metrics
from plugin.mirror.current import Current, held_by_breaker, held_by_confirm, to_let_go
from plugin.mirror.refresh import RefreshReport


def observer(metrics: Metrics, log: Logger) -> Callable[[RefreshReport], None]:
    """Write each refresh to the log and the metrics."""
    held: dict[str, str] = {}
    waited = False

    def observe(report: RefreshReport) -> None:
        nonlocal held, waited
        snapshot = report.current.known.snapshot
        pull_requests = sum(len(repository.pull_requests) for repository in snapshot.repositories.values())
        metrics.refresh_seconds.observe(report.duration.total_seconds())
        metrics.last_refresh.set_to_current_time()
        metrics.in_doubt.set(len(snapshot.doubts))
        metrics.pull_requests.set(pull_requests)
        metrics.catalog_broken.set(bool(report.catalog_error))
        metrics.github_requests.inc(report.requests)
        metrics.github_points.inc(report.points)
        if report.points_left is not None:
            metrics.github_points_left.set(report.points_left)
        if report.failure:
            metrics.refresh_failures.inc()
        _count_previews(metrics, report.current)
        if held != (held := held_by_breaker(report.current.known.emitted)) and held:  # once for each change
            log.warning("the breaker holds", previews=held, to_let_go=to_let_go(report.current.known))
        if report.catalog_error:
            log.error(
                "the catalog is broken; the version before stays in force",
                problems=report.catalog_error.splitlines(),
            )
        until = report.catalog_waits_until
        if until and not waited:  # once for each time
            log.warning(
                "the catalog's file of this replica is older than the catalog in force, which stays until it changes",
                at_most_until=until.isoformat(timespec="seconds"),
            )
        waited = until is not None
        log.log(
            logging.WARNING if report.failure else logging.INFO,
            "refresh",
            **{"failure": report.failure} if report.failure else {},
            milliseconds=round(report.duration.total_seconds() * 1000, 1),
            version=report.current.known.head.version,
            repositories=len(snapshot.repositories),
            pull_requests=pull_requests,
            doubts=dict(snapshot.doubts),
            changed=report.changed,
            github_requests=report.requests,
            github_points=report.points,
            github_points_left=report.points_left,
        )

    return observe


def _count_previews(metrics: Metrics, current: Current) -> None:
    states = Counter(preview.verdict.state for preview in current.previews)
    for state in State:
        metrics.previews.labels(state.value).set(states[state])
    metrics.config_errors.set(sum(bool(preview.config_error) for preview in current.previews))
    metrics.held.labels("confirm").set(len(held_by_confirm(current)))
    metrics.held.labels("breaker").set(len(held_by_breaker(current.known.emitted)))
