"""Ends: when a live preview expires if nobody does anything. None is never."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from plugin.core.config.catalog import Service
from plugin.core.facts.acts import ActKind
from plugin.core.life.activity import asked_at
from plugin.core.life.case import Case, shorter


@dataclass(frozen=True, slots=True)
class EndPlan:
    """The part of a plan that decides when previews end."""

    expire_after: timedelta | None = None
    max_age: timedelta | None = None
    keep: str = ""
    require: tuple[str, ...] = ()  # the labels that ask for a preview, because its age begins with them


@dataclass(frozen=True, slots=True)
class End:
    """When a preview ends by itself, and the latest moment to which anything can move that."""

    at: datetime | None
    cap: datetime | None

    @property
    def capped(self) -> datetime | None:
        """The end, not later than the cap."""
        return sooner(self.at, self.cap)


def end_plan(service: Service) -> EndPlan:
    """Return the part of a service's plan that decides when its previews end."""
    plan = service.lifecycle
    return EndPlan(plan.expire_after, plan.max_age, plan.keep, service.policy.require)


def own_end(case: Case, plan: EndPlan, used_at: datetime | None) -> End:
    """Return the end of a preview that nobody calls; `used_at` is the traffic that counts for it."""
    asked = _asked_at(case, plan)
    if asked is None or case.activity is None:
        return End(None, None)
    cap = None if plan.max_age is None else asked + plan.max_age
    after = shorter(plan.expire_after, case.shortened.expire_after)
    if after is None or case.has(plan.keep):
        return End(None, cap)
    newest = max(case.activity, asked, used_at or asked)
    extension = case.acts.get(ActKind.EXTEND)
    extended = extension.until if extension and extension.until else newest
    return End(max(newest + after, extended), cap)


def end_beside(case: Case, accepted: EndPlan | None, used_at: datetime | None) -> End:
    """Return the end that the catalog plans, or a later one by the plan that stays in force beside it."""
    end = own_end(case, end_plan(case.service), used_at)
    return end if accepted is None else latest_end(end, own_end(case, accepted, used_at))


def _asked_at(case: Case, plan: EndPlan) -> datetime | None:
    if plan.require == case.service.policy.require:
        return case.asked_at
    return asked_at(plan.require, case.pull_request, case.ask)


def latest_end(one: End, other: End) -> End:
    """Return the later of two ends that two plans give one preview."""
    return End(later(one.at, other.at), later(one.cap, other.cap))


def later(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return the later of two ends."""
    return None if one is None or other is None else max(one, other)


def sooner(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return the sooner of two ends."""
    return min((end for end in (one, other) if end is not None), default=None)
