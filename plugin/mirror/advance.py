"""Advancing: makes the next version of what may be answered from what was gathered. Pure; `refresh.py` stores it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from plugin.core.answers.breaker import removed_by_edit
from plugin.core.answers.departures import why
from plugin.core.answers.emission import live_previews, missing, parameters
from plugin.core.answers.history import Histories, happened, recorded, without_old
from plugin.core.answers.live import Hold, Live
from plugin.core.config.catalog import Catalog
from plugin.core.config.references import Locator
from plugin.core.config.threshold import Threshold
from plugin.core.decision.decide import Decision, decide
from plugin.core.decision.preview import LivePreview
from plugin.core.facts.acts import Act, ActKind
from plugin.mirror.current import Current
from plugin.mirror.gather import Gathered
from plugin.state import Head, Known

PRUNED_EVERY = 100  # versions; old histories are removed this rarely, because finding them looks at every preview


@dataclass(frozen=True, slots=True)
class Advanced:
    """The next version, and what happened to previews on the way to it."""

    current: Current
    events: Histories = field(default_factory=dict)


def advance(before: Current, gathered: Gathered, now: datetime, threshold: Threshold) -> Advanced:
    """Return what may be answered once it is stored; its version is new only if an answer could change."""
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
    kept = known.histories if draft.head.version % PRUNED_EVERY else without_old(known.histories, now)
    histories = recorded(kept, events, now)
    return Advanced(replace(after, known=replace(after.known, histories=histories)), events)


def _is_settled(known: Known, candidate: Catalog | None) -> bool:
    """Tell whether only new facts could change an answer."""
    if candidate is None:  # nothing is answered before everything was read
        return True
    if known.hold:  # only another edit or an acknowledgement could end it
        return known.hold.catalog == candidate.fingerprint and not _acknowledged(known, candidate)
    return candidate is known.catalog and known.live is not None and known.live.catalog == candidate.fingerprint


class _Decisions(NamedTuple):
    """The decisions of two catalogs on the same facts."""

    as_before: Decision | None  # by the catalog in force
    edited: Decision  # by the catalog that is to take effect, which can be the same


def _decided(before: Current, draft: Known, candidate: Catalog, gathered: Gathered, threshold: Threshold) -> Current:
    live, decisions = draft.live, _decisions(before, draft.catalog, candidate, gathered)
    if live is not None:
        removed = removed_by_edit(live, decisions.as_before, decisions.edited, gathered.snapshot)
        if removed.holds(threshold, acknowledged=_acknowledged(draft, candidate)):
            return _held(before, draft, live, decisions, gathered)
    decision = decisions.edited
    return Current(replace(draft, catalog=candidate, live=live_previews(decision, live), hold=None), decision)


def _decisions(before: Current, in_force: Catalog | None, candidate: Catalog, gathered: Gathered) -> _Decisions:
    snapshot, wishes = gathered.snapshot, gathered.wishes
    if candidate is in_force:
        decision = decide(in_force, snapshot, before.decision, wishes)
        return _Decisions(decision, decision)
    as_before = decide(in_force, snapshot, before.decision) if in_force else None
    return _Decisions(as_before, decide(candidate, snapshot, before.edited, wishes))


def _held(before: Current, draft: Known, live: Live, decisions: _Decisions, gathered: Gathered) -> Current:
    """Keep the old answer whole, and the catalog in force too, so that undoing the edit undoes the hold."""
    old, (as_before, edited) = before.known.hold, decisions
    hold = Hold(
        edited.catalog.fingerprint,
        _reasons(old, live, edited, gathered),
        old.parameters if old else _whole(before),
    )
    if old == hold:  # the same object, so that megabytes are not stored again
        hold = old
    if as_before is None:  # there is no other catalog to decide by
        return Current(replace(draft, catalog=edited.catalog, hold=hold), edited)
    return Current(replace(draft, hold=hold), as_before, edited)


def _whole(before: Current) -> bytes | None:
    return parameters(before.decision) if before.decision and before.complete else None


def _reasons(old: Hold | None, live: Live, edited: Decision, gathered: Gathered) -> Mapping[str, str]:
    return {left.key: _reason(old, repository, left, edited, gathered) for repository, left in missing(live, edited)}


def _reason(hold: Hold | None, repository: str, left: LivePreview, decision: Decision, gathered: Gathered) -> str:
    # Why a pull request left the snapshot is known only in the refresh in which that was confirmed.
    if hold and left.key in hold.departures and _left_before(repository, left.number, gathered):
        return hold.departures[left.key]
    return why(repository, left, decision, gathered.gone)


def _left_before(repository: str, number: int, gathered: Gathered) -> bool:
    known = gathered.snapshot.repositories.get(repository)
    return known is not None and number not in known.numbers and Locator(repository, number) not in gathered.gone


def _departed(before: Current, after: Current, gathered: Gathered) -> dict[str, str]:
    """Return the reason for each preview that left since the previous answer."""
    old, hold = before.known.live, before.known.hold
    if old is None or after.decision is None or after.known.hold is not None:
        return {}
    return {
        left.key: _reason(hold, repository, left, after.decision, gathered)
        for repository, left in missing(old, after.decision)
    }


def _acknowledged(known: Known, catalog: Catalog) -> bool:
    return (ActKind.ACKNOWLEDGE, catalog.fingerprint) in known.acts


def _acts(known: Known, newest: Catalog) -> Mapping[tuple[ActKind, str], Act]:
    """Keep only acknowledgements of this catalog: an edit that is made again must be acknowledged again."""
    return {
        key: act
        for key, act in known.acts.items()
        if act.kind is not ActKind.ACKNOWLEDGE or act.subject == newest.fingerprint
    }
