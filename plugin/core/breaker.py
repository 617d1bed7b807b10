"""The breaker: too much must never leave an answer at once unless each part of it is known to be right. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Emitted:
    """What was answered for one input, so that the next answer can be compared with it."""

    version: int  # of what is known, for which this was decided
    catalog: str  # fingerprint of the catalog that the answer was made with
    previews: Mapping[str, str]  # name: locator
    # While the breaker holds: the old answer, which stays whole, and what is held back (name: why it would leave).
    body: bytes | None = None
    held: Mapping[str, str] = field(default_factory=dict)
    waits_for: str = ""  # the catalog's fingerprint that a human has to acknowledge, or ""
