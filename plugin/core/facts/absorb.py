"""Absorbing what was read: what counts of it, and what stays as it was known before. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from plugin.core.config.catalog import Catalog
from plugin.core.config.references import Locator
from plugin.core.facts.confirm import NOT_YET_CONFIRMED, confirm, is_labelled
from plugin.core.facts.last_good import remember_last_good
from plugin.core.facts.model import (
    Elsewhere,
    Hold,
    LookedUp,
    LookUp,
    PullRequest,
    PullRequestState,
    Repository,
    Snapshot,
)

_ELSEWHERE = {
    PullRequestState.OPEN: Elsewhere.UNLABELLED,
    PullRequestState.CLOSED: Elsewhere.CLOSED,
    PullRequestState.MERGED: Elsewhere.MERGED,
    PullRequestState.MISSING: Elsewhere.MISSING,
}


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


def unread(snapshot: Snapshot, catalog: Catalog) -> list[str]:
    """Name the repositories of a catalog that were never read."""
    return [name for name in catalog.repositories if name not in snapshot.repositories]


def absorb(before: Repository | None, reading: Repository, catalog: Catalog, now: datetime) -> Repository:
    """Return what is known of a repository after a good reading of it. Whoever is listed no more is held at first."""
    known = {pull_request.number: pull_request for pull_request in before.pull_requests} if before else {}
    dropped = before.dropped if before else {}
    listed = [new for new in reading.pull_requests if new.updated_at >= dropped.get(new.number, new.updated_at)]
    pull_requests = {new.number: _absorbed(known.get(new.number), new, reading.name, catalog, now) for new in listed}
    held_before = before.held if before else {}
    held = {number: held_before.get(number, NOT_YET_CONFIRMED) for number in known if number not in pull_requests}
    pull_requests |= {number: known[number] for number in held}
    return replace(
        reading,
        pull_requests=tuple(pull_requests[number] for number in sorted(pull_requests)),
        held=held,
        dropped=dropped if len(listed) < len(reading.pull_requests) else _can_return(dropped, reading),
        looked_up=before.looked_up if before else {},
        listed_at=now,
    )


def unconfirmed(snapshot: Snapshot) -> list[Locator]:
    """Name the held pull requests that can be looked up now: those of repositories without doubt."""
    return [
        Locator(name, number)
        for name, repository in snapshot.repositories.items()
        if name not in snapshot.doubts
        for number in repository.held
    ]


def with_confirmations(
    snapshot: Snapshot, asked: Iterable[Locator], answers: Mapping[Locator, LookUp]
) -> tuple[Snapshot, dict[Locator, Elsewhere]]:
    """Drop the held pull requests that are known to be elsewhere; return these beside the snapshot."""
    repositories = dict(snapshot.repositories)
    gone: dict[Locator, Elsewhere] = {}
    for locator in asked:
        repository = repositories[locator.repository]
        (last_seen,) = (known for known in repository.pull_requests if known.number == locator.number)
        answer = answers.get(locator)
        outcome = confirm(last_seen, repository.labels, answer, repository.held[locator.number])
        if isinstance(outcome, Hold):
            repository = replace(repository, held={**repository.held, locator.number: outcome})
            if answer and answer.state is PullRequestState.OPEN:
                repository = replace(repository, mark=None)  # the listing was wrong, so it is listed again
        else:
            gone[locator] = outcome
            repository = _without(repository, locator.number, outcome, answer)
        repositories[locator.repository] = repository
    return replace(snapshot, repositories=repositories), gone


def stale_look_ups(snapshot: Snapshot, wanted: Iterable[Locator]) -> list[Locator]:
    """Name the link targets that must be asked for again: their repository has changed since, or cannot tell."""
    return [locator for locator in sorted(wanted, key=str) if not _is_current(snapshot, locator)]


def with_look_ups(snapshot: Snapshot, wanted: Iterable[Locator], answers: Mapping[Locator, LookUp]) -> Snapshot:
    """Add what became of unlisted link targets; one that could not be looked up keeps its previous answer."""
    looked_up: dict[str, dict[int, LookedUp]] = {name: {} for name in snapshot.repositories}
    for locator in sorted(wanted, key=str):
        repository = snapshot.repositories[locator.repository]
        if found := _looked_up(repository, locator.number, answers.get(locator)):
            looked_up[locator.repository][locator.number] = found
    repositories = {
        name: repository
        if _same(repository.looked_up, looked_up[name])
        else replace(repository, looked_up=looked_up[name])
        for name, repository in snapshot.repositories.items()
    }
    return replace(snapshot, repositories=repositories)


def _absorbed(
    before: PullRequest | None, reading: PullRequest, repository: str, catalog: Catalog, now: datetime
) -> PullRequest:
    # GitHub's answers can go back in time by some seconds; an older one than we have seen tells nothing.
    newest = before if before and before.updated_at > reading.updated_at else reading
    same_head = before is not None and before.head_sha == newest.head_sha
    newest = replace(newest, head_seen_at=before.head_seen_at if before and same_head else now)
    return remember_last_good(newest, before, repository, catalog)


def _can_return(dropped: Mapping[int, datetime], reading: Repository) -> Mapping[int, datetime]:
    """Return those about which an answer from now on can be older than this one."""
    if reading.mark is None:
        return {}
    if not reading.mark.settled:
        return dropped
    # A reading from before it was dropped looks settled too, and so does one that hides it (an author was flagged).
    shown = max((datetime.fromisoformat(at) for _, at in reading.mark.newest), default=None)
    return {number: at for number, at in dropped.items() if shown is None or at > shown}


def _without(repository: Repository, number: int, elsewhere: Elsewhere, answer: LookUp | None) -> Repository:
    newest = repository.mark.newest if repository.mark else ()
    dropped = {number: answer.updated_at} if answer and answer.updated_at else {}
    return replace(
        repository,
        pull_requests=tuple(known for known in repository.pull_requests if known.number != number),
        held={other: hold for other, hold in repository.held.items() if other != number},
        dropped={**repository.dropped, **dropped},
        looked_up={**repository.looked_up, number: LookedUp(elsewhere, newest)},  # links to it need not ask again
    )


def _is_current(snapshot: Snapshot, locator: Locator) -> bool:
    repository = snapshot.repositories[locator.repository]
    known = repository.looked_up.get(locator.number)
    return known is not None and repository.mark is not None and known.newest == repository.mark.newest


def _looked_up(repository: Repository, number: int, answer: LookUp | None) -> LookedUp | None:
    lags = answer is not None and answer.state is PullRequestState.OPEN and is_labelled(repository.labels, answer)
    if answer is None or lags:
        return repository.looked_up.get(number)
    return LookedUp(_ELSEWHERE[answer.state], repository.mark.newest if repository.mark else ())


def _same(before: Mapping[int, LookedUp], after: Mapping[int, LookedUp]) -> bool:
    return before == after and all(before[number].newest == after[number].newest for number in after)
