"""What is known now, decided: everything that an answer is made from, and nothing in it ever changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from plugin.core.answers.breaker import Emitted
from plugin.core.answers.emission import body, emission
from plugin.core.answers.filters import Filters
from plugin.core.answers.history import Moment
from plugin.core.config.catalog import Service
from plugin.core.config.references import Locator
from plugin.core.decision.decide import Decision, decide
from plugin.core.decision.preview import Preview
from plugin.state import Known


@dataclass(frozen=True)
class Current:
    """One version of what is known, with the decision on every preview and the answers that are ready."""

    known: Known
    decision: Decision | None  # None as long as there is no catalog
    bodies: Mapping[Filters, bytes] = field(default_factory=dict)

    @property
    def previews(self) -> tuple[Preview, ...]:
        """Every preview, live or not, in the order of service and number."""
        return self.decision.previews if self.decision else ()

    def answer(self, filters: Filters) -> bytes | None:
        """Return what was emitted to an input for this very version; None if nothing was, or nobody has it any more."""
        emitted = self.known.emitted.get(filters)
        if emitted is None or emitted.version != self.known.head.version:
            return None
        # Made anew it may lack something: another version of this program can give other names.
        return self.bodies.get(filters) or (emitted.body if emitted.held else self.complete_answer(filters))

    def complete_answer(self, filters: Filters) -> bytes | None:
        """Return an answer that leaves out nothing that was emitted to an input; None if nobody has one any more."""
        emitted = self.known.emitted[filters]
        if not self.decision or emitted.previews.keys() - emission(0, self.decision, filters).previews.keys():
            return None
        return self.bodies.get(filters) or self.render(filters)

    def services_of(self, locator: Locator) -> tuple[Service, ...]:
        """Return the services of a pull request's repository, however its name is spelt."""
        repositories = self.known.catalog.repositories if self.known.catalog else {}
        name = locator.repository.casefold()
        return next((services for known, services in repositories.items() if known.casefold() == name), ())

    @cached_property
    def moment(self) -> Moment:
        """What the history compares."""
        return Moment(
            {key: each.preview for key, each in self.decision.live.items()} if self.decision else {},
            held_by_confirm(self)
            | {
                key: f"the breaker holds it back: {reason}"
                for key, reason in held_by_breaker(self.known.emitted).items()
            },
        )

    def render(self, filters: Filters) -> bytes | None:
        """Make the answer that follows from the decision; None if the catalog does not know the input."""
        decision = self.decision
        return body(decision, filters) if decision and filters.known_to(decision.catalog) else None


def decided(known: Known, before: Decision | None = None) -> Current:
    """Decide on everything that is known; use what was decided before where it still holds."""
    return Current(known, decide(known.catalog, known.snapshot, before) if known.catalog else None)


def held_by_confirm(current: Current) -> dict[str, str]:
    """Return the live previews whose pull request vanished from its listing (key: why they stay)."""
    return {
        preview.key: preview.repository.held[preview.pull_request.number].reason
        for preview in current.previews
        if preview.verdict.live and preview.pull_request.number in preview.repository.held
    }


def held_by_breaker(emissions: Mapping[Filters, Emitted]) -> dict[str, str]:
    """Return the previews that would have left an answer (key: why)."""
    return {
        emitted.previews[name].key: departure.reason
        for emitted in emissions.values()
        for name, departure in emitted.held.items()
    }


def waits_for_human(known: Known) -> bool:
    """Tell whether the breaker waits for `preview-plugin acknowledge`."""
    return any(emitted.waits_for_human for emitted in known.emitted.values())


def to_let_go(known: Known) -> str:
    """Return the command that makes the breaker let go; "" if it does so by itself, or holds nothing."""
    return f"preview-plugin acknowledge {known.catalog.fingerprint}" if known.catalog and waits_for_human(known) else ""
