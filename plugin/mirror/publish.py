"""Publishing: from what was gathered to the next version of what may be answered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from plugin.core.answers.breaker import Emitted, judge
from plugin.core.answers.departures import Departures, unconfirmed
from plugin.core.answers.emission import emission
from plugin.core.answers.filters import Filters
from plugin.core.answers.history import continued
from plugin.core.config.references import Locator
from plugin.core.config.threshold import Threshold
from plugin.core.decision.decide import Decision
from plugin.core.decision.targets import ELSEWHERE
from plugin.core.facts.model import Elsewhere, LookUp
from plugin.mirror.current import Current, decided, held_by_breaker
from plugin.mirror.gather import Gathered
from plugin.state import Head

LookUps = Mapping[Locator, LookUp]


def publish(
    before: Current,
    gathered: Gathered,
    now: datetime,
    threshold: Threshold,
    look_up: Callable[[Sequence[Locator]], LookUps],
) -> Current:
    """Return what may be answered once it is stored; its version is a new one only if an answer could change."""
    known = before.known
    fresh_at = now if gathered.fresh else known.head.fresh_at
    unchanged = replace(
        before, known=replace(known, head=Head(known.head.version, fresh_at), snapshot=gathered.snapshot)
    )
    catalog = gathered.newest if gathered.may_take_effect else known.catalog
    changed = catalog is not known.catalog or gathered.snapshot != known.snapshot
    if not changed and not any(emitted.held for emitted in known.emitted.values()):
        return unchanged
    in_force = {catalog.fingerprint} if catalog else set()
    next_known = replace(
        unchanged.known,
        head=Head(known.head.version + 1, fresh_at),
        catalog=catalog,
        acknowledged=known.acknowledged & in_force,  # the same edit made once more is to be acknowledged once more
    )
    draft = decided(next_known, before.decision) if changed else replace(before, known=next_known)
    emissions = _emissions(before, draft, gathered.gone, threshold, look_up)
    if not changed and all(_same(emissions[filters], emitted) for filters, emitted in known.emitted.items()):
        return unchanged
    after = replace(draft, known=replace(next_known, emitted=emissions))
    histories = continued(known.histories, before.moment, after.moment, _departed(before, after, gathered.gone), now)
    answers = {filters: new.body if new.held else after.render(filters) for filters, new in emissions.items()}
    bodies = {filters: answer for filters, answer in answers.items() if answer is not None}
    return replace(after, known=replace(after.known, histories=histories), bodies=bodies)


@dataclass(frozen=True, slots=True)
class Judge:
    """Decides what each input is to get."""

    version: int
    decision: Decision
    departures: Departures
    threshold: Threshold

    def judge(self, filters: Filters, old: Emitted | None, old_body: Callable[[], bytes | None]) -> Emitted:
        """Return what an input is to get, compared with what it got before."""
        new = emission(self.version, self.decision, filters)
        if old is None:
            return new
        return judge(old, new, partial(self.departures.why, old.catalog), self.threshold, old_body)


def make_judge(
    draft: Current,
    threshold: Threshold,
    gone: Mapping[Locator, Elsewhere] | None = None,
    look_ups: LookUps | None = None,
) -> Judge:
    """Make a judge who knows what is gone and what was looked up; a catalog must be in force."""
    known, decision = draft.known, draft.decision
    assert decision  # noqa: S101  the callers have asked
    departures = Departures(decision, known.snapshot, gone or {}, look_ups or {}, known.acknowledged)
    return Judge(known.head.version, decision, departures, threshold)


def _emissions(
    before: Current,
    draft: Current,
    gone: Mapping[Locator, Elsewhere],
    threshold: Threshold,
    look_up: Callable[[Sequence[Locator]], LookUps],
) -> dict[Filters, Emitted]:
    emitted = before.known.emitted
    catalog = draft.known.catalog
    if catalog is None:
        return dict(emitted)
    # An input that the catalog does not know any more is refused until it does; what it got is not forgotten.
    refused = {filters: old.set_aside() for filters, old in emitted.items() if not filters.known_to(catalog)}

    def judge_all(look_ups: LookUps) -> dict[Filters, Emitted]:
        judge = make_judge(draft, threshold, gone, look_ups)
        return {
            filters: judge.judge(filters, old, partial(before.complete_answer, filters))
            for filters, old in emitted.items()
            if filters not in refused
        }

    first = judge_all({})
    doubts = draft.known.snapshot.doubts
    asked = {locator for new in first.values() for locator in unconfirmed(new) if locator.repository not in doubts}
    return refused | (judge_all(look_up(sorted(asked, key=str))) if asked else first)


def _departed(before: Current, after: Current, gone: Mapping[Locator, Elsewhere]) -> dict[str, str]:
    reasons = held_by_breaker(before.known.emitted)
    left = before.moment.live.keys() - after.moment.live.keys()
    now = {preview.key: preview for preview in after.previews} if left else {}
    services = after.known.catalog.services if after.known.catalog else {}
    for key in left:
        preview = before.moment.live[key]
        locator = Locator(preview.repository.name, preview.pull_request.number)
        if preview.service.name not in services:
            reasons[key] = "the catalog has no such service any more"
        elif locator in gone:
            reasons[key] = f"{locator} {ELSEWHERE[gone[locator]]}"
        elif key in now:
            reasons[key] = now[key].verdict.reason
        else:
            reasons[key] = f"{locator} {ELSEWHERE[Elsewhere.UNLABELLED]}"
    return reasons


def _same(one: Emitted, other: Emitted) -> bool:
    return replace(one, version=other.version) == other
