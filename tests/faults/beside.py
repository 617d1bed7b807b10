"""What the plugin asks beside GitHub: a registry, and a Prometheus. Either can be down."""

from datetime import datetime, timedelta

from tests.faults.truth import Clock
from tests.outside import ScriptedMeter, ScriptedRegistry

UNMEASURED = timedelta(minutes=10)  # without a measurement, after which everybody has noticed


class Beside:
    """The registry and the Prometheus of all replicas."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.registry = ScriptedRegistry()
        self.meter = ScriptedMeter(frozenset({"another-namespace"}))
        self._images: set[str] = set()
        self._measured: list[tuple[datetime, frozenset[str] | None]] = [(clock.now, self.meter.namespaces)]

    def push_image(self, image: str) -> None:
        """Push an image, which is there once the registry is."""
        self._images.add(image)
        if self.registry.images is not None:
            self.registry.images.add(image)

    def registry_works(self, *, works: bool) -> None:
        """Stop the registry, or start it."""
        self.registry.images = set(self._images) if works else None

    def measure(self, namespaces: frozenset[str] | None) -> None:
        """Let Prometheus say from now on which namespaces are used, or nothing."""
        self.meter.namespaces = namespaces
        self._measured.append((self._clock.now, namespaces))

    @property
    def measured(self) -> bool:
        """Whether Prometheus has said something lately."""
        return any(said is not None for said in self._lately)

    @property
    def used_lately(self) -> frozenset[str]:
        """The namespaces that Prometheus has called used all the time lately."""
        return frozenset.intersection(*(said or frozenset() for said in self._lately))

    @property
    def _lately(self) -> list[frozenset[str] | None]:
        since = self._clock.now - UNMEASURED
        before = [said for at, said in self._measured if at <= since]
        return [*before[-1:], *(said for at, said in self._measured if at > since)]
