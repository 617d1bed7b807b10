"""Gathering: from a source and what was known before to what is certain now."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from plugin.core.answers.live import Live
from plugin.core.config.catalog import Catalog
from plugin.core.config.messages import one_line
from plugin.core.config.references import Locator
from plugin.core.decision.wishes import Wishes, read_wishes, wanted_look_ups
from plugin.core.facts.absorb import (
    absorb,
    labels_to_ask,
    stale_look_ups,
    unconfirmed,
    with_confirmations,
    with_look_ups,
)
from plugin.core.facts.model import Elsewhere, Repository, Snapshot
from plugin.mirror.current import Current
from plugin.sources import Doubt, Source, Wanted

# What a probe cannot see (a missed change, a lost permission) lasts no longer than this.
LISTED_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is certain now. The newest catalog `may_take_effect` if no live preview depends on what is unread."""

    newest: Catalog
    may_take_effect: bool
    snapshot: Snapshot
    gone: Mapping[Locator, Elsewhere]  # pull requests that were confirmed to be elsewhere
    fresh: bool  # the source said something that counts
    wishes: Mapping[str, Wishes]  # by the catalog that takes effect


def gather(
    source: Source, current: Current, newest: Catalog, now: datetime, only: Collection[str] | None = None
) -> Gathered:
    """Read all repositories, or only some that are said to have changed; keep whatever is in doubt as it was."""
    before = current.known
    if before.catalog and newest.fingerprint == before.catalog.fingerprint:
        newest = before.catalog
    in_force = [before.catalog] if before.catalog else []
    labels = labels_to_ask([newest, *in_force])
    known = {name: repository for name, repository in before.snapshot.repositories.items() if name in labels}
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
    may_take_effect = _may_take_effect(newest, known.keys() | read.keys(), before.live)
    catalog = newest if may_take_effect else before.catalog
    absorbed = {
        name: reading if reading is known.get(name) else absorb(known.get(name), reading, catalog or newest, now)
        for name, reading in read.items()
    }
    snapshot, gone = _confirmed(source, replace(snapshot, repositories=known | absorbed))
    wishes: Mapping[str, Wishes] = {}
    if catalog:
        wishes = read_wishes(catalog, snapshot, current.wishes(catalog))
        snapshot = _looked_up(source, snapshot, wanted_look_ups(wishes, snapshot))
    return Gathered(newest, may_take_effect, snapshot, gone, bool(read), wishes)


def _may_take_effect(newest: Catalog, read: Collection[str], live: Live | None) -> bool:
    """Tell whether nothing that may be live depends on a repository that was never read."""
    unread = newest.repositories.keys() - read
    if live is None:  # nothing is known of what was answered, so everything must be read first
        return not unread
    moved = {service.name for name in unread for service in newest.repositories[name]}
    return not any(
        name in unread or any(preview.service in moved for preview in previews)
        for name, previews in live.by_repository.items()
    )


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
