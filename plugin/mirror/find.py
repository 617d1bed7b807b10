"""Finding: what the lives of previews need beyond pull requests. It is asked after these were read."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from plugin.core.config.lifecycle import Traffic
from plugin.core.config.references import Locator
from plugin.core.facts.agreement import stamp
from plugin.core.facts.found import Found
from plugin.core.facts.lives import Lives
from plugin.core.facts.model import LookUp, PullRequest, PullRequestState, Repository, Snapshot
from plugin.core.facts.traffic import Used
from plugin.mirror.current import Current
from plugin.mirror.gate import NOT_ASKED, Before, ask_gate
from plugin.mirror.gather import Gathered
from plugin.sources import Doubt, Registry, Source

# Between two readings, this much counts as time in which nobody did anything. Where readings are always further apart,
# each of them moves an announced end by the rest, also where people see it: that is when it comes, and not sooner.
COUNTED = timedelta(minutes=10)
UNREADABLE = "which of its commits are ready could not be read, and nobody knows which previews it had"


@dataclass(frozen=True, slots=True)
class Outside:
    """Everything that is asked."""

    source: Source
    registry: Registry
    traffic: Callable[[Traffic | None, datetime], Used | Doubt | None]


def find(outside: Outside, before: Current, gathered: Gathered, now: datetime) -> Gathered:
    """Ask what the lives of previews need, and add it to what was gathered.

    If nothing was read, only what is to end is looked up.
    """
    known, snapshot = before.known, gathered.snapshot
    catalog = gathered.newest if gathered.may_take_effect else known.catalog
    source_time = stamp(now, outside.source.ahead)
    missed, counted_at = _missed(snapshot, now, source_time)
    told = replace(snapshot, counted_at=counted_at, compared_at=source_time)
    gathered = replace(gathered, snapshot=told, stamp=source_time, missed=missed)
    if catalog is None:
        return gathered
    readiness = NOT_ASKED
    if gathered.reads:
        readiness = ask_gate(outside.source, outside.registry, catalog, snapshot, Before(known.lives, known.acts))
    if known.live is None and readiness.unreadable:
        return _never_read(gathered, readiness.unreadable)
    used = outside.traffic(catalog.traffic, now)
    found = Found(
        ready=readiness.ready,
        commits=readiness.commits,
        used=used if isinstance(used, Used) else None,
        traffic_in_doubt=isinstance(used, Doubt),
        nothing_newer=_nothing_newer(outside.source, told, _due(known.lives, now), source_time),
    )
    return replace(gathered, found=found)


def _never_read(gathered: Gathered, unreadable: Collection[str]) -> Gathered:
    """Count repositories as never read: without a stored answer, an unknown readiness may hide a live preview."""
    snapshot = gathered.snapshot
    repositories = {name: each for name, each in snapshot.repositories.items() if name not in unreadable}
    doubts = {**snapshot.doubts, **dict.fromkeys(sorted(unreadable), UNREADABLE)}
    return replace(
        gathered, snapshot=replace(snapshot, repositories=repositories, doubts=doubts), may_take_effect=False
    )


def _missed(
    snapshot: Snapshot, now: datetime, source_time: datetime | None
) -> tuple[Mapping[str, timedelta], Mapping[str, datetime]]:
    """Return how much time does not count for each repository that was read now, and when each was read."""
    if source_time is None:
        return {}, snapshot.counted_at
    read = [name for name, at in snapshot.read_at.items() if at == now]
    gaps = {name: source_time - snapshot.counted_at.get(name, source_time) for name in read}
    missed = {name: gap - COUNTED for name, gap in gaps.items() if gap > COUNTED}
    kept = {name: at for name, at in snapshot.counted_at.items() if name in snapshot.read_at}
    return missed, {**kept, **dict.fromkeys(read, source_time)}


def _due(lives: Lives, now: datetime) -> list[Locator]:
    """Return the pull requests of previews whose announced end has come."""
    due = {
        Locator(name, int(key.rpartition("/")[2]))
        for name, each in lives.items()
        for key, life in each.items()
        if life.state.live and life.announced and life.ends_at and life.ends_at <= now
    }
    return sorted(due, key=str)


def _nothing_newer(
    source: Source, snapshot: Snapshot, due: Collection[Locator], source_time: datetime | None
) -> frozenset[Locator]:
    """Look up by number the pull requests whose previews are to end, and return those to which nothing happened.

    One whose repository was not read for longer than what counts is not asked about: its next reading tells how much of
    the time since its end was announced does not count.
    """
    known = {
        locator: pull_request
        for locator in due
        if (repository := snapshot.repositories.get(locator.repository)) and locator.repository not in snapshot.doubts
        if _was_read_lately(snapshot, locator.repository, source_time)
        for pull_request in _numbered(repository, locator.number)
    }
    answers = source.look_up(list(known), snapshot.repositories) if known else {}
    return frozenset(locator for locator, answer in answers.items() if _is_unchanged(known[locator], answer))


def _was_read_lately(snapshot: Snapshot, repository: str, source_time: datetime | None) -> bool:
    read_at = snapshot.counted_at.get(repository)
    return source_time is not None and read_at is not None and source_time - read_at <= COUNTED


def _numbered(repository: Repository, number: int) -> list[PullRequest]:
    return [each for each in repository.pull_requests if each.number == number]


def _is_unchanged(known: PullRequest, answer: LookUp) -> bool:
    return (
        answer.state is PullRequestState.OPEN
        and answer.settled
        and known.settled  # else something may have happened until `known.updated_at` that was not read yet
        and answer.head_sha == known.head_sha
        and answer.updated_at is not None
        and answer.updated_at <= known.updated_at
    )
