"""Announcing: an end is announced at least `warn` before it comes. Only time in which the source was read counts."""

from dataclasses import replace
from datetime import datetime, timedelta

from plugin.core.facts.lives import Announcement


def announcement(
    before: Announcement | None,
    end: datetime | None,
    warn: timedelta,
    now: datetime,
    *,
    missed: timedelta,
    frozen: bool,
) -> Announcement | None:
    """Return the announcement of an end, if it is time for one; `missed` is time that does not count.

    A later end starts over, and an earlier one is announced anew, but not while time changes nothing (`frozen`).
    """
    if end is None:
        return None
    if before and before.end == end:
        return replace(before, at=before.at + missed) if missed else before
    return Announcement(end, now) if now >= end - warn and not frozen else None


def comes_at(end: datetime, announced: Announcement, warn: timedelta) -> datetime:
    """Return when an announced end really comes."""
    return max(end, announced.at + warn)
