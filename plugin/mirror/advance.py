"""Advancing: makes the next version of what may be answered from what was gathered. Pure; `refresh.py` stores it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from plugin.core.answers.breaker import removed_by_edit
from plugin.core.answers.departures import why
from plugin.core.answers.emission import live_previews, missing, parameters
from plugin.core.answers.history import KEPT_FOR, Histories, acted, happened, joined, recorded, without_old
from plugin.core.answers.live import Hold, Live
from plugin.core.config.catalog import Catalog
from plugin.core.config.names import folded
from plugin.core.config.references import Locator
from plugin.core.config.threshold import Threshold
from plugin.core.decision.decide import Decision, changed, decide
from plugin.core.decision.preview import LivePreview
from plugin.core.decision.wishes import read_wishes
from plugin.core.facts.absorb import unread
from plugin.core.facts.acts import Act, ActKind, Acts
from plugin.core.facts.deployments import without_old as without_old_reports
from plugin.core.facts.lives import Life, Lives
from plugin.core.life.earlier_ends import EarlierEnds
from plugin.core.life.living import NOBODY, Living
from plugin.mirror.current import Current
from plugin.mirror.gather import Gathered
from plugin.mirror.lives import Scene
from plugin.state import Known

PRUNED_EVERY = 100  # versions; what is old is removed this rarely, because finding it looks at every preview


@dataclass(frozen=True, slots=True)
class Advanced:
    """The next version, and what happened to previews on the way to it."""

    current: Current
    events: Histories = field(default_factory=dict)


def advance(before: Current, gathered: Gathered, now: datetime, threshold: Threshold) -> Advanced:
    """Return what may be answered once it is stored; its version is new only if an answer could change."""
    known = before.known
    fresh_at = now if gathered.fresh else known.head.fresh_at
    unchanged = replace(known, head=replace(known.head, fresh_at=fresh_at), snapshot=gathered.snapshot)
    candidate = gathered.newest if gathered.may_take_effect else known.catalog
    if candidate and known.live is None and unread(gathered.snapshot, candidate):
        candidate = None  # nobody knows which previews of what was not read are live
    same_facts = _is_settled(known, candidate) and gathered.snapshot == known.snapshot
    if same_facts and (candidate is None or known.hold):
        return Advanced(replace(before, known=_uncounted(unchanged, known)))
    draft = replace(unchanged, head=replace(unchanged.head, version=known.head.version + 1))
    if candidate is None:  # not everything was read yet, so nothing is answered
        return Advanced(replace(before, known=draft))
    draft = replace(draft, acts=_acts(draft, gathered.newest))
    after = _Step(before, draft, candidate, gathered, now, threshold).decided()
    said = acted(known.histories, after.known.acts, now)
    if same_facts and not said and (after.known.lives, after.known.ends) == (known.lives, known.ends):
        return Advanced(replace(before, known=unchanged, living=after.living))
    events = joined(said, happened(before.moment, after.moment, _departed(before, after, gathered), now))
    kept = after.known if draft.head.version % PRUNED_EVERY else _pruned(after.known, now)
    return Advanced(replace(after, known=replace(kept, histories=recorded(kept.histories, events, now))), events)


def _pruned(known: Known, now: datetime) -> Known:
    live = known.live.names if known.live else frozenset[str]()
    return replace(
        known,
        histories=without_old(known.histories, now),
        lives=_without_old_latches(known, now),
        reported=without_old_reports(known.reported, live, now),
    )


def _without_old_latches(known: Known, now: datetime) -> Lives:
    """Drop what has left the catalog for as long as histories are kept."""
    planned = set(map(folded, known.catalog.repositories if known.catalog else known.lives))
    lives = {
        name: each
        for name, each in known.lives.items()
        if folded(name) in planned or any(life.expired and life.expired.at >= now - KEPT_FOR for life in each.values())
    }
    return lives if len(lives) < len(known.lives) else known.lives


def _is_settled(known: Known, candidate: Catalog | None) -> bool:
    """Tell whether only new facts, acts or time could change an answer."""
    if candidate is None:  # nothing is answered before everything was read
        return True
    if known.hold:  # only another edit or an acknowledgement could end it
        return known.hold.catalog == candidate.fingerprint and not _acknowledged(known, candidate)
    return candidate is known.catalog and known.live is not None and known.live.catalog == candidate.fingerprint


class _Decisions(NamedTuple):
    """The decisions of two catalogs on the same facts and lives."""

    as_before: Decision | None  # by the catalog in force
    edited: Decision  # by the catalog that is to take effect


@dataclass(frozen=True, slots=True)
class _Step:
    """One step from a version to the next."""

    before: Current
    draft: Known
    candidate: Catalog  # the catalog that is to take effect, or stays
    gathered: Gathered
    now: datetime
    threshold: Threshold

    def decided(self) -> Current:
        draft, live, decisions = self.draft, self.draft.live, None
        if live is not None and live.catalog != self.candidate.fingerprint:
            decisions = self._decisions()
            removed = removed_by_edit(live, decisions.as_before, decisions.edited, self.gathered.snapshot)
            if removed.holds(self.threshold, acknowledged=_acknowledged(draft, self.candidate)):
                return _held(self.before, draft, live, decisions, self.gathered)
        return self._lived_on(decisions)

    def _decisions(self) -> _Decisions:
        """Decide before any life goes on: while an answer is held, nothing is announced, expires or is admitted."""
        before, snapshot, wishes = self.before, self.gathered.snapshot, self.gathered.wishes
        in_force, lives = self.draft.catalog, self.draft.lives
        if self.candidate is in_force:
            decision = decide(in_force, snapshot, before.decision, wishes, lives)
            return _Decisions(decision, decision)
        as_before = decide(in_force, snapshot, before.decision, lives=lives) if in_force else None
        return _Decisions(as_before, decide(self.candidate, snapshot, before.edited, wishes, lives))

    def _lived_on(self, decisions: _Decisions | None) -> Current:
        """Let the lives of previews go on, and decide; `decisions` compare an edit with what was in force."""
        before, candidate = self.before, self.candidate
        draft = replace(self.draft, acts=_meant(self.draft, candidate))
        repositories = self.gathered.snapshot.repositories
        wishes = self.gathered.wishes or read_wishes(candidate, repositories, before.wishes(candidate))
        scene = Scene(candidate, wishes, draft, self.gathered, before.decision, self.now)
        ends = _ends(draft, candidate, scene, decisions, self.threshold)
        living = scene.live_on(ends, before.living if candidate is draft.catalog and ends == draft.ends else NOBODY)
        lives = _lives(draft, candidate, living)
        previous = before.decision if candidate is draft.catalog else before.edited
        decision = decide(candidate, self.gathered.snapshot, previous, wishes, lives)
        live = live_previews(decision, draft.live)
        known = replace(draft, catalog=candidate, live=live, hold=None, lives=lives, ends=ends)
        return Current(known, decision, living=living)


def _ends(
    known: Known, candidate: Catalog, scene: Scene, decisions: _Decisions | None, threshold: Threshold
) -> EarlierEnds | None:
    """Return the ends that an edit may not bring forward yet."""
    if _acknowledged(known, candidate):
        return None
    if candidate is not known.catalog and decisions and decisions.as_before:
        return scene.earlier_ends(decisions.as_before, decisions.edited, threshold)
    if known.ends and known.ends.catalog != candidate.fingerprint:  # another program reads the same catalog
        return replace(known.ends, catalog=candidate.fingerprint)
    return known.ends


def _lives(known: Known, candidate: Catalog, living: Living) -> Lives:
    """Return the lives to remember; those of a repository whose facts were lost stay until it is read again.

    What has expired stays so if its repository leaves the catalog and comes back, however it is spelt then.
    """
    planned, read = (set(map(folded, names)) for names in (candidate.repositories, known.snapshot.repositories))
    unread = {name: each for name, each in known.lives.items() if folded(name) in planned - read}
    gone = {name: _latched(each) for name, each in known.lives.items() if folded(name) not in planned}
    lives = {**{name: each for name, each in gone.items() if each}, **unread, **living.lives}
    return lives if changed(known.lives, lives) else known.lives


def _latched(lives: Mapping[str, Life]) -> Mapping[str, Life]:
    latched = {key: life for key, life in lives.items() if life.expired}
    return latched if len(latched) < len(lives) else lives


def _uncounted(known: Known, before: Known) -> Known:
    """Let the time of a hold count as time in which nothing was read: no announced end comes nearer meanwhile."""
    return replace(known, snapshot=replace(known.snapshot, counted_at=before.snapshot.counted_at))


def _held(before: Current, draft: Known, live: Live, decisions: _Decisions, gathered: Gathered) -> Current:
    """Keep the old answer whole, and the catalog in force too, so that undoing the edit undoes the hold."""
    old, (as_before, edited) = before.known.hold, decisions
    draft = _uncounted(draft, before.known)
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


def _acts(known: Known, newest: Catalog) -> Acts:
    """Leave out acknowledgements of other catalogs: an edit that is made again must be acknowledged again."""
    return {
        key: act
        for key, act in known.acts.items()
        if act.kind is not ActKind.ACKNOWLEDGE or act.subject == newest.fingerprint
    }


def _meant(known: Known, candidate: Catalog) -> Acts:
    """Leave out what was said about previews that the catalog, now that it takes effect, no longer knows."""
    return {key: act for key, act in known.acts.items() if _is_meant(act, known, candidate)}


def _is_meant(act: Act, known: Known, candidate: Catalog) -> bool:
    if act.kind is ActKind.ACKNOWLEDGE:
        return True
    service, _, number = act.subject.partition("/")
    now, before = candidate.services.get(service), known.catalog.services.get(service) if known.catalog else None
    if now is None or (before and folded(before.repository) != folded(now.repository)):
        return False
    repository = known.snapshot.repositories.get(now.repository)
    return repository is None or int(number) in repository.numbers
