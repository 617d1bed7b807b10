"""Settled: the state of a live preview, once it is known who calls it, and whether its end has come."""

from dataclasses import dataclass, replace
from datetime import datetime

from plugin.core.config.messages import one_line, timestamp
from plugin.core.facts.lives import Announcement, Life, State
from plugin.core.life.announcing import announcement, comes_at
from plugin.core.life.case import Circumstances, earliest
from plugin.core.life.expired import latch_of, why_expired
from plugin.core.life.keep_alive import Kept
from plugin.core.life.own import Live, out, since


@dataclass(frozen=True, slots=True)
class Settled:
    """The life of one preview, and when it can change by itself."""

    life: Life
    changes_at: datetime | None


def settled(live: Live, kept: Kept | None, circumstances: Circumstances) -> Settled:
    """Return the life of a preview that is live."""
    case, now = live.case, circumstances.now
    end = kept.ends_at if kept else live.end.capped
    announced = _announced(live, end, circumstances)
    warn = case.service.lifecycle.warn
    ends_at = comes_at(end, announced, warn)
    by_age = end == live.end.cap
    if announced and ends_at and _has_come(live, ends_at, circumstances):
        latch = latch_of(case, now, by_age=by_age)
        if latch:
            return Settled(replace(out(State.EXPIRED, why_expired(latch, case), live, now), expired=latch), None)
    asleep = live.rest.asleep and not (kept and kept.awake_by)
    state = State.PAUSED if asleep else State.ACTIVE
    reasons = [live.rest.reason] if asleep else [case.granted, live.note]
    if not asleep and kept and kept.awake_by:
        reasons.append(f"it is awake because {kept.awake_by} calls it")
    if announced:
        why = "its greatest age" if by_age else "because nobody uses it; to keep it, push a commit or extend it"
        reasons.append(f"it ends at {timestamp(ends_at)}, {why}")
    elif kept and kept.ends_by:
        reasons.append(f"it lives as long as {kept.ends_by}, which calls it")
    life = replace(
        live.memory,
        state=state,
        reason=one_line("; ".join(filter(None, reasons))),
        since=since(state, case.before if case.was_live else None, now),
        ends_at=ends_at,
        announced=announced,
    )
    times = (live.rest.changes_at, ends_at, end - warn if end and not announced else None)
    return Settled(life, earliest(*(time for time in times if time and time > now)))


def _announced(live: Live, end: datetime | None, circumstances: Circumstances) -> Announcement | None:
    before, case = live.memory.announced, live.case
    if case.frozen:  # no end is announced, and one that was announced does not come
        return before if before and before.end == end else None
    warn = case.service.lifecycle.warn
    return announcement(before, end, warn, circumstances.now, missed=circumstances.missed)


def _has_come(live: Live, ends_at: datetime, circumstances: Circumstances) -> bool:
    case = live.case
    return (
        case.was_live
        and not case.frozen
        and circumstances.now >= ends_at
        and case.pull_request.number in circumstances.nothing_newer
    )
