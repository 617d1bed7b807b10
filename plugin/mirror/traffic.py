"""Watching traffic: asks which previews are used, every five minutes at most, however often it is looked at."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from plugin.core.config.lifecycle import Traffic
from plugin.core.facts.traffic import Used, quantised
from plugin.sources import Doubt, TrafficMeter

EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _Look:
    """What came of asking."""

    traffic: Traffic
    at: datetime
    result: Used | Doubt


@dataclass(eq=False, slots=True)
class TrafficWatch:
    """Remembers the newest result. Used by one thread at a time."""

    _meter: TrafficMeter
    _last: _Look | None = field(default=None, init=False)

    def look(self, traffic: Traffic | None, now: datetime) -> Used | Doubt | None:
        """Return which previews were used, or why that is in doubt; None where the catalog measures no traffic."""
        if traffic is None:
            self._last = None
            return None
        if self._last is None or _is_due(self._last, traffic, now):
            used = self._meter.used(traffic)
            result = used if isinstance(used, Doubt) else Used(used, quantised(now))
            self._last = _Look(traffic, now, result)
        return self._last.result


def _is_due(last: _Look, traffic: Traffic, now: datetime) -> bool:
    """Tell whether to ask again: after five minutes, about another query, or if the clock was set back."""
    return traffic != last.traffic or not timedelta(0) <= now - last.at < EVERY
