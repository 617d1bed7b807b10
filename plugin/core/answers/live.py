"""What was answered last: every live preview, once for all inputs; and what an edit that is held back would remove."""

from collections.abc import Mapping
from dataclasses import dataclass

from plugin.core.decision.preview import LivePreview


@dataclass(frozen=True, slots=True)
class Live:
    """Every live preview of the newest answers, whatever filters they were asked with."""

    catalog: str  # fingerprint of the catalog that they were made with
    by_repository: Mapping[str, tuple[LivePreview, ...]]  # only repositories with live previews

    @property
    def count(self) -> int:
        """How many previews there are."""
        return sum(map(len, self.by_repository.values()))

    @property
    def names(self) -> frozenset[str]:
        """The names by which Argo CD knows them."""
        return frozenset(preview.name for previews in self.by_repository.values() for preview in previews)


@dataclass(frozen=True, slots=True)
class Hold:
    """While the breaker holds: the old answer stays whole until the catalog is acknowledged, or edited again."""

    catalog: str  # fingerprint of the catalog that waits
    departures: Mapping[str, str]  # what it would remove: the preview's key, and why
    parameters: bytes | None  # the old answer to everything, a JSON list; None if it is not known
