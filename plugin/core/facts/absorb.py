"""Absorbing a reading: what of it counts, and what stays as it was known before. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from plugin.core.config.catalog import Catalog
from plugin.core.config.messages import one_line
from plugin.core.config.names import folded
from plugin.core.config.references import Locator
from plugin.core.facts.confirm import (
    NOT_YET_CONFIRMED,
    Suspect,
    confirm,
    is_archived,
    is_labelled,
    life_differs,
)
from plugin.core.facts.last_good import last_good_config
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
from plugin.core.facts.seen import with_seen

_ELSEWHERE = {
    PullRequestState.OPEN: Elsewhere.UNLABELLED,
    PullRequestState.CLOSED: Elsewhere.CLOSED,
    PullRequestState.MERGED: Elsewhere.MERGED,
    PullRequestState.MISSING: Elsewhere.MISSING,
}


@dataclass(frozen=True, slots=True)
class Absorbed:
    """A repository after a successful reading, and what the reading shows that is not believed yet."""

    repository: Repository
    # By number, as listed: live pull requests that show other facts than the last answer was made from.
    suspects: Mapping[int, PullRequest] = field(default_factory=dict)


def labels_to_ask(catalogs: Sequence[Catalog]) -> Mapping[str, frozenset[str]]:
    """Return for each repository the labels to list by; an empty set means every open pull request.

    For several catalogs, it is the union of their labels.
    """
    first, *others = (catalog.listed_labels for catalog in catalogs)
    asked = dict(first)
    for other in others:
        for name, labels in other.items():
            known = asked.get(name, labels)
            spelt = {folded(label): label for label in (*labels, *known)}  # the first catalog's spelling counts
            asked[name] = frozenset(spelt.values()) if known and labels else frozenset()
    return dict(sorted(asked.items())) if len(catalogs) > 1 else asked


def unread(snapshot: Snapshot, catalog: Catalog) -> list[str]:
    """Return the repositories of a catalog that have never been read."""
    return [name for name in catalog.repositories if name not in snapshot.repositories]


def absorb(
    before: Repository | None, reading: Repository, catalog: Catalog, now: datetime, live: Collection[int] = frozenset()
) -> Absorbed:
    """Return what is known of a repository after a successful reading; `live` are the numbers in the last answer.

    A head that is new is not stamped yet (`seen.stamped`).
    Two kinds of pull requests stay as they were known until they are confirmed by number: those that are no longer
    listed, and live ones that show other labels, draft flag, base branch or fork. They are in `held`.
    """
    known = before.by_number if before else {}
    dropped = before.dropped if before else {}
    current = [new for new in reading.pull_requests if new.updated_at >= dropped.get(new.number, new.updated_at)]
    listed = {new.number: new for new in current}
    if is_archived(reading.archived_at, now):  # only known pull requests count, until they are confirmed to be gone
        listed = {number: new for number, new in listed.items() if number in known}
    causes = {number: _cause(known.get(number), listed[number]) for number in listed if number in live}
    suspects = {number: listed[number] for number, cause in causes.items() if cause}
    pull_requests = {
        number: _absorbed(known.get(number), new, reading.name, catalog, first_reading=before is None)
        for number, new in listed.items()
        if number not in suspects
    }
    held = {
        number: _hold(before, reading, number, causes.get(number, ""))
        for number in known
        if number not in pull_requests
    }
    pull_requests |= {number: known[number] for number in held}
    repository = replace(
        reading,
        pull_requests=tuple(pull_requests[number] for number in sorted(pull_requests)),
        held=held,
        dropped=dropped if len(current) < len(reading.pull_requests) else _can_return(dropped, reading),
        looked_up=before.looked_up if before else {},
        listed_at=now,
    )
    return Absorbed(repository, suspects)


def unconfirmed(snapshot: Snapshot, read: Collection[str], now: datetime) -> list[Locator]:
    """Return the pull requests to look up by number now: those that are held, unless their repository is in doubt.

    For a repository that was `read` in this refresh and archived long ago, return all of them.
    """
    return [
        Locator(name, number)
        for name, repository in snapshot.repositories.items()
        if name not in snapshot.doubts
        for number in (
            repository.numbers if name in read and is_archived(repository.archived_at, now) else repository.held
        )
    ]


def with_confirmations(
    snapshot: Snapshot,
    suspects: Mapping[Locator, PullRequest],
    answers: Mapping[Locator, LookUp | None],
    catalog: Catalog,
) -> tuple[Snapshot, dict[Locator, Elsewhere]]:
    """Apply look-ups by number; return what is known then, and which pull requests are gone.

    `suspects` holds what `absorb` did not believe, and `answers` everything that was looked up: None if that failed.
    What is neither confirmed nor gone is still held as it was known.
    """
    repositories = dict(snapshot.repositories)
    gone: dict[Locator, Elsewhere] = {}
    by_repository: dict[str, dict[int, LookUp | None]] = {}
    for locator, answer in answers.items():
        by_repository.setdefault(locator.repository, {})[locator.number] = answer
    for name, its_answers in by_repository.items():
        its_suspects = {number: suspects.get(Locator(name, number)) for number in its_answers}
        confirming = _Confirming(repositories[name], its_suspects, catalog)
        for number, answer in its_answers.items():
            confirming.judge(number, answer)
        repositories[name] = confirming.result()
        gone |= {Locator(name, number): elsewhere for number, elsewhere in confirming.gone.items()}
    return replace(snapshot, repositories=repositories), gone


class _Confirming:
    """Judges the suspects of one repository."""

    def __init__(self, repository: Repository, listed: Mapping[int, PullRequest | None], catalog: Catalog) -> None:
        self._repository, self._listed = repository, listed
        self._catalog = catalog
        self._pull_requests = repository.by_number
        self._held, self._dropped = dict(repository.held), dict(repository.dropped)
        self._looked_up, self._list_again = dict(repository.looked_up), False
        self.gone: dict[int, Elsewhere] = {}

    def judge(self, number: int, answer: LookUp | None) -> None:
        repository, known, listed = self._repository, self._pull_requests[number], self._listed[number]
        before = self._held.get(number, NOT_YET_CONFIRMED)
        outcome = confirm(Suspect(known, before, listed, repository.labels, repository.archived_at), answer)
        match outcome:
            case Hold() if number in self._held:
                self._held[number] = outcome
                # A listing that is wrong or not confirmed is repeated.
                self._list_again |= listed is not None or (answer is not None and answer.state is PullRequestState.OPEN)
            case PullRequest():
                older = listed is None or listed.updated_at < outcome.updated_at
                self._list_again |= older or bool(listed and life_differs(listed, outcome))
                self._pull_requests[number] = _absorbed(known, outcome, repository.name, self._catalog)
                self._held.pop(number, None)
            case Elsewhere():
                self._list_again |= listed is not None
                self._drop(number, outcome, answer)

    def result(self) -> Repository:
        return replace(
            self._repository,
            pull_requests=tuple(self._pull_requests.values()),
            held=self._held,
            dropped=self._dropped,
            looked_up=self._looked_up,
            mark=None if self._list_again else self._repository.mark,
        )

    def _drop(self, number: int, elsewhere: Elsewhere, answer: LookUp | None) -> None:
        self.gone[number] = elsewhere
        del self._pull_requests[number]
        self._held.pop(number, None)
        if answer and answer.updated_at:
            self._dropped[number] = answer.updated_at
        self._looked_up[number] = LookedUp(elsewhere, _token(self._repository))  # links to it need not ask again


def stale_look_ups(snapshot: Snapshot, wanted: Iterable[Locator]) -> list[Locator]:
    """Return the link targets to look up again, because their repository has changed since, or may have."""
    known = (locator for locator in wanted if locator.repository in snapshot.repositories)
    return [locator for locator in sorted(known, key=str) if not _is_current(snapshot, locator)]


def with_look_ups(snapshot: Snapshot, wanted: Iterable[Locator], answers: Mapping[Locator, LookUp]) -> Snapshot:
    """Add what became of unlisted link targets; one that could not be looked up keeps its previous result."""
    looked_up: dict[str, dict[int, LookedUp]] = {}
    for locator in sorted(wanted, key=str):
        repository = snapshot.repositories.get(locator.repository)
        if repository and (found := _looked_up(repository, locator.number, answers.get(locator))):
            looked_up.setdefault(locator.repository, {})[locator.number] = found
    repositories = {
        name: repository
        if _same(repository.looked_up, now := looked_up.get(name, {}))
        else replace(repository, looked_up=now)
        for name, repository in snapshot.repositories.items()
    }
    return replace(snapshot, repositories=repositories)


def _cause(known: PullRequest | None, listed: PullRequest) -> str:
    """Say why a listed, live pull request is not believed, or return ""."""
    if known is None or known.updated_at > listed.updated_at:  # an older listing is ignored anyway
        return ""
    return life_differs(known, listed)


def _hold(before: Repository | None, reading: Repository, number: int, cause: str) -> Hold:
    if number in reading.held:  # the source could not read it, and quotes its server
        cause = one_line(reading.held[number].reason)
        return Hold(cause, cause=cause)
    if cause:
        return Hold(f"{cause}, and it has not been looked up yet", cause=cause)
    held_before = before.held.get(number) if before else None
    # One that was held for another reason has disappeared from the listing since.
    return held_before if held_before and held_before.cause == NOT_YET_CONFIRMED.cause else NOT_YET_CONFIRMED


def _absorbed(
    before: PullRequest | None,
    reading: PullRequest,
    repository: str,
    catalog: Catalog,
    *,
    first_reading: bool = False,
) -> PullRequest:
    # Answers can go back in time by some seconds; one that is older than what was seen before is ignored.
    newest = before if before and before.updated_at > reading.updated_at else reading
    last_good = last_good_config(newest, before, repository, catalog)
    return with_seen(replace(newest, last_good_config=last_good), before, first_reading=first_reading)


def _can_return(dropped: Mapping[int, datetime], reading: Repository) -> Mapping[int, datetime]:
    """Return the dropped pull requests that a later answer may still show as they were before."""
    if not reading.identity:  # this source never gives older answers
        return {}
    if reading.mark is None or not reading.mark.settled:
        return dropped
    # A reading from before it was dropped looks settled, too, and so does one that hides it (an author was flagged).
    shown = reading.mark.changed_at
    return {number: at for number, at in dropped.items() if shown is None or at > shown}


def _is_current(snapshot: Snapshot, locator: Locator) -> bool:
    repository = snapshot.repositories[locator.repository]
    known = repository.looked_up.get(locator.number)
    return known is not None and repository.mark is not None and known.token == repository.mark.token


def _looked_up(repository: Repository, number: int, answer: LookUp | None) -> LookedUp | None:
    if answer is None:
        return repository.looked_up.get(number)
    elsewhere = _ELSEWHERE[answer.state]
    if answer.state is PullRequestState.OPEN:
        if is_archived(repository.archived_at, answer.answered_at):
            elsewhere = Elsewhere.ARCHIVED
        elif is_labelled(repository.labels, answer):  # the listing lags
            return repository.looked_up.get(number)
    # What has just changed can be missing from the answer, and then nothing would ever ask for it again.
    settled = repository.mark is not None and repository.mark.settled
    return LookedUp(elsewhere, _token(repository) if settled else "")


def _token(repository: Repository) -> str:
    return repository.mark.token if repository.mark else ""


def _same(before: Mapping[int, LookedUp], after: Mapping[int, LookedUp]) -> bool:
    return before == after and (not after or all(before[number].token == after[number].token for number in after))
