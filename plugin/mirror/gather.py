"""Gathering: from a source and what was known before to what is certain now."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from plugin.core.config.catalog import Catalog
from plugin.core.config.messages import one_line
from plugin.core.config.references import Locator
from plugin.core.decision.decide import wanted_lookups
from plugin.core.facts.absorb import (
    absorb,
    covers,
    labels_to_ask,
    stale_look_ups,
    unconfirmed,
    with_confirmations,
    with_look_ups,
)
from plugin.core.facts.model import Elsewhere, Repository, Snapshot
from plugin.mirror.current import Current
from plugin.sources import Doubt, Source, Wanted
from plugin.state import Known

# What a probe cannot see (a missed change, a lost permission) lasts no longer than this.
LISTED_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is certain now. `catalog` is None until every repository was read once."""

    catalog: Catalog | None
    snapshot: Snapshot
    gone: Mapping[Locator, Elsewhere]  # pull requests that were confirmed to be elsewhere
    fresh: bool  # the source said something that counts


def gather(
    source: Source, current: Current, newest: Catalog, now: datetime, only: Collection[str] | None = None
) -> Gathered:
    """Read all repositories, or only some that are said to have changed; keep whatever is in doubt as it was."""
    before = current.known
    if before.catalog and newest.fingerprint == before.catalog.fingerprint:
        newest = before.catalog
    in_force = [before.catalog] if before.catalog else []
    labels = labels_to_ask([newest, *in_force])
    kept = labels.keys() | _held_back(before)
    known = {name: repository for name, repository in before.snapshot.repositories.items() if name in kept}
    wanted = [
        Wanted(
            name,
            asked,
            known.get(name),
            must_list=only is not None or _is_due(known.get(name), asked, now),
            urgent=only is not None,
        )
        for name, asked in labels.items()
        if only is None or name in only
    ]
    readings = source.read(wanted)
    read = {name: reading for name, reading in readings.items() if not isinstance(reading, Doubt)}
    snapshot = replace(
        before.snapshot,
        doubts={
            name: doubt for name, doubt in before.snapshot.doubts.items() if name in labels and name not in readings
        }
        # Reasons hold what others wrote: GitHub's messages, names, a mistake in a file.
        | {name: one_line(reading.reason) for name, reading in readings.items() if isinstance(reading, Doubt)},
        read_at={name: at for name, at in before.snapshot.read_at.items() if name in labels} | dict.fromkeys(read, now),
    )
    # A catalog that adds a repository takes effect once that repository was read.
    catalog = newest if covers(Snapshot(known | read), newest) else before.catalog
    absorbed = {
        name: reading if reading is known.get(name) else absorb(known.get(name), reading, catalog or newest, now)
        for name, reading in read.items()
    }
    snapshot, gone = _confirmed(source, replace(snapshot, repositories=known | absorbed))
    if catalog:
        snapshot = _looked_up(source, snapshot, wanted_lookups(catalog, snapshot, current.decision))
    return Gathered(catalog, snapshot, gone, fresh=bool(read))


def _held_back(known: Known) -> set[str]:
    """Name the repositories of what the breaker holds back: if a catalog edit is undone, they are as they were."""
    return {emitted.previews[name].repository for emitted in known.emitted.values() for name in emitted.held}


def _is_due(known: Repository | None, asked: frozenset[str], now: datetime) -> bool:
    if known is None or known.listed_at is None or known.labels != asked:
        return True
    return not timedelta(0) <= now - known.listed_at < LISTED_EVERY  # below zero: the clock was set back


def _confirmed(source: Source, snapshot: Snapshot) -> tuple[Snapshot, dict[Locator, Elsewhere]]:
    asked = unconfirmed(snapshot)
    answers = source.look_up(asked, snapshot.repositories) if asked else {}
    return with_confirmations(snapshot, asked, answers)


def _looked_up(source: Source, snapshot: Snapshot, wanted: Collection[Locator]) -> Snapshot:
    stale = [name for name in stale_look_ups(snapshot, wanted) if name.repository not in snapshot.doubts]
    answers = source.look_up(stale, snapshot.repositories) if stale else {}
    return with_look_ups(snapshot, wanted, answers)
