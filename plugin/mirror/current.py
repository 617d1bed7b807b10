"""The current version: what is known, with the decision on it. Every answer is made from one, and it never changes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from plugin.core.answers.emission import BARE, Envelope, filtered, missing, parameters
from plugin.core.answers.filters import Filters
from plugin.core.answers.history import Moment
from plugin.core.config.catalog import Catalog, Service
from plugin.core.config.names import folded
from plugin.core.config.references import Locator
from plugin.core.decision.decide import Decision, changed, decide
from plugin.core.decision.part import Part
from plugin.core.decision.preview import Preview
from plugin.core.decision.wishes import AllWishes
from plugin.core.facts.deployments import Reported
from plugin.core.facts.lives import NO_LIVES, Life, State
from plugin.core.life.living import NOBODY, Living
from plugin.core.life.queued import queue
from plugin.state import Known


@dataclass(frozen=True)
class Current:
    """One version of what is known, with the decision on every preview."""

    known: Known
    decision: Decision | None  # by the catalog in force; None as long as there is none
    edited: Decision | None = None  # by the catalog that the breaker holds back; the next decision starts from it
    living: Living = NOBODY  # how the stored lives were judged; the next judgement starts from it

    @property
    def previews(self) -> Iterator[Preview]:
        """Every preview, live or not, in the order of service and number."""
        return iter(self.decision.previews if self.decision else ())

    @cached_property
    def complete(self) -> bool:
        """Whether the decision has every preview of the last answer under its name, so that it can be answered from.

        Another version of this program can give other names, and a state can have lost an entry.
        """
        live = self.known.live
        return self.decision is not None and (live is None or next(missing(live, self.decision), None) is None)

    def parameters(self, filters: Filters, envelope: Envelope = BARE) -> bytes | None:
        """Return the answer to an input, as a JSON list in an envelope; None if no answer is safe."""
        hold = self.known.hold
        if hold:
            return None if hold.parameters is None else filtered(hold.parameters, filters, envelope)
        return parameters(self.decision, filters, envelope) if self.decision and self.complete else None

    def wishes(self, catalog: Catalog) -> AllWishes | None:
        """Return the wishes that were read with a catalog, if any were."""
        made = next((each for each in (self.decision, self.edited) if each and each.catalog is catalog), None)
        return made.wishes if made else None

    @cached_property
    def moment(self) -> Moment:
        """What the history compares."""
        return Moment(self.decision.live if self.decision else {}, self.in_doubt | self.held_back)

    @cached_property
    def in_doubt(self) -> dict[str, str]:
        """The live previews whose pull request is in doubt, by their key, with the reason why they stay."""
        held = self.decision.held.values() if self.decision else ()
        return {key: reason for each in held for key, reason in each.items()}

    @cached_property
    def held_back(self) -> dict[str, str]:
        """The previews that the breaker holds back, by their key, with the reason why they stay."""
        return {key: f"the breaker holds it back: {reason}" for key, reason in self.departures.items()}

    @property
    def departures(self) -> Mapping[str, str]:
        """The previews that the breaker holds back, by their key, with the reason why they would leave."""
        return self.known.hold.departures if self.known.hold else {}

    @property
    def unread(self) -> tuple[str, ...]:
        """The repositories of the catalog in force that have never been read; only their services wait."""
        catalog, read = self.known.catalog, self.known.snapshot.repositories
        return tuple(name for name in catalog.repositories if name not in read) if catalog else ()

    @property
    def unheard(self) -> dict[str, str]:
        """The repositories whose newest comments could not be read, so commands there wait, with the reason."""
        catalog, read = self.known.catalog, self.known.snapshot.repositories
        names = catalog.repositories if catalog and catalog.commands else ()
        return {name: read[name].unheard for name in names if name in read and read[name].unheard}

    @property
    def missing_labels(self) -> dict[str, list[str]]:
        """The labels that ask for previews and do not exist, by the repository that lacks them."""
        missing = self.decision.missing_labels if self.decision else {}
        return {name: sorted(labels) for name, labels in missing.items()}

    @property
    def earlier_ends(self) -> int:
        """How many ends an edit would bring forward, but may not before it is acknowledged."""
        return self.known.ends.count if self.known.ends else 0

    @property
    def to_release(self) -> str:
        """The command that makes the breaker release what it holds back; "" if it holds nothing back."""
        catalog = self.known.held_catalog
        return f"preview-plugin acknowledge {catalog}" if catalog else ""

    @cached_property
    def queue(self) -> Mapping[str, int]:
        """The place in the queue of each pull request that waits in it, from 1, by its locator."""
        return {str(locator): place for place, locator in enumerate(queue(self.known.lives), start=1)}

    def queue_place(self, preview: Preview) -> int:
        """Return the place of a preview's pull request in the queue, from 1; 0 if the preview is not queued."""
        return self.queue.get(preview.locator, 0) if preview.verdict.state is State.QUEUED else 0

    def life(self, preview: Preview) -> Life | None:
        """Return what is remembered of a preview; None if nothing has to be."""
        return self.known.lives.get(preview.repository.name, NO_LIVES).get(preview.key)

    @cached_property
    def reported(self) -> dict[str, Reported]:
        """What Argo CD reported about the commits that previews run, by the preview's key."""
        known = self.known.reported
        return {
            preview.key: report
            for preview in (self.previews if known else ())
            for report in known.get(preview.name, ())
            if report.sha == preview.deploy_sha
        }

    def services_of(self, locator: Locator) -> tuple[Service, ...]:
        """Return the services of a pull request's repository, however its name is spelt."""
        repositories = self.known.catalog.repositories if self.known.catalog else {}
        name = folded(locator.repository)
        return next((services for known, services in repositories.items() if folded(known) == name), ())


def decided(known: Known, before: Decision | None = None) -> Current:
    """Decide on everything that is known; reuse what was decided before where it still holds."""
    return Current(known, decide(known.catalog, known.snapshot, before, lives=known.lives) if known.catalog else None)


def answers_differ(before: Current, after: Current) -> bool:
    """Tell whether the answer to some input may have changed."""
    if after.known.hold:  # the answer stays as it was
        return False
    if before.known.hold or before.decision is None or after.decision is None:
        return before.decision is not after.decision
    old, new = before.decision.parts, after.decision.parts
    return any(_differ(old.get(name), new.get(name)) for name in changed(old, new))


def _differ(old: Part | None, new: Part | None) -> bool:
    return (old.parameters if old else {}) != (new.parameters if new else {})
