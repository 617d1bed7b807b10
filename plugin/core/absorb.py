"""Absorbing a new reading: what counts of it, and what stays as it was known before. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from plugin.core.catalog import Catalog
from plugin.core.last_good import remember_last_good
from plugin.core.model import Elsewhere, PullRequest, Repository, Snapshot
from plugin.core.references import Locator


def labels_to_ask(catalogs: Iterable[Catalog]) -> dict[str, frozenset[str]]:
    """Return for each repository the labels to list by; none of them means every open pull request.

    GitHub joins labels with OR, so one of each service's required labels finds every candidate; that all of them are
    there is checked by the verdict. Of two catalogs, the union serves both.
    """
    asked: dict[str, set[str]] = {}
    everything = set()
    for catalog in catalogs:
        for service in catalog.services.values():
            asked.setdefault(service.repository, set()).update(service.policy.require[:1])
            if not service.policy.require:
                everything.add(service.repository)
    return {name: frozenset() if name in everything else frozenset(labels) for name, labels in sorted(asked.items())}


def covers(snapshot: Snapshot, catalog: Catalog) -> bool:
    """Tell whether everything that the catalog speaks of was read, by the labels that it needs."""
    return not unread(snapshot, catalog)


def unread(snapshot: Snapshot, catalog: Catalog) -> list[str]:
    """Name the repositories that were never read by the labels that the catalog needs."""
    return [
        name
        for name, labels in labels_to_ask([catalog]).items()
        if name not in snapshot.repositories or not _asked_for(snapshot.repositories[name].labels, labels)
    ]


def absorb(before: Repository | None, reading: Repository, catalog: Catalog) -> Repository:
    """Return what is known of a repository after a good reading of it."""
    known = {pull_request.number: pull_request for pull_request in before.pull_requests} if before else {}
    pull_requests = (
        remember_last_good(_newer(known.get(new.number), new), known.get(new.number), reading.name, catalog)
        for new in reading.pull_requests
    )
    return replace(reading, pull_requests=tuple(pull_requests), looked_up=before.looked_up if before else {})


def with_look_ups(snapshot: Snapshot, wanted: Iterable[Locator], found: Mapping[Locator, Elsewhere]) -> Snapshot:
    """Add what became of unlisted link targets; one that could not be looked up keeps its previous answer."""
    looked_up: dict[str, dict[int, Elsewhere]] = {name: {} for name in snapshot.repositories}
    for locator in sorted(wanted, key=str):
        previous = snapshot.repositories[locator.repository].looked_up.get(locator.number)
        if elsewhere := found.get(locator, previous):
            looked_up[locator.repository][locator.number] = elsewhere
    repositories = {
        name: replace(repository, looked_up=looked_up[name]) for name, repository in snapshot.repositories.items()
    }
    return replace(snapshot, repositories=repositories)


def _newer(before: PullRequest | None, after: PullRequest) -> PullRequest:
    # GitHub's answers can go back in time by some seconds; an older one than we have seen tells nothing.
    return before if before and before.updated_at > after.updated_at else after


def _asked_for(asked: frozenset[str], needed: frozenset[str]) -> bool:
    return not asked or (bool(needed) and needed <= asked)
