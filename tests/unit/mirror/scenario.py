"""Ten previews of orders, and what tests do to them."""

from collections.abc import Mapping
from typing import Any

from plugin.core.config.references import Locator
from plugin.core.facts.model import PullRequest
from tests.builders import catalog_text, make_look_up, make_pull_request
from tests.stage import Stage

BOTH: dict[str, dict[str, Any]] = {"orders": {"depends_on": ["payments"]}, "payments": {}}
WITHOUT_DRAFTS: dict[str, dict[str, Any]] = {"orders": {"drafts": False, "depends_on": ["payments"]}, "payments": {}}
TEN = range(1, 11)
LABELLED = frozenset({"preview"})


def names(*numbers: int, prefix: str = "preview", service: str = "orders") -> list[str]:
    return [f"{prefix}-{service}-{number}" for number in numbers]


def listing(*numbers: int, **given: Any) -> list[PullRequest]:
    return [make_pull_request(number, **given) for number in numbers]


def confirm(stage: Stage, *numbers: int, state: str = "closed", repository: str = "acme/orders", **given: Any) -> None:
    """Make the source say this about pull requests that are looked up by number."""
    stage.source.elsewhere |= {Locator(repository, number): make_look_up(state, **given) for number in numbers}


def confirm_open(stage: Stage, *numbers: int, repository: str = "acme/orders", **given: Any) -> None:
    confirm(
        stage, *numbers, state="open", repository=repository, **{"labels": LABELLED, "target_branch": "main"} | given
    )


def begin(stage: Stage) -> None:
    """Ten previews, and Argo CD has asked for them."""
    stage.source.listed["acme/orders"] = listing(*TEN)
    stage.refresh()
    assert stage.answer() == names(*TEN)


def edit(stage: Stage, services: Mapping[str, Mapping[str, Any]], **given: Any) -> None:
    stage.path.write_text(catalog_text(services, **given), "utf-8")
    stage.refresh()


def held(stage: Stage) -> list[str]:
    """Return the keys of the previews that the breaker holds back."""
    return sorted(stage.current().held_back)


def acknowledge(stage: Stage) -> None:
    """Acknowledge what the breaker holds back, if anything."""
    if hold := stage.known().hold:
        stage.acknowledge(hold.catalog)
    stage.refresh()


def keys(*numbers: int, service: str = "orders") -> list[str]:
    return sorted(f"{service}/{number}" for number in numbers)


def reasons(stage: Stage) -> list[str]:
    """Return why each dependency goes where it goes."""
    return [dependency.reason for preview in stage.current().previews for dependency in preview.dependencies]


def history(stage: Stage, key: str) -> list[tuple[str, str]]:
    return [(event.kind.value, event.reason) for event in stage.known().histories.get(key, ())]
