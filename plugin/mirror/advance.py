"""Advancing: from what was gathered to the next version of what may be answered. Pure; `refresh.py` stores it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from plugin.core.answers.breaker import holds, removed_by_edit
from plugin.core.answers.departures import why
from plugin.core.answers.emission import live_previews, missing, parameters
from plugin.core.answers.history import Histories, happened, recorded
from plugin.core.answers.live import Hold, Live
from plugin.core.config.catalog import Catalog
from plugin.core.config.threshold import Threshold
from plugin.core.decision.decide import Decision, decide
from plugin.core.facts.acts import ActKind
from plugin.mirror.current import Current
from plugin.mirror.gather import Gathered
from plugin.state import Head, Known


@dataclass(frozen=True, slots=True)
class Advanced:
    """The next version, and what happened to previews on the way to it."""

    current: Current
    events: Histories = field(default_factory=dict)


def advance(before: Current, gathered: Gathered, now: datetime, threshold: Threshold) -> Advanced:
    """Return what may be answered once it is stored; its version is a new one only if an answer could change."""
    known = before.known
    fresh_at = now if gathered.fresh else known.head.fresh_at
    unchanged = replace(known, head=Head(known.head.version, fresh_at), snapshot=gathered.snapshot)
    candidate = gathered.newest if gathered.may_take_effect else known.catalog
    if _is_settled(known, candidate) and gathered.snapshot == known.snapshot:
        return Advanced(replace(before, known=unchanged))
    draft = replace(unchanged, head=Head(known.head.version + 1, fresh_at))
    if candidate is None:  # not everything was read yet, so nothing is answered
        return Advanced(replace(before, known=draft))
    after = _decided(before, replace(draft, acts=_acts(known, gathered.newest)), candidate, gathered, threshold)
    events = happened(before.moment, after.moment, _departed(before, after, gathered), now)
    histories = recorded(known.histories, events, now)
    return Advanced(replace(after, known=replace(after.known, histories=histories)), events)


def _is_settled(known: Known, candidate: Catalog | None) -> bool:
    """Tell whether only new facts could change an answer."""
    if candidate is None or candidate is not known.catalog:
        # While the breaker holds, an acknowledgement could; that it waits for the same catalog changes nothing.
        return candidate is not None and _waits_for(known, candidate)
    return known.hold is None and known.live is not None and known.live.catalog == candidate.fingerprint


def _waits_for(known: Known, candidate: Catalog) -> bool:
    return known.hold is not None and known.hold.catalog == candidate.fingerprint and not _acknowledged(known, candidate)


def _decided(before: Current, draft: Known, candidate: Catalog, gathered: Gathered, threshold: Threshold) -> Current:
    snapshot, in_force, live = gathered.snapshot, draft.catalog, draft.live
    wishes = gathered.wishes if gathered.wishes_of is candidate else None
    as_before = None if in_force is None else decide(in_force, snapshot, before.decision)
    if candidate is in_force and as_before:
        decision = as_before
    else:
        decision = decide(candidate, snapshot, before.edited, wishes)
    if live is not None:
        removed = removed_by_edit(live, as_before, decision, snapshot)
        if holds(removed, live, threshold, acknowledged=_acknowledged(draft, candidate)):
            return _held(before, draft, live, as_before, decision, gathered)
    return Current(
        replace(draft, catalog=candidate, live=live_previews(decision, live), hold=None),
        decision,
    )


def _held(
    before: Current, draft: Known, live: Live, as_before: Decision | None, edited: Decision, gathered: Gathered
) -> Current:
    """Keep the old answer whole, and the catalog in force too, so that undoing the edit undoes the hold."""
    old = before.known.hold
    hold = Hold(
        edited.catalog.fingerprint,
        _reasons(old, live, edited, gathered),
        old.parameters if old else _whole(before),
    )
    if as_before is None:  # nothing else is known to decide by
        return Current(replace(draft, catalog=edited.catalog, hold=hold), edited)
    return Current(replace(draft, hold=hold), as_before, edited)


def _whole(before: Current) -> bytes | None:
    return parameters(before.decision) if before.decision and before.complete else None


def _reasons(old: Hold | None, live: Live, edited: Decision, gathered: Gathered) -> Mapping[str, str]:
    reasons = {}
    for repository, left in missing(live, edited):
        known = gathered.snapshot.repositories.get(repository)
        is_gone = known is not None and left.number not in known.numbers
        # Why a pull request left the snapshot is known only in the refresh in which that was confirmed.
        before = old.departures.get(left.key) if old and is_gone else None
        reasons[left.key] = before or why(repository, left, edited, gathered.gone)
    return reasons


def _departed(before: Current, after: Current, gathered: Gathered) -> dict[str, str]:
    """Say why each preview left that the answer before had."""
    old, hold = before.known.live, before.known.hold
    if old is None or after.decision is None or after.known.live is old or after.known.hold:
        return {}
    held_back = hold.departures if hold else {}
    return {
        left.key: held_back.get(left.key) or why(repository, left, after.decision, gathered.gone)
        for repository, left in missing(old, after.decision)
    }


def _acknowledged(known: Known, catalog: Catalog) -> bool:
    return (ActKind.ACKNOWLEDGE, catalog.fingerprint) in known.acts


def _acts(known: Known, newest: Catalog) -> Mapping[tuple[ActKind, str], object]:
    """Keep what still means something: the same edit made once more is to be acknowledged once more."""
    return {
        (kind, subject): act
        for (kind, subject), act in known.acts.items()
        if kind is not ActKind.ACKNOWLEDGE or subject == newest.fingerprint
    }
