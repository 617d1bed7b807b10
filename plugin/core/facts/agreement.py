"""Agreement: whether our clock and the source's tell the same time. Without it nothing is stamped and nothing ends."""

from datetime import datetime, timedelta

from plugin.core.config.messages import timestamp

MOST = timedelta(minutes=2)  # that the two clocks may differ
LATELY = timedelta(hours=1)  # a comparison that is older says nothing about a clock


def stamp(now: datetime, ahead: timedelta | None) -> datetime | None:
    """Return the source's time now; None if our clock disagrees with it, or its time is not known."""
    return now - ahead if ahead is not None and abs(ahead) <= MOST else None


def doubt_about(now: datetime, compared_at: datetime | None) -> str:
    """Say why a clock must not tell when something was done; "" if it may.

    `compared_at` is the source's time when the server last compared its clock with it; None: they disagree. It is
    stored by the replica that polls, and `now` can come from another machine.
    """
    if compared_at is None:
        return (
            "the server's clock and the source's differ by more than two minutes, or the source has not answered yet, "
            "so nobody could tell later what came first. Set the clock right, or try again after the next refresh"
        )
    if compared_at - MOST <= now <= compared_at + LATELY:
        return ""
    return (
        f"the clock here says {timestamp(now)}, and the source's said {timestamp(compared_at)} when the server last "
        "looked at it, so nobody could tell later what came first. Set the clock right, or wait for the next refresh"
    )
