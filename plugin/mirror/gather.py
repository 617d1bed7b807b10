"""Gathering: combines what a source says with what was known before into what is certain now."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from plugin.core.answers.live import Live
from plugin.core.config.catalog import Catalog
from plugin.core.config.messages import one_line
from plugin.core.config.names import folded
from plugin.core.config.references import Locator
from plugin.core.decision.judge import judge
from plugin.core.decision.preview import LivePreview
from plugin.core.decision.wishes import AllWishes, read_wishes
from plugin.core.facts.absorb import (
    Absorbed,
    absorb,
    labels_to_ask,
    stale_look_ups,
    unconfirmed,
    unread,
    with_confirmations,
    with_look_ups,
)
from plugin.core.facts.agreement import stamp
from plugin.core.facts.confirm import NOT_YET_CONFIRMED, Suspect, confirm, is_labelled, life_differs
from plugin.core.facts.found import NOTHING_FOUND, Found
from plugin.core.facts.model import Elsewhere, LookUp, PullRequest, PullRequestState, Repository, Snapshot
from plugin.core.facts.seen import stamped
from plugin.mirror.current import Current
from plugin.sources import Doubt, Source, Wanted

# What a probe cannot see (a missed change, a lost permission) lasts no longer than this.
LISTED_EVERY = timedelta(minutes=10)
_ENDED = (PullRequestState.CLOSED, PullRequestState.MERGED)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is certain now."""

    newest: Catalog
    may_take_effect: bool  # False: `newest` waits, and the catalog in force stays, if there is one
    snapshot: Snapshot
    gone: Mapping[Locator, Elsewhere]  # pull requests that were confirmed to be elsewhere
    fresh: bool  # the source said something that counts
    wishes: AllWishes | None  # by the catalog that takes effect, or stays
    stamp: datetime | None = None  # the source's time; None: our clock disagrees with it
    missed: Mapping[str, timedelta] = field(default_factory=dict)  # by repository: how long it was not read until now
    found: Found = NOTHING_FOUND
    reads: bool = True  # False: nothing was asked, so time and acts are all that can have changed


def gather(
    source: Source, current: Current, newest: Catalog, now: datetime, only: Collection[str] | None = None
) -> Gathered:
    """Read all repositories, or only some that are said to have changed; keep whatever is in doubt as it was.

    If `only` is empty, nothing is asked.
    """
    before = current.known
    if before.catalog and newest.fingerprint == before.catalog.fingerprint:
        newest = before.catalog
    labels = labels_to_ask([newest, *([before.catalog] if before.catalog and before.catalog is not newest else [])])
    known = _known(before.snapshot, labels)
    reads = only is None or bool(only)
    answers = source.read(_wanted(labels, known, now, only, comments=bool(newest.commands))) if reads else {}
    readings = _accounted(source, answers, known, before.live, newest)
    read = {name: reading for name, reading in readings.items() if not isinstance(reading, Doubt)}
    snapshot = _with_readings(replace(before.snapshot, repositories=known | read), labels, readings, now)
    may_take_effect = _may_take_effect(newest, snapshot, before.live)
    catalog = newest if may_take_effect else before.catalog
    absorbed = _absorbed(known, read, catalog or newest, now, current)
    snapshot = replace(snapshot, repositories=known | {name: each.repository for name, each in absorbed.items()})
    snapshot, gone = _confirmed(source, snapshot, absorbed, catalog or newest, now) if reads else (snapshot, {})
    wishes = None
    if catalog:
        wishes = read_wishes(catalog, snapshot.repositories, current.wishes(catalog))
        snapshot = _looked_up(source, snapshot, wishes.wanted) if reads else snapshot
    snapshot = stamped(snapshot, stamp(now, source.ahead))
    return Gathered(newest, may_take_effect, snapshot, gone, bool(read), wishes, reads=reads)


def _known(snapshot: Snapshot, labels: Collection[str]) -> dict[str, Repository]:
    """Return what is known of the repositories to read; one that the catalog now spells in another case is the same."""
    known = {name: repository for name, repository in snapshot.repositories.items() if name in labels}
    if len(known) < len(labels):
        folds = {folded(name): repository for name, repository in snapshot.repositories.items()}
        new = ((name, folds.get(folded(name))) for name in labels if name not in known)
        known |= {name: replace(repository, name=name) for name, repository in new if repository}
    return known


def _accounted(
    source: Source,
    readings: Mapping[str, Repository | Doubt],
    known: Mapping[str, Repository],
    live: Live | None,
    catalog: Catalog,
) -> dict[str, Repository | Doubt]:
    """Doubt a first reading that would end live previews: the state lost their facts, so none can be held."""
    accounted = dict(readings)
    for name, previews in live.by_repository.items() if live else ():
        reading = readings.get(name)
        if name in known or reading is None or isinstance(reading, Doubt):
            continue
        shown = reading.by_number
        ending = [each for each in previews if not _stays(each, shown.get(each.number), catalog)]
        asked = [Locator(name, number) for number in sorted({each.number for each in ending})]
        answers = source.look_up(asked, {**known, name: reading}) if asked else {}
        left = {
            each.number
            for each in ending
            if not _ends(each, shown.get(each.number), answers.get(Locator(name, each.number)), reading)
        }
        if left:
            numbers = ", ".join(str(Locator(name, number)) for number in sorted(left))
            accounted[name] = Doubt(f"live pull requests are not listed as such, and that is not confirmed: {numbers}")
    return accounted


