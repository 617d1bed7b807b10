"""Own: what becomes of one preview by itself, before anybody who calls it and the limits are looked at."""

from dataclasses import dataclass, replace
from datetime import datetime

from plugin.core.config.names import preview_name
from plugin.core.config.references import Locator
from plugin.core.facts.lives import Life, State
from plugin.core.life.announcing import comes_at
from plugin.core.life.case import Case, Circumstances, earliest, latest
from plugin.core.life.ends import End, EndPlan, end_beside
from plugin.core.life.expired import still_expired, why_expired
from plugin.core.life.keep_alive import Alone
from plugin.core.life.paused import Rest, rest
from plugin.core.life.traffic import counted
from plugin.core.life.waiting import gate, is_looked_for


@dataclass(frozen=True, slots=True)
class Out:
    """A preview that is not live, whoever calls it and however many there are."""

    life: Life


@dataclass(frozen=True, slots=True)
class Live:
    """A preview that is live if no limit keeps it from becoming so."""

    case: Case
    memory: Life  # what is remembered of it; its state is decided later
    note: str  # which commit it waits for, or ""
    end: End
    rest: Rest

    def alone(self, circumstances: Circumstances) -> Alone:
        """Return what the rules about callers look at."""
        locator = Locator(self.case.repository, self.case.pull_request.number)
        return Alone(self.end, self.rest.asleep, self.rest.by_act, str(locator), self.due(circumstances))

    def due(self, circumstances: Circumstances) -> datetime | None:
        """Return the announced end if it may be carried out now; None if it has not come, or something is in doubt."""
        case, announced = self.case, self.memory.announced
        if announced is None or case.frozen or case.pull_request.number not in circumstances.nothing_newer:
            return None
        counted = replace(announced, at=announced.at + circumstances.missed)
        comes = comes_at(announced.end, counted, case.service.lifecycle.warn)
        return announced.end if comes <= circumstances.now else None


def own(case: Case, prefix: str, accepted: EndPlan | None, circumstances: Circumstances) -> Out | Live:
    """Judge one preview by itself.

    `accepted` is the plan for its end that stays in force beside the catalog's until an edit is acknowledged.
    """
    before, now = case.before, circumstances.now
    if case.in_doubt and before and not case.was_live:
        return Out(before)
    latch = None if case.was_live else still_expired(case, circumstances)
    if latch:
        return Out(replace(_out(State.EXPIRED, why_expired(latch, case), case, now), expired=latch))
    if before and before.expired and not case.was_live and not is_looked_for(case, circumstances):
        return Out(before)
    passed = gate(case, circumstances)
    if passed.waits and not case.was_live:
        walked = case.pull_request.number in circumstances.commits or bool(before and before.walked)
        return Out(replace(_out(State.WAITING, passed.note, case, now), ready=passed.ready, walked=walked))
    admitted, unstamped = before.admitted_at if before else None, False
    if _is_admitted_now(case, circumstances):  # which is an activity
        admitted, unstamped = circumstances.stamp, circumstances.stamp is None
        case = replace(case, activity=latest(case.activity, admitted))
    known = Life(
        state=before.state if before else State.ACTIVE,
        reason="",
        since=before.since if before else None,
        deploy_sha=passed.deploy_sha,
        asked_at=case.asked_at,
        admitted_at=admitted,
        unstamped=unstamped,
        ready=passed.ready,
        walked=bool(before and before.walked),
        announced=before.announced if before and case.was_live else None,
    )
    namespace = preview_name(prefix, case.service.name, case.pull_request.number, fork=case.pull_request.fork)
    so_far = end_beside(case, accepted, before.used_for_end_at if before else None)
    traffic = counted(case, namespace, so_far, circumstances)
    memory = replace(known, used_at=traffic.used_at, used_for_end_at=traffic.used_for_end_at)
    end = end_beside(case, accepted, traffic.used_for_end_at)
    resting = rest(case, traffic.used_at, now)
    resting = replace(resting, changes_at=earliest(resting.changes_at, traffic.changes_at))
    return Live(case, memory, passed.note, end, resting)


def out(state: State, reason: str, live: Live, now: datetime) -> Life:
    """Return the life of a preview that could be live, but is not."""
    return replace(_out(state, reason, live.case, now), ready=live.memory.ready, walked=live.memory.walked)


def since(state: State, before: Life | None, now: datetime) -> datetime | None:
    """Return when a preview got into the state that it has now."""
    return before.since if before and before.state is state and before.since else now


def _is_admitted_now(case: Case, circumstances: Circumstances) -> bool:
    if case.was_live:
        return bool(case.before and case.before.unstamped)
    return not circumstances.first


def _out(state: State, reason: str, case: Case, now: datetime) -> Life:
    before = case.before
    return Life(
        state,
        reason,
        since(state, before, now),
        asked_at=case.asked_at,
        ready=before.ready if before else (),
        walked=bool(before and before.walked),
    )
