"""The breaker: an edit that would remove many previews at once takes effect only once it is acknowledged.

Previews that facts end were looked up by number before (`core/facts/`), so the breaker only concerns edits: of the
catalog's file, or of this program, whose version is part of the catalog's fingerprint. It compares two decisions on the
same facts.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from plugin.core.answers.emission import missing
from plugin.core.answers.live import Live
from plugin.core.config.threshold import Threshold
from plugin.core.decision.decide import Decision
from plugin.core.decision.preview import LivePreview
from plugin.core.facts.model import Snapshot


@dataclass(frozen=True, slots=True)
class Removal:
    """The previews that an edit removes."""

    previews: tuple[tuple[str, LivePreview], ...]  # with their repositories
    whole: int  # how many live previews there are, without those that facts end

    def holds(self, threshold: Threshold, *, acknowledged: bool) -> bool:
        """Tell whether the old answer must stay: too many would leave, and nobody has acknowledged it."""
        return not acknowledged and threshold.exceeded(len(self.previews), self.whole)


def removed_by_edit(live: Live, before: Decision | None, after: Decision, snapshot: Snapshot) -> Removal:
    """Return the live previews that leave because of an edit and not because of facts.

    `before` is the decision by the catalog of the last answer, on the same facts as `after`. Without it (the program
    changed, or the catalog was lost) a preview counts as removed by the edit unless its pull request left the snapshot,
    which happens only after the source confirmed that it is gone.
    """
    if after.catalog.fingerprint == live.catalog:
        return Removal((), live.count)
    by_facts = frozenset(_ended_by_facts(live, before, snapshot))
    return Removal(tuple(each for each in missing(live, after) if each not in by_facts), live.count - len(by_facts))


def _ended_by_facts(live: Live, before: Decision | None, snapshot: Snapshot) -> Iterator[tuple[str, LivePreview]]:
    if before and before.catalog.fingerprint == live.catalog:
        yield from missing(live, before)
        return
    for name, previews in live.by_repository.items():
        if repository := snapshot.repositories.get(name):
            numbers = repository.numbers  # made anew at each access
            yield from ((name, preview) for preview in previews if preview.number not in numbers)
