"""Paused: a person said so, nobody has used it for a while, or it is outside working hours. Nothing is lost."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b

from plugin.core.config.messages import timestamp
from plugin.core.facts.acts import Act, ActKind
from plugin.core.facts.lives import State
from plugin.core.life.case import Case, earliest, latest, shorter
from plugin.core.life.sentences import cut

SPREAD = timedelta(minutes=10)  # over which previews wake up in the morning, so that not all of them start at once

WAKE = "To wake it, push a commit, or run preview-plugin resume"


@dataclass(frozen=True, slots=True)
class Rest:
    """Whether a preview sleeps, and when that can change by itself."""

    asleep: bool
    reason: str = ""  # why it sleeps
    by_act: bool = False  # a person paused it, so that links do not wake it
    changes_at: datetime | None = None


AWAKE = Rest(asleep=False)


def rest(case: Case, used_at: datetime | None, now: datetime) -> Rest:
    """Judge a preview by itself; `used_at` is its newest traffic."""
    woken = _woken(case)
    if pause := pause_of(case):
        return Rest(asleep=True, reason=f"{cut(pause.by)} paused it at {timestamp(pause.at)}. {WAKE}", by_act=True)
    if case.frozen or woken is None:
        return _as_before(case, woken)
    if case.has(case.service.lifecycle.keep):
        return AWAKE
    used = max(woken, used_at) if used_at else woken
    idle = _idle(case, used, now)
    return idle if idle.asleep else _earlier(idle, _outside_hours(case, used, now))


def pause_of(case: Case) -> Act | None:
    """Return the act by which a person paused a preview, unless something has woken it since."""
    pause, woken = case.acts.get(ActKind.PAUSE), _woken(case)
    return pause if pause and (woken is None or pause.at > woken) else None


def _woken(case: Case) -> datetime | None:
    resume = case.acts.get(ActKind.RESUME)
    return latest(case.activity, resume.at if resume else None)


def _as_before(case: Case, woken: datetime | None) -> Rest:
    """While something is in doubt, time changes nothing: only what somebody did since can wake it."""
    before = case.before
    if before is None or not case.was_live or before.state is not State.PAUSED:
        return AWAKE
    if woken and before.since and woken > before.since:
        return AWAKE
    return Rest(asleep=True, reason=before.asleep)


def _idle(case: Case, used: datetime, now: datetime) -> Rest:
    pause_after = shorter(case.service.lifecycle.pause_after, case.shortened.pause_after)
    if pause_after is None:
        return AWAKE
    falls_asleep = used + pause_after
    if now < falls_asleep:
        return Rest(asleep=False, changes_at=falls_asleep)
    return Rest(asleep=True, reason=f"nobody has used it since {timestamp(used)}. {WAKE}")


def _outside_hours(case: Case, used: datetime, now: datetime) -> Rest:
    plan = case.service.lifecycle
    if plan.hours is None:
        return AWAKE
    opening = plan.hours.at(now, _late(case.key))
    if opening.open:
        return Rest(asleep=False, changes_at=opening.changes_at)
    awake_until = used + plan.awake
    if now < awake_until:
        return Rest(asleep=False, changes_at=earliest(opening.changes_at, awake_until))
    until = f", until {timestamp(opening.changes_at)}" if opening.changes_at else ""
    reason = f"it is outside {cut(plan.hours.text)}{until}. {WAKE}"
    return Rest(asleep=True, reason=reason, changes_at=opening.changes_at)


def _earlier(one: Rest, other: Rest) -> Rest:
    """Combine being awake for one reason with what another one says; either can change first, and so the sentence."""
    return replace(other, changes_at=earliest(one.changes_at, other.changes_at))


def _late(key: str) -> timedelta:
    return SPREAD * (int.from_bytes(blake2b(key.encode(), digest_size=4).digest(), "big") / 2**32)
