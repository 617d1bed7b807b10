"""Working hours as people write them: `Mon-Fri 07:00-20:00 Europe/Berlin`, several with commas."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether it is open at a moment, and when that changes next."""

    open: bool
    changes_at: datetime  # UTC


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """Weekly windows in their own time zones. It is open while any of them is."""

    text: str

    def at(self, now: datetime, late: timedelta = timedelta(0)) -> Opening:
        """Tell whether it is open; `late` opens each window that much later, but never closes it earlier."""
        raise NotImplementedError


def parse_hours(text: str) -> WorkingHours:
    """Read windows. Raises ValueError."""
    raise NotImplementedError
