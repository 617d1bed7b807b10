"""Traffic: counts as activity, but only as often as it must, because every moved end rewrites an Application."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from plugin.core.facts.lives import State
from plugin.core.life.case import Case, Circumstances, earliest, latest, shorter
from plugin.core.life.ends import End


@dataclass(frozen=True, slots=True)
class Counted:
    """The newest traffic that counts."""

    used_at: datetime | None  # for staying awake
    used_for_end_at: datetime | None
    changes_at: datetime | None = None  # when the traffic that is known will count for more


def counted(case: Case, namespace: str, end: End, circumstances: Circumstances) -> Counted:
    """Return the traffic that counts from now on; `end` follows from the traffic that has counted so far.

    A preview that sleeps is not woken by traffic.
    """
    before, used = case.before, circumstances.used
    known = Counted(before.used_at, before.used_for_end_at) if before else Counted(None, None)
    if used is None or namespace not in used.namespaces or before is None or before.state is not State.ACTIVE:
        return known
    now, for_rest, for_end = circumstances.now, _for_rest_from(case, known.used_at), _for_end_from(case, end)
    return Counted(
        used.at if for_rest and for_rest <= now else known.used_at,
        used.at if for_end and for_end <= now else known.used_for_end_at,
        earliest(*(moment for moment in (for_rest, for_end) if moment and moment > now)),
    )


def _for_end_from(case: Case, end: End) -> datetime | None:
    after = shorter(case.service.lifecycle.expire_after, case.shortened.expire_after)
    return None if after is None or end.at is None else end.at - after / 2


def _for_rest_from(case: Case, used_at: datetime | None) -> datetime | None:
    plan = case.service.lifecycle
    spans = [shorter(plan.pause_after, case.shortened.pause_after), plan.awake if plan.hours else None]
    shortest: timedelta | None = min((span for span in spans if span is not None), default=None)
    newest = latest(case.activity, used_at)
    return None if shortest is None or newest is None else newest + shortest / 2
