"""Traffic: which previews were used, and when. Pure.

Times are whole quarters of an hour, so that a preview which is used all day is stored anew four times an hour at most.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

QUANTUM = timedelta(minutes=15)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Used:
    """Namespaces that were used lately. All others whose previews are measured were not."""

    namespaces: frozenset[str]
    at: datetime  # when they were, as `quantised` returns it


def quantised(moment: datetime) -> datetime:
    """Return the beginning of a moment's quarter of an hour, in UTC."""
    return moment.astimezone(UTC) - (moment - _EPOCH) % QUANTUM