def _stays(preview: LivePreview, shown: PullRequest | None, catalog: Catalog) -> bool:
    """Tell whether a pull request, as it is listed, keeps its live preview, or only an edit of the catalog ends it."""
    service = catalog.services.get(preview.service)
    if shown is None or service is None:
        return shown is not None
    verdict = judge(service, shown)
    return verdict is not None and verdict.live


def _ends(preview: LivePreview, shown: PullRequest | None, answer: LookUp | None, reading: Repository) -> bool:
    """Tell whether an answer by number confirms that a live preview ends, as the listing says."""
    if answer is None or _has_ended(answer, reading.labels):
        return answer is not None
    if shown is None or (shown.fork and not preview.fork):  # nothing can become a fork's
        return False
    outcome = confirm(Suspect(shown, NOT_YET_CONFIRMED, shown, reading.labels, reading.archived_at), answer)
    return isinstance(outcome, PullRequest) and not life_differs(shown, outcome)


def _has_ended(answer: LookUp, labels: frozenset[str]) -> bool:
    return answer.state in _ENDED or (answer.state is PullRequestState.OPEN and not is_labelled(labels, answer))


def _wanted(
    labels: Mapping[str, frozenset[str]],
    known: Mapping[str, Repository],
    now: datetime,
    only: Collection[str] | None,
    *,
    comments: bool,
) -> list[Wanted]:
    return [
        Wanted(
            name,
            asked,
            known.get(name),
            must_list=only is not None or _is_due(known.get(name), asked, now),
            urgent=only is not None,
            comments=comments,
        )
        for name, asked in labels.items()
        if only is None or name in only
    ]


def _is_due(known: Repository | None, asked: frozenset[str], now: datetime) -> bool:
    if known is None or known.listed_at is None or known.labels != asked:
        return True
    return not timedelta(0) <= now - known.listed_at < LISTED_EVERY  # below zero: the clock was set back


def _with_readings(
    snapshot: Snapshot, kept: Collection[str], readings: Mapping[str, Repository | Doubt], now: datetime
) -> Snapshot:
    """Return a snapshot that says of each kept repository when it was read, and why its last reading did not count."""
    # Reasons quote what others wrote: GitHub's messages, names, a mistake in a file.
    new = {name: one_line(reading.reason) for name, reading in readings.items() if isinstance(reading, Doubt)}
    old = {name: doubt for name, doubt in snapshot.doubts.items() if name in kept and name not in readings}
    read_at = {name: at for name, at in snapshot.read_at.items() if name in kept}
    return replace(snapshot, doubts=old | new, read_at=read_at | {name: now for name in readings if name not in new})


def _may_take_effect(newest: Catalog, snapshot: Snapshot, live: Live | None) -> bool:
    """Tell whether the newest catalog can be decided on without losing a preview of a repository that was never read.

    Such a repository waits alone if nothing in the last answer belongs to it: neither by its name, nor by a service
    that the catalog puts there. Without a last answer nobody knows that, so everything must have been read.
    """
    waiting = unread(snapshot, newest)
    if not waiting or live is None:
        return not waiting
    names = set(map(folded, waiting))
    services = {service.name for name in waiting for service in newest.repositories[name]}
    return not any(
        folded(name) in names or any(preview.service in services for preview in previews)
        for name, previews in live.by_repository.items()
    )


def _absorbed(
    known: Mapping[str, Repository],
    read: Mapping[str, Repository],
    catalog: Catalog,
    now: datetime,
    current: Current,
) -> dict[str, Absorbed]:
    live = current.known.live
    spelt = {folded(name): name for name in live.by_repository} if live else {}
    return {
        name: Absorbed(reading)
        if _is_as_known(known.get(name), reading)
        else absorb(known.get(name), reading, catalog, now, _live(spelt.get(folded(name), name), known, current))
        for name, reading in read.items()
    }


def _is_as_known(known: Repository | None, reading: Repository) -> bool:
    """Tell whether a reading is what was known, perhaps with what was heard since: nothing was listed."""
    return known is not None and reading.listed_at is not None and reading.listed_at == known.listed_at


def _live(name: str, known: Mapping[str, Repository], current: Current) -> Collection[int]:
    live, decision = current.known.live, current.decision
    if live is None:  # the last answer was lost, so every known pull request may have been in it
        return known[name].numbers if name in known else ()
    # If the state lost this repository's part of the last answer alone, the same facts tell what was in it.
    decided = decision.remembered.get(name, ()) if decision else ()
    return {preview.number for preview in live.by_repository.get(name, decided)}


def _confirmed(
    source: Source, snapshot: Snapshot, absorbed: Mapping[str, Absorbed], catalog: Catalog, now: datetime
) -> tuple[Snapshot, dict[Locator, Elsewhere]]:
    asked = unconfirmed(snapshot, absorbed.keys(), now)
    if not asked:
        return snapshot, {}
    suspects = {
        Locator(name, number): listed for name, each in absorbed.items() for number, listed in each.suspects.items()
    }
    answers = source.look_up(asked, snapshot.repositories)
    return with_confirmations(snapshot, suspects, {locator: answers.get(locator) for locator in asked}, catalog)


def _looked_up(source: Source, snapshot: Snapshot, wanted: Collection[Locator]) -> Snapshot:
    stale = [name for name in stale_look_ups(snapshot, wanted) if name.repository not in snapshot.doubts]
    answers = source.look_up(stale, snapshot.repositories) if stale else {}
    return with_look_ups(snapshot, wanted, answers)
