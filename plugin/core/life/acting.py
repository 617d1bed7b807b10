"""Acting: what somebody tells a preview to do, or why it would mean nothing. Each way to act asks here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from plugin.core.config.messages import one_line, timestamp
from plugin.core.facts.acts import Act, ActKind
from plugin.core.facts.lives import State
from plugin.core.life.case import Case, earliest, latest
from plugin.core.life.ends import EndPlan, end_beside
from plugin.core.life.paused import WAKE, pause_of


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody wants, and since when."""

    kind: ActKind
    by: str
    at: datetime
    span: timedelta | None = None  # of an extension; None: as long as the catalog plans


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an act would mean nothing, in a sentence that says what would help."""

    reason: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A preview that somebody acts on, as it was decided last."""

    case: Case
    state: State  # of the newest verdict, which may be older than the newest act
    reason: str
    accepted: EndPlan | None  # the plan for its end that stays in force beside the catalog's
    acted_at: datetime | None  # the newest act on it, of whatever age it is; None: there is none


def act_on(seen: Seen, said: Said) -> Act | Refusal:
    """Return the act to store. Its time is later than everything that is known of the preview, whatever a clock says.

    An act belongs to the time at which its preview was asked for.
    """
    asked = seen.case.asked_at
    if asked is None:
        return _refused("nobody knows yet when it was asked for. Try again after the next refresh")
    at = _after(said.at, latest(seen.case.activity, seen.acted_at))
    found = _RULES[said.kind](seen, said)
    if isinstance(found, Refusal):
        return found
    age = at if said.kind is ActKind.ASK else asked
    return Act(said.kind, seen.case.key, said.by, at, asked_at=age, until=found)


def outcome(act: Act) -> str:
    """Say what an act does."""
    if act.until:
        return f"it stays until {timestamp(act.until)} at least"
    return _OUTCOMES[act.kind]


_OUTCOMES: Mapping[ActKind, str] = {
    ActKind.ASK: "it was asked for again, which starts a new age",
    ActKind.PAUSE: f"it is paused. {WAKE}",
    ActKind.RESUME: "it is resumed",
}


def _after(at: datetime, newest: datetime | None) -> datetime:
    """Return a moment after the newest one that is known: the clock that people's deeds have may be ahead of ours."""
    return at if newest is None or at > newest else newest + timedelta(microseconds=1)


def _ask(seen: Seen, said: Said) -> Refusal | None:  # noqa: ARG001  every rule gets the same
    if seen.state in (State.EXPIRED, State.PAUSED) or pause_of(seen.case):
        return None
    if seen.state is State.ACTIVE:
        return _refused("it is active already. To keep it for longer, run preview-plugin extend")
    return _refused(f"it was asked for already, but it is {seen.state}: {seen.reason}")


def _pause(seen: Seen, said: Said) -> Refusal | None:
    if not seen.state.live:
        return _not_live(seen, said)
    if pause := pause_of(seen.case):
        return _refused(f"it is paused already, by {pause.by} at {timestamp(pause.at)}. {WAKE}")
    return None


def _resume(seen: Seen, said: Said) -> Refusal | None:
    if not seen.state.live:
        return _not_live(seen, said)
    if seen.state is not State.PAUSED and pause_of(seen.case) is None:
        return _refused("it is not paused, so there is nothing to resume")
    return None


def _extend(seen: Seen, said: Said) -> Refusal | datetime:
    if not seen.state.live:
        return _not_live(seen, said)
    case = seen.case
    used_at = case.before.used_for_end_at if case.before else None
    end = end_beside(case, seen.accepted, used_at)
    now = end.capped
    if now is None:
        return _refused("it never ends by itself, so there is nothing to extend")
    wanted = said.at + (said.span or case.service.lifecycle.extend)
    until = earliest(wanted, end.cap)
    if until is not None and until > now:
        return until
    if now == end.cap:
        return _refused(
            f"it reaches its maximum age (max_age) at {timestamp(end.cap)}, and no extension goes beyond. "
            "Once it has ended, run preview-plugin ask"
        )
    return _refused(
        f"it stays until {timestamp(now)} anyway, which is not before {timestamp(wanted)}. Name a longer time"
    )


_RULES: Mapping[ActKind, Callable[[Seen, Said], Refusal | datetime | None]] = {
    ActKind.ASK: _ask,
    ActKind.PAUSE: _pause,
    ActKind.RESUME: _resume,
    ActKind.EXTEND: _extend,
}


def _not_live(seen: Seen, said: Said) -> Refusal:
    return _refused(f"it is {seen.state}, so there is nothing to {said.kind}: {seen.reason}")


def _refused(reason: str) -> Refusal:
    return Refusal(one_line(reason))
