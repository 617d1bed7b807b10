"""The decision: every preview that follows from a snapshot. Pure, so that it can be tested with any input.

Judge, link, render: each step reads what the previous one made. Verdicts are one map. What depends on time, on acts or
on other previews was decided before, in `core/life/`, and is part of what is known.
What follows from one repository depends on its own verdicts and on those of the repositories that its services call.

A decision starts from the previous one, and compares objects by identity to find what has changed. So the cost of a
push depends on what it changes, not on how many previews there are.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from plugin.core.config.catalog import Catalog
from plugin.core.decision.judge import judge_all
from plugin.core.decision.part import Part, make_part
from plugin.core.decision.preview import LivePreview, Preview
from plugin.core.decision.targets import Targets
from plugin.core.decision.verdicts import Verdicts
from plugin.core.decision.wishes import AllWishes, read_wishes
from plugin.core.facts.lives import Lives
from plugin.core.facts.model import Snapshot

V = TypeVar("V")


@dataclass(frozen=True, eq=False)
class Decision:
    """What follows from a snapshot and a catalog. Each mapping is by repository, and has those that were read."""

    catalog: Catalog
    wishes: AllWishes
    verdicts: Verdicts
    parts: Mapping[str, Part] = field(default_factory=dict)
    # The same for all parts, without empty ones, kept so that it need not be collected each time:
    live: Mapping[str, Mapping[str, Preview]] = field(default_factory=dict)
    remembered: Mapping[str, tuple[LivePreview, ...]] = field(default_factory=dict)
    held: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    missing_labels: Mapping[str, frozenset[str]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)  # over all repositories

    @property
    def previews(self) -> Iterator[Preview]:
        """Every preview, live or not, in the order of service and number."""
        for name, service in self.catalog.services.items():
            if part := self.parts.get(service.repository):
                yield from part.by_service[name]


def decide(
    catalog: Catalog,
    snapshot: Snapshot,
    before: Decision | None = None,
    wishes: AllWishes | None = None,
    lives: Lives | None = None,
) -> Decision:
    """Decide on every pull request that asks for a preview; reuse parts of the decision before if they still hold.

    A repository of the catalog that is not in the snapshot has no previews yet. `wishes` is what `read_wishes` returned
    for this catalog and the pull requests of this snapshot, if it was called already.
    """
    if before is None or before.catalog is not catalog:
        before = Decision(catalog, read_wishes(catalog, {}, None), {})
    wishes = wishes or read_wishes(catalog, snapshot.repositories, before.wishes)
    return _linked(before, Decision(catalog, wishes, judge_all(catalog, snapshot, lives or {}, before.verdicts)))


def changed(before: Mapping[str, V], after: Mapping[str, V]) -> set[str]:
    """Return the names that were added or removed, or whose value is a different object than before."""
    names = {name for name, value in after.items() if before.get(name) is not value}
    return names if before.keys() <= after.keys() else names | (before.keys() - after.keys())


def _linked(before: Decision, draft: Decision) -> Decision:
    """Link and render what depends on something that has changed; take everything else from the decision before."""
    catalog, targets = draft.catalog, Targets(draft.verdicts)
    moved = changed(before.verdicts, draft.verdicts)
    again = moved.union(*(catalog.callers_of(name) for name in moved)) & {*before.parts, *draft.verdicts}
    parts = {
        name: make_part(catalog, targets, name, draft.wishes.by_repository[name], before.parts.get(name))
        for name in sorted(again & draft.verdicts.keys())
    }
    again = {name for name in again if parts.get(name) is not before.parts.get(name)}
    parts = {name: part for name, part in parts.items() if name in again}
    return Decision(
        catalog,
        draft.wishes,
        draft.verdicts,
        _updated(before.parts, again, parts),
        _updated(before.live, again, {name: part.live for name, part in parts.items()}),
        _updated(before.remembered, again, {name: _remembered(before, name, part) for name, part in parts.items()}),
        _updated(before.held, again, {name: part.held for name, part in parts.items()}),
        _updated(before.missing_labels, again, {name: part.missing_labels for name, part in parts.items()}),
        _counted(before, again, parts),
    )


def _updated(before: Mapping[str, V], again: Collection[str], now: Mapping[str, V]) -> dict[str, V]:
    result = dict(before)
    for name in sorted(again):
        if value := now.get(name):
            result[name] = value
        else:
            result.pop(name, None)
    return result


def _remembered(before: Decision, name: str, part: Part) -> tuple[LivePreview, ...]:
    known = before.remembered.get(name)
    return known if known == part.remembered else part.remembered


def _counted(before: Decision, again: Collection[str], parts: Mapping[str, Part]) -> Counter[str]:
    counts = Counter(before.counts)
    for name in again:
        if name in before.parts:
            counts.subtract(before.parts[name].counts)
        if name in parts:
            counts.update(parts[name].counts)
    return counts
