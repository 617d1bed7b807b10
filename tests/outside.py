"""What is asked beside the source, as a test scripts it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from plugin.core.config.lifecycle import Traffic
from plugin.sources import Doubt


@dataclass(slots=True)
class ScriptedRegistry:
    """Knows the images that a test lists; None: it is down."""

    images: set[str] | None = field(default_factory=set)

    def exist(self, images: Sequence[str]) -> dict[str, bool]:
        return {} if self.images is None else {image: image in self.images for image in images}


@dataclass(slots=True)
class ScriptedMeter:
    """Says which namespaces are used; None: it is down."""

    namespaces: frozenset[str] | None = None

    def used(self, traffic: Traffic) -> frozenset[str] | Doubt:  # noqa: ARG002  it answers every query
        return Doubt("it is down") if self.namespaces is None else self.namespaces
