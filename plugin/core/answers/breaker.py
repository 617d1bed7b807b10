"""The breaker: too much must never leave an answer at once unless each part of it is known to be right. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from plugin.core.config.threshold import Threshold
from plugin.core.decision.preview import EmittedPreview


@dataclass(frozen=True, slots=True)
class Departure:
    """Why a preview would leave an answer."""

    reason: str
    confirmed: bool = False  # the source said so when it was asked for this pull request by number
    by_catalog: bool = False  # the catalog was edited, so only a human can say that it is meant


@dataclass(frozen=True, slots=True)
class Emitted:
    """What was answered for one input, so that the next answer can be compared with it."""

    version: int  # of what is known, for which this was decided
    catalog: str  # fingerprint of the catalog that the answer was made with; "" once another one was in force since
    previews: Mapping[str, EmittedPreview]  # by name
    # While the breaker holds: the old answer, which stays whole (None: nobody has it any more), and what is held back.
    body: bytes | None = None
    held: Mapping[str, Departure] = field(default_factory=dict)  # by the preview's name

    @property
    def waits_for_human(self) -> bool:
        """Whether the catalog must be acknowledged before the breaker lets go."""
        return any(departure.by_catalog and not departure.confirmed for departure in self.held.values())

    def set_aside(self) -> "Emitted":
        """Return what is remembered while the catalog does not know the input, to compare with once it does again."""
        return Emitted(self.version, "", self.previews)


def judge(
    before: Emitted,
    after: Emitted,
    departure: Callable[[str, EmittedPreview], Departure],
    threshold: Threshold,
    old_body: Callable[[], bytes | None],
) -> Emitted:
    """Return what is to be answered: `after`, or what was answered before if too much would leave.

    `departure` says why a preview left, by its name; what was confirmed while the breaker held stays confirmed.
    """
    left = {name: preview for name, preview in before.previews.items() if name not in after.previews}
    if not threshold.exceeded(len(left), len(before.previews)):
        return after
    held = {name: _departure(before.held.get(name), departure(name, preview)) for name, preview in left.items()}
    if all(departed.confirmed for departed in held.values()):
        return after
    body = before.body if before.held else old_body()
    # Of what was dropped while another catalog was in force nobody knows why it is not there when this one is back.
    catalog = before.catalog if before.catalog == after.catalog else ""
    return Emitted(after.version, catalog, before.previews, body, held)


def _departure(before: Departure | None, now: Departure) -> Departure:
    # What the source confirmed it does not say twice; but a new reason needs a confirmation of its own.
    if before and before.confirmed and (now.confirmed or now.by_catalog or now.reason == before.reason):
        return before
    return now
