"""Expired: its end was reached, and nobody has done anything with it since."""

from datetime import datetime

from plugin.core.config.messages import one_line, timestamp
from plugin.core.facts.lives import Latch
from plugin.core.life.case import Case


def still_expired(case: Case, now: datetime) -> Latch | None:
    """Return why a preview that is not live stays away, or None.

    Newer activity releases a latch, but not past `max_age`: then only asking again does.
    """
    latch = case.before.expired if case.before else None
    if latch and not _released(latch, case):
        return latch
    if case.frozen or case.was_live or case.oldest_at is None or now < case.oldest_at:
        return None
    return latch_of(case, now, by_age=True)


def latch_of(case: Case, now: datetime, *, by_age: bool) -> Latch | None:
    """Return the latch of a preview that ends now; None if too little is known about it."""
    if case.activity is None or case.asked_at is None:
        return None
    return Latch(at=now, activity=case.activity, asked_at=case.asked_at, by_age=by_age)


def why_expired(latch: Latch, case: Case) -> str:
    """Say why a preview expired, and how to get it back."""
    if latch.by_age:
        reason = f"it was asked for at {timestamp(latch.asked_at)} and has reached its greatest age"
        return one_line(f"{reason}. To start again, {_again(case)}")
    reason = f"nobody did anything with it after {timestamp(latch.activity)}, so it ended at {timestamp(latch.at)}"
    return one_line(f"{reason}. To get it back, push a commit, or {_again(case)}")


def _again(case: Case) -> str:
    labels = case.service.policy.require
    return f'take the label "{labels[0]}" off and put it on again' if labels else "ask for it again"


def _released(latch: Latch, case: Case) -> bool:
    if case.asked_at is None or case.activity is None:
        return False
    return case.asked_at > latch.asked_at or (not latch.by_age and case.activity > latch.activity)
