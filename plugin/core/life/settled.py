"""Settled: the state of a live preview, once it is known who calls it, and whether its end has come."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from plugin.core.config.messages import timestamp
from plugin.core.facts.lives import Announcement, Life, State
from plugin.core.life.announcing import announcement, comes_at, still
from plugin.core.life.case import Circumstances, earliest
from plugin.core.life.expired import again, latch_of, why_expired
from plugin.core.life.keep_alive import Kept
from plugin.core.life.own import Live, out, since
from plugin.core.life.sentences import sentences

NOT_KEPT = Kept(None)


@dataclass(frozen=True, slots=True)
class Settled:
    """The life of one preview, and when it can change by itself."""

    life: Life
    changes_at: datetime | None


def settled(live: Live, kept: Kept | None, circumstances: Circumstances) -> Settled:
    """Return the life of a preview that is live."""
    case, now = live.case, circumstances.now
    end = kept.ends_at if kept else live.end.capped
    by_age = end == live.end.cap
    if end and live.due(circumstances) == end and not (kept and kept.needed):
        latch = latch_of(case, now, by_age=by_age)
        if latch:
            return Settled(replace(out(State.EXPIRED, why_expired(latch, case), live, now), expired=latch), None)
    announced, warn = _announced(live, end, circumstances), case.service.lifecycle.warn
    ends_at = comes_at(end, announced, warn) if end and announced else end
    asleep = live.rest.asleep and not (kept and kept.awake_by)
    state = State.PAUSED if asleep else State.ACTIVE
    life = replace(
        live.memory,
        state=state,
        reason=sentences(
            *_why(live, kept or NOT_KEPT, asleep=asleep, announced=announced is not None),
            _ending(live, kept or NOT_KEPT, ends_at, by_age=by_age) if announced and ends_at else "",
        ),
        since=since(state, case.before if case.was_live else None, now),
        ends_at=ends_at,
        asleep=live.rest.reason if asleep else "",
        announced=announced,
    )
    times = (live.rest.changes_at, ends_at, end - warn if end and not announced else None)
    return Settled(life, earliest(*(time for time in times if time and time > now)))


def _announced(live: Live, end: datetime | None, circumstances: Circumstances) -> Announcement | None:
    announced, case = still(live.memory.announced, end, circumstances.missed), live.case
    if announced or case.frozen:  # then nothing is announced anew, and what was announced does not come
        return announced
    return announcement(end, case.service.lifecycle.warn, circumstances.now)


def _why(live: Live, kept: Kept, *, asleep: bool, announced: bool) -> Iterator[str]:
    """Yield why it is in its state, the most important reason last."""
    if asleep:
        yield live.rest.reason
        return
    yield live.case.granted
    if kept.awake_by:
        yield f"It is awake because {kept.awake_by} calls it"
    if kept.ends_by and not announced:
        yield f"It lives as long as {kept.ends_by}, which calls it"
    yield live.note


def _ending(live: Live, kept: Kept, ends_at: datetime, *, by_age: bool) -> str:
    at = timestamp(ends_at)
    if by_age:
        return f"It ends at {at}, because it reaches its maximum age. To start anew then, {again(live.case)}"
    together = f" together with {kept.ends_by}, which calls it," if kept.ends_by else ""
    return f"It ends at {at}{together} unless somebody pushes a commit, or runs preview-plugin extend"
