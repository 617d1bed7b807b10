"""The log: a line for each refresh, and a line for each change that people must know about."""

import logging
from collections import Counter

from plugin.logs import Logger
from plugin.mirror.refresh import Observer, RefreshReport


def log_refreshes(log: Logger) -> Observer:
    """Return an observer that writes each refresh to the log."""
    held: dict[str, str] = {}
    ends = 0
    missing: dict[str, list[str]] = {}
    unheard: dict[str, str] = {}
    waited = False

    def observe(report: RefreshReport) -> None:
        nonlocal held, ends, missing, unheard, waited
        current, snapshot = report.current, report.current.known.snapshot
        if held != (held := dict(current.departures)) and held:
            log.warning("the breaker holds previews back", previews=held, to_release=current.to_release)
        if ends != (ends := current.earlier_ends) and ends:
            log.warning("the breaker holds ends of previews back", ends=ends, to_release=current.to_release)
        if report.catalog_error:
            log.error(
                "the catalog is broken; the previous version stays in force",
                problems=report.catalog_error.splitlines(),
            )
        until = report.catalog_waits_until
        if until and not waited:
            log.warning(
                "this replica's catalog file is older than the catalog in force, which stays until the file changes",
                at_most_until=until.isoformat(timespec="seconds"),
            )
        waited = until is not None
        if missing != (missing := current.missing_labels) and missing:
            log.warning("labels of the catalog do not exist, so nobody can ask for a preview", repositories=missing)
        if unheard != (unheard := current.unheard) and unheard:
            log.warning("comments cannot be read, so commands in them wait", repositories=unheard)
        log.log(
            logging.WARNING if report.failure else logging.INFO,
            "refresh" if report.reads else "decision",
            **{"failure": report.failure} if report.failure else {},
            milliseconds=round(report.duration.total_seconds() * 1000, 1),
            version=current.known.head.version,
            repositories=len(snapshot.repositories),
            pull_requests=snapshot.pull_requests,
            doubts=dict(snapshot.doubts),
            unread=list(current.unread),
            changed=report.changed,
            events=dict(Counter(event.kind.value for events in report.events.values() for event in events)),
            requests=report.requests,
            points=report.points,
            points_left=report.points_left,
        )

    return observe
