"""Why a preview left, or would leave: one sentence for each way."""

from collections.abc import Mapping
from typing import Any

import pytest

from plugin.core.answers.departures import why
from plugin.core.config.references import Locator
from plugin.core.decision.decide import decide
from plugin.core.decision.preview import LivePreview
from plugin.core.facts.model import Elsewhere, PullRequest
from tests.builders import make_catalog, make_pull_request, make_repository, make_snapshot

SERVICES: dict[str, dict[str, Any]] = {
    "orders": {"drafts": False, "labels": {"skip": ["no-preview"]}},
    "reports": {"repository": "acme/orders", "labels": {"require": ["reports"]}},
}
ONE = Locator("acme/orders", 1)
LEFT = LivePreview("orders", 1, "preview-orders-1", "backend", fork=False)


def reason(
    *pull_requests: PullRequest,
    services: Mapping[str, Mapping[str, Any]] = SERVICES,
    gone: Mapping[Locator, Elsewhere] | None = None,
    **given: Any,
) -> str:
    catalog = make_catalog(services, **given)
    snapshot = make_snapshot(catalog, make_repository("acme/orders", *pull_requests))
    return why("acme/orders", LEFT, decide(catalog, snapshot), gone or {})


@pytest.mark.parametrize(
    ("elsewhere", "words"),
    [
        (Elsewhere.CLOSED, "was closed"),
        (Elsewhere.MERGED, "was merged"),
        (Elsewhere.UNLABELLED, "has no preview label"),
        (Elsewhere.MISSING, "does not exist"),
    ],
)
def test_a_pull_request_that_was_confirmed_to_be_gone(elsewhere: Elsewhere, words: str) -> None:
    assert reason(gone={ONE: elsewhere}) == f"acme/orders#1 {words}"


def test_where_another_pull_request_went_says_nothing() -> None:
    draft = make_pull_request(1, draft=True)

    assert reason(draft, gone={Locator("acme/orders", 2): Elsewhere.CLOSED}) == "it is a draft"
    assert reason(draft, gone={Locator("acme/reports", 1): Elsewhere.CLOSED}) == "it is a draft"


@pytest.mark.parametrize(
    ("pull_request", "expected"),
    [
        ({"draft": True}, "it is a draft"),
        ({"labels": ("no-preview", "preview")}, 'it has the label "no-preview"'),
        ({"labels": ("reports",)}, "acme/orders#1 has no preview label"),
        ({"number": 2}, "acme/orders#1 has no preview label"),
    ],
)
def test_a_verdict_that_ends_it(pull_request: dict[str, Any], expected: str) -> None:
    assert reason(make_pull_request(**pull_request)) == expected


def test_a_service_that_the_catalog_no_longer_has() -> None:
    left = {"reports": {"repository": "acme/orders"}}

    assert reason(make_pull_request(1), services=left) == "the catalog no longer has the service orders"
    assert (
        reason(services=left, gone={ONE: Elsewhere.CLOSED}) == "acme/orders#1 was closed"
    )  # whatever the catalog says


def test_a_service_that_moved_to_another_repository() -> None:
    moved = {"orders": {"repository": "acme/shop"}, "reports": {"repository": "acme/orders"}}

    assert reason(make_pull_request(1), services=moved) == "the catalog moved orders from acme/orders to acme/shop"


def test_a_changed_prefix_gives_another_environment() -> None:
    assert reason(make_pull_request(1), prefix="env") == (
        "its name is now env-orders-1, which is a different environment"
    )


def test_a_changed_profile_may_belong_to_another_application_set() -> None:
    frontend = SERVICES | {"orders": {"profile": "frontend"}}

    assert reason(make_pull_request(1), services=frontend) == (
        "its profile is now frontend, so a different ApplicationSet may ask for it"
    )


def test_a_service_that_lost_its_profile() -> None:
    without = SERVICES | {"orders": {"profile": None}}

    assert reason(make_pull_request(1), services=without) == (
        "the catalog no longer gives orders a profile, so the ApplicationSet previews leaves it out"
    )


def test_a_reason_is_one_bounded_line() -> None:
    label = "x" * 250 + "\n\u202e" + "y" * 100
    skipped = reason(
        make_pull_request(1, labels=("preview", label)), services={"orders": {"labels": {"skip": [label]}}}
    )

    assert len(skipped) == 300
    assert skipped.isprintable()
