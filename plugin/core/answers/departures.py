"""Departures: a sentence that says why a preview left, or would leave."""

from collections.abc import Mapping

from plugin.core.config.messages import one_line
from plugin.core.config.names import folded
from plugin.core.config.references import Locator
from plugin.core.decision.decide import Decision
from plugin.core.decision.preview import LivePreview, Preview
from plugin.core.decision.targets import ELSEWHERE
from plugin.core.facts.model import Elsewhere


def why(repository: str, left: LivePreview, decision: Decision, gone: Mapping[Locator, Elsewhere]) -> str:
    """Return why a decision lacks a live preview, or names it differently.

    `gone` has the pull requests that were confirmed to be elsewhere since the previous answer.
    """
    service, locator = decision.catalog.services.get(left.service), Locator(repository, left.number)
    if locator in gone:  # which ends it whatever the catalog says
        reason = f"{locator} {ELSEWHERE[gone[locator]]}"
    elif service is None:
        reason = f"the catalog no longer has the service {left.service}"
    elif folded(service.repository) != folded(repository):
        reason = f"the catalog moved {left.service} from {repository} to {service.repository}"
    elif now := _preview(decision, service.repository, left):
        reason = _difference(now, left)
    else:
        reason = f"{locator} {ELSEWHERE[Elsewhere.UNLABELLED]}"
    return one_line(reason)


def _preview(decision: Decision, repository: str, left: LivePreview) -> Preview | None:
    part = decision.parts.get(repository)
    previews = part.by_service[left.service] if part else ()
    return next((preview for preview in previews if preview.key == left.key), None)


def _difference(now: Preview, left: LivePreview) -> str:
    if not now.verdict.live:
        return now.verdict.reason
    if now.name != left.name:
        return f"its name is now {now.name}, which is a different environment"
    if not now.service.profile:
        return f"the catalog no longer gives {left.service} a profile, so the ApplicationSet previews leaves it out"
    return f"its profile is now {now.service.profile}, so a different ApplicationSet may ask for it"
