"""Plans for the life of previews, as the simulation edits them and as the catalog's file has them."""

from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any

from tests.faults.truth import CHECK

KEEP = "preview/keep"
HOURS = "Mon-Fri 07:00-20:00 Europe/Berlin"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the catalog plans for the life of all previews."""

    gate: str = ""  # "check", "image" or none
    pause_after: timedelta | None = None
    hours: bool = False
    expire_after: timedelta | None = None
    max_age: timedelta | None = None
    warn: timedelta = 20 * MINUTE
    keep: bool = False

    @property
    def lifecycle(self) -> dict[str, Any]:
        """Return the catalog's lifecycle."""
        gates: dict[str, dict[str, Any]] = {"check": {"check": CHECK}, "image": {"image": True}}
        written = {
            "ready_when": gates.get(self.gate),
            "pause_after": _written(self.pause_after),
            "hours": HOURS if self.hours else None,
            "expire_after": _written(self.expire_after),
            "max_age": _written(self.max_age),
            "warn": _written(self.warn),
            "keep": KEEP if self.keep else None,
        }
        return {key: value for key, value in written.items() if value is not None}


NO_PLAN = Plan()
EXPIRES = 7 * DAY
MISTYPED = 7 * HOUR


def some_plan(chance: Random) -> Plan:
    """Draw a plan with which an episode begins."""
    return Plan(
        gate=chance.choice(("", "", "check", "image")),
        pause_after=chance.choice((None, None, 3 * HOUR)),
        hours=chance.random() < 0.3,
        expire_after=chance.choice((None, EXPIRES, EXPIRES, 8 * HOUR, 8 * HOUR, 2 * DAY)),
        max_age=chance.choice((None, None, 3 * DAY, 10 * DAY)),
        warn=chance.choice((20 * MINUTE, HOUR)),
        keep=chance.random() < 0.5,
    )


def some_limits(chance: Random) -> tuple[tuple[str, int], ...]:
    """Draw limits, or none."""
    found = (("total", chance.choice((6, 12, 20))), ("per_repository", chance.choice((2, 4, 6))))
    whose = (("per_author", chance.choice((3, 6))), ("per_bot", chance.choice((1, 2))))
    return tuple(each for each in (*found, *whose) if chance.random() < 0.3)


def switched(plan: Plan, chance: Random) -> Plan:
    """Switch a rule on or off."""
    return chance.choice(
        (
            replace(plan, gate=chance.choice(("", "check", "image"))),
            replace(plan, pause_after=None if plan.pause_after else chance.choice((HOUR, 3 * HOUR))),
            replace(plan, hours=not plan.hours),
            replace(plan, expire_after=None if plan.expire_after else chance.choice((8 * HOUR, EXPIRES))),
            replace(plan, max_age=None if plan.max_age else chance.choice((3 * DAY, 10 * DAY))),
            replace(plan, keep=not plan.keep),
            replace(plan, warn=chance.choice((20 * MINUTE, HOUR))),
        )
    )


def _written(span: timedelta | None) -> str | None:
    return None if span is None else f"{int(span / MINUTE)}m"
