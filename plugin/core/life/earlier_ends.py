"""Earlier ends: an edit that would bring forward too many ends leaves them as they were until it is acknowledged.

It is counted once, over all that is live, when the edit takes effect: ends that come one by one would never exceed a
threshold. An edit can also take away callers, which keep previews alive.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from plugin.core.config.catalog import Catalog
from plugin.core.config.threshold import Threshold
from plugin.core.life.case import Case
from plugin.core.life.ends import End, EndPlan, end_plan, later, own_end
from plugin.core.life.keep_alive import Alone, Call, keep_alive


@dataclass(frozen=True, slots=True)
class EarlierEnds:
    """The plans and calls that stay in force beside the catalog's, so that each end is the later one."""

    catalog: str  # the fingerprint of the catalog that waits
    accepted: Mapping[str, EndPlan]  # by service
    count: int  # how many ends the edit would bring forward
    calls: tuple[Call, ...] = ()  # those that the edit takes away


@dataclass(frozen=True, slots=True)
class Links:
    """Who calls whom on the same facts, by two catalogs."""

    accepted: Collection[Call]  # by the one that people have agreed to
    edited: Collection[Call]


def accepted_plans(catalog: Catalog, held: EarlierEnds | None) -> Mapping[str, EndPlan]:
    """Return the plans that people have agreed to."""
    plans = {name: end_plan(service) for name, service in catalog.services.items()}
    return {**plans, **held.accepted} if held else plans


def earlier_ends(
    edited: Catalog, accepted: Mapping[str, EndPlan], cases: Iterable[Case], links: Links, threshold: Threshold
) -> EarlierEnds | None:
    """Return what must wait for an acknowledgement; None if the edit may move the ends of these live previews."""
    live = list(cases)
    old = _ends(live, links.accepted, lambda case: accepted.get(case.service.name, end_plan(case.service)))
    new = _ends(live, links.edited, lambda case: end_plan(case.service))
    count = sum(later(old[key], new[key]) != new[key] for key in old)
    if not threshold.exceeded(count, len(live)):
        return None
    return EarlierEnds(
        edited.fingerprint,
        {name: accepted[name] for name in edited.services if name in accepted},
        count,
        tuple(sorted(set(links.accepted) - set(links.edited))),
    )


def _ends(
    cases: Iterable[Case], calls: Iterable[Call], plan_of: Callable[[Case], EndPlan]
) -> dict[str, datetime | None]:
    own = {case.key: _own(case, plan_of(case)) for case in cases}
    alone = {key: Alone(end, asleep=False, by_act=False, locator="") for key, end in own.items()}
    kept = keep_alive(alone, calls)
    return {key: kept[key].ends_at if key in kept else end.capped for key, end in own.items()}


def _own(case: Case, plan: EndPlan) -> End:
    return own_end(case, plan, case.before.used_for_end_at if case.before else None)
