"""Again: when to decide again without reading: at once after an act, and when time alone changes a verdict."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from plugin.core.facts.acts import Acts
from plugin.mirror.current import Current


@dataclass(slots=True)
class Again:
    """Remembers what was decided on, so that nothing is decided twice, even if a decision failed or changed nothing."""

    _acts: Acts = field(default_factory=dict)
    _moment: datetime | None = None  # the newest one that came

    def is_due(self, current: Current, clock: Callable[[], datetime]) -> bool:
        """Tell whether something was said since the last decision, or the moment has come for which it waits."""
        return self._has_come(current.living.next_at, clock) or current.known.acts != self._acts

    def decided(self, current: Current) -> None:
        """Say what was decided last."""
        self._acts = current.known.acts

    def _has_come(self, moment: datetime | None, clock: Callable[[], datetime]) -> bool:
        if moment is None or moment == self._moment or clock() < moment:
            return False
        self._moment = moment
        return True
