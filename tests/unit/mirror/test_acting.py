"""Whom people mean when they act. What each act does is tested with the rules in `core/life/acting.py`."""

from typing import Any

import pytest

from plugin.core.answers.wanted import parse_wanted
from plugin.core.facts.acts import Act, ActKind
from plugin.core.life.acting import Refusal, Said
from plugin.mirror.acting import acts_on
from tests.builders import MONDAY
from tests.lives import Lived, asked, lived

SERVICES: dict[str, dict[str, Any]] = {
    "admin": {"repository": "acme/backoffice"},
    "reports": {"repository": "acme/backoffice", "drafts": False},
    "orders": {},
}


@pytest.fixture(name="world")
def _world() -> Lived:
    world = lived(SERVICES)
    world.put(asked(4), "acme/backoffice")
    world.put(asked(5, draft=True), "acme/backoffice")
    world.put(asked(4))
    return world.step(MONDAY - world.now)


def meant(world: Lived, text: str) -> dict[str, Act | Refusal]:
    said = Said(ActKind.PAUSE, "ada", world.now)
    return {preview.key: found for preview, found in acts_on(world.current, parse_wanted(text, world.catalog), said)}


@pytest.mark.parametrize(
    "text", ["acme/backoffice#4", "ACME/Backoffice#4", "https://github.com/acme/backoffice/pull/4"]
)
def test_a_pull_request_means_the_previews_of_all_its_services(world: Lived, text: str) -> None:
    found = meant(world, text)

    assert {key: isinstance(each, Act) and each.subject for key, each in found.items()} == {
        "admin/4": "admin/4",
        "reports/4": "reports/4",
    }


@pytest.mark.parametrize("text", ["reports-4", "preview-reports-4", "https://reports-4.preview.example.com/login"])
def test_a_preview_is_meant_alone(world: Lived, text: str) -> None:
    assert list(meant(world, text)) == ["reports/4"]


def test_each_preview_has_a_verdict_of_its_own(world: Lived) -> None:
    found = meant(world, "acme/backoffice#5")

    assert isinstance(found["admin/5"], Act)
    assert found["reports/5"] == Refusal("it is skipped, so there is nothing to pause: it is a draft")


def test_a_pull_request_that_asks_for_nothing_means_none(world: Lived) -> None:
    assert meant(world, "orders-99") == {}
