"""Departures: why a preview left, or would leave, in one sentence."""

from collections.abc import Mapping

from plugin.core.config.messages import one_line
from plugin.core.config.references import Locator
from plugin.core.decision.decide import Decision
from plugin.core.decision.preview import LivePreview
from plugin.core.decision.targets import ELSEWHERE
from plugin.core.facts.model import Elsewhere


def why(repository: str, left: LivePreview, decision: Decision, gone: Mapping[Locator, Elsewhere]) -> str:
    """Say why a live preview is not named, or is named differently, by a decision.

    `gone` are the pull requests that were confirmed to be elsewhere since the answer before.
    """
    catalog, locator = decision.catalog, Locator(repository, left.number)
    service = catalog.services.get(left.service)
    if service is None:
        return one_line(f"the catalog no longer has the service {left.service}")
    if service.repository != repository:
        return one_line(f"the catalog moved {left.service} from {repository} to {service.repository}")
    if locator in gone:
        return one_line(f"{locator} {ELSEWHERE[gone[locator]]}")
    part = decision.parts.get(repository)
    now = next((each for each in part.by_service[left.service] if each.key == left.key), None) if part else None
    if now is None:
        return one_line(f"{locator} {ELSEWHERE[Elsewhere.UNLABELLED]}")
    if not now.verdict.live:
        return now.verdict.reason
    if now.name != left.name:
        return one_line(f"it is called {now.name} now, which is another environment")
    return one_line(f"its profile is {now.service.profile} now, so another ApplicationSet may ask for it")
