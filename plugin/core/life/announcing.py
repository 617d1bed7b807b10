"""Announcing: an end is announced at least `warn` before it comes. Only time in which the source was read counts."""

from dataclasses import replace
from datetime import datetime, timedelta

from plugin.core.facts.lives import Announcement


def announcement(end: datetime | None, warn: timedelta, now: datetime) -> Announcement | None:
    """Return the announcement of an end, if it is time for one."""
    return Announcement(end, now) if end and now >= end - warn else None


def still(before: Announcement | None, end: datetime | None, missed: timedelta) -> Announcement | None:
    """Return the announcement before if it is of this end; `missed` is time that does not count.

    A later end starts over, and an earlier one is announced anew.
    """
    if before is None or before.end != end:
        return None
    return replace(before, at=before.at + missed) if missed else before


def comes_at(end: datetime, announced: Announcement, warn: timedelta) -> datetime:
    """Return when an announced end really comes."""
    return max(end, announced.at + warn)
