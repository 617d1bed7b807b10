"""Seen: what earlier readings showed of a pull request's activity, kept from one reading to the next. Pure.

Commit dates are whatever an author wants them to be, and GitHub does not say when a commit was pushed. So a head counts
from the moment when it was first seen here, by the source's clock.
"""

from dataclasses import replace
from datetime import datetime

from plugin.core.config.names import folded
from plugin.core.facts.model import Events, PullRequest, Repository, Snapshot


def with_seen(newest: PullRequest, before: PullRequest | None, *, first_reading: bool) -> PullRequest:
    """Return a pull request with what was seen of it before. A new head waits for `stamped`.

    In the first reading of its repository, nobody knows how old any head is.
    """
    same_head = first_reading or (before is not None and before.head_sha == newest.head_sha)
    return replace(
        newest,
        events=_joined(newest, before),
        head_seen_at=before.head_seen_at if before else None,
        unstamped=(before is not None and before.unstamped) if same_head else True,
    )


def stamped(snapshot: Snapshot, stamp: datetime | None) -> Snapshot:
    """Stamp every head that was first seen now, or while the clocks did not agree. Without a stamp they wait."""
    if stamp is None:
        return snapshot
    waiting = {
        name: _stamped(repository, stamp)
        for name, repository in snapshot.repositories.items()
        if any(pull_request.unstamped for pull_request in repository.pull_requests)
    }
    return replace(snapshot, repositories={**snapshot.repositories, **waiting}) if waiting else snapshot


def _stamped(repository: Repository, stamp: datetime) -> Repository:
    return replace(
        repository,
        pull_requests=tuple(
            replace(each, head_seen_at=stamp, unstamped=False) if each.unstamped else each
            for each in repository.pull_requests
        ),
    )


def _joined(newest: PullRequest, before: PullRequest | None) -> Events | None:
    """Return all events that are known. A time that was seen once stays for as long as the label does."""
    known = [each.events for each in (newest, before) if each and each.events]
    if not known:
        return None
    times = {
        label: [each.labelled_at[label] for each in known if label in each.labelled_at] for label in _labels(newest)
    }
    reopened = [each.reopened_at for each in known if each.reopened_at]
    return Events(
        known[0].created_at,
        {label: max(moments) for label, moments in times.items() if moments},
        max(reopened, default=None),
    )


def _labels(pull_request: PullRequest) -> list[str]:
    return list(map(folded, pull_request.labels))  # in their order, so that equal events are stored as equal bytes
