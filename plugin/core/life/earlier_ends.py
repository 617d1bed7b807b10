"""Earlier ends: an edit that would bring forward too many ends leaves them as they were until it is acknowledged.

It is counted once, over all that is live, when the edit takes effect: ends that come one by one would never exceed a
threshold.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from plugin.core.config.catalog import Catalog
from plugin.core.config.threshold import Threshold
from plugin.core.life.case import Case
from plugin.core.life.ends import EndPlan, end_plan, later, own_end


@dataclass(frozen=True, slots=True)
class EarlierEnds:
    """The plans that stay in force beside the catalog's, so that each end is the later one."""

    catalog: str  # the fingerprint of the catalog that waits
    accepted: Mapping[str, EndPlan]  # by service
    count: int  # how many ends the edit would bring forward


def accepted_plans(catalog: Catalog, held: EarlierEnds | None) -> Mapping[str, EndPlan]:
    """Return the plans that people have agreed to."""
    plans = {name: end_plan(service.lifecycle) for name, service in catalog.services.items()}
    return {**plans, **held.accepted} if held else plans


def earlier_ends(
    edited: Catalog, accepted: Mapping[str, EndPlan], cases: Iterable[Case], threshold: Threshold
) -> EarlierEnds | None:
    """Return what must wait for an acknowledgement; None if the edit may move the ends of these live previews."""
    count = whole = 0
    for case in cases:
        whole += 1
        plan = accepted.get(case.service.name)
        if plan is not None and _is_brought_forward(case, plan):
            count += 1
    if not threshold.exceeded(count, whole):
        return None
    return EarlierEnds(
        edited.fingerprint, {name: accepted[name] for name in edited.services if name in accepted}, count
    )


def _is_brought_forward(case: Case, accepted: EndPlan) -> bool:
    used_at = case.before.used_for_end_at if case.before else None
    old = own_end(case, accepted, used_at).capped
    new = own_end(case, end_plan(case.service.lifecycle), used_at).capped
    return later(old, new) != new
