"""Agreement: whether our clock and the source's tell the same time. Without it nothing is stamped and nothing ends."""

from datetime import datetime, timedelta

MOST = timedelta(minutes=2)  # that the two clocks may differ


def stamp(now: datetime, ahead: timedelta | None) -> datetime | None:
    """Return the source's time now; None if our clock disagrees with it, or its time is not known."""
    return now - ahead if ahead is not None and abs(ahead) <= MOST else None
