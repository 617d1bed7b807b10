"""Traffic: counts as activity, but only as often as it must, because every moved end rewrites an Application."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from plugin.core.facts.lives import State
from plugin.core.life.case import Case, Circumstances, latest, shorter
from plugin.core.life.ends import End


@dataclass(frozen=True, slots=True)
class Counted:
    """The newest traffic that counts."""

    used_at: datetime | None  # for staying awake
    used_for_end_at: datetime | None


def counted(case: Case, namespace: str, end: End, circumstances: Circumstances) -> Counted:
    """Return the traffic that counts from now on; `end` follows from the traffic that has counted so far.

    A preview that sleeps is not woken by traffic.
    """
    before, used = case.before, circumstances.used
    known = Counted(before.used_at, before.used_for_end_at) if before else Counted(None, None)
    if used is None or namespace not in used.namespaces or before is None or before.state is not State.ACTIVE:
        return known
    return Counted(
        used.at if _matters_for_rest(case, known.used_at, circumstances.now) else known.used_at,
        used.at if _matters_for_end(case, end, circumstances.now) else known.used_for_end_at,
    )


def _matters_for_end(case: Case, end: End, now: datetime) -> bool:
    after = shorter(case.service.lifecycle.expire_after, case.shortened.expire_after)
    return after is not None and end.at is not None and end.at - now < after / 2


def _matters_for_rest(case: Case, used_at: datetime | None, now: datetime) -> bool:
    plan = case.service.lifecycle
    spans = [shorter(plan.pause_after, case.shortened.pause_after), plan.awake if plan.hours else None]
    shortest: timedelta | None = min((span for span in spans if span is not None), default=None)
    newest = latest(case.activity, used_at)
    return shortest is not None and newest is not None and now - newest > shortest / 2
