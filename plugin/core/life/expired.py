"""Expired: its end was reached, and nobody has done anything with it since."""

from datetime import datetime

from plugin.core.config.messages import timestamp
from plugin.core.facts.lives import Latch
from plugin.core.life.case import Case, Circumstances
from plugin.core.life.sentences import cut, sentences


def still_expired(case: Case, circumstances: Circumstances) -> Latch | None:
    """Return why a preview that is not live stays away, or None.

    Newer activity releases a latch, but not past `max_age`: then only asking again does. Without a last answer nobody
    knows which previews are live, so none of them has reached its maximum age unannounced.
    """
    latch = case.before.expired if case.before else None
    if latch and not is_released(latch, case.asked_at, case.activity):
        return latch
    now = circumstances.now
    if circumstances.first or case.frozen or case.oldest_at is None or now < case.oldest_at:
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
        reason = f"it was asked for at {timestamp(latch.asked_at)} and has reached its maximum age"
        return sentences(reason, f"To start anew, {again(case)}")
    reason = f"nobody did anything with it after {timestamp(latch.activity)}, so it ended at {timestamp(latch.at)}"
    return sentences(reason, f"To get it back, push a commit, or {again(case)}")


def again(case: Case) -> str:
    """Say how to ask for a preview again."""
    labels = case.service.policy.require
    return f'take the label "{cut(labels[0])}" off and put it on again' if labels else "run preview-plugin ask"


def is_released(latch: Latch, asked_at: datetime | None, activity: datetime | None) -> bool:
    """Tell whether somebody has done since what brings an expired preview back."""
    if asked_at is None or activity is None:
        return False
    return asked_at > latch.asked_at or (not latch.by_age and activity > latch.activity)
