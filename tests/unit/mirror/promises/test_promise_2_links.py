"""Promise 2: links agree with answers, even while something is unconfirmed."""

from datetime import timedelta

import pytest

from plugin.core.facts.model import PullRequest
from tests.stage import Stage
from tests.unit.mirror.scenario import (
    WITHOUT_DRAFTS,
    confirm,
    confirm_open,
    edit,
    listing,
    names,
)

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
FORTY = range(1, 41)


def linked(stage: Stage, number: int = 1) -> tuple[str, str]:
    """Return where the call of orders to payments goes, and why."""
    (preview,) = [each for each in stage.current().previews if each.key == f"orders/{number}"]
    (dependency,) = preview.dependencies
    return dependency.target, dependency.reason


@pytest.fixture(name="calling")
def _calling(stage: Stage) -> Stage:
    """orders#1 calls payments#9, and both are live."""
    edit(stage, {**WITHOUT_DRAFTS, "payments": {"drafts": False}})
    stage.source.listed = {
        "acme/orders": listing(1, config="version: 1\ndependencies: {payments: pr:9}"),
        "acme/payments": listing(9),
    }
    stage.refresh()
    assert linked(stage) == ("preview", "acme/payments#9 is live")
    return stage


def test_an_unconfirmed_preview_calls_staging_once_its_target_left(calling: Stage) -> None:
    calling.source.listed["acme/orders"] = listing(1, draft=True, config="version: 1\ndependencies: {payments: pr:9}")
    calling.source.close("acme/payments", 9, "merged")
    calling.refresh()

    assert calling.answer() == names(1)
    assert calling.current().in_doubt.keys() == {"orders/1"}
    assert linked(calling) == ("staging", "acme/payments#9 was merged")
    assert b"preview-payments-9" not in calling.answers.parameters({})


@pytest.mark.parametrize("shown", [[], listing(9, draft=True)], ids=["unlisted", "draft"])
def test_callers_of_an_unconfirmed_preview_still_call_it(calling: Stage, shown: list[PullRequest]) -> None:
    calling.source.listed["acme/payments"] = shown
    for _ in range(2):
        calling.refresh()
        assert calling.answer() == ["preview-orders-1", "preview-payments-9"]
        assert linked(calling) == ("preview", "acme/payments#9 is live")
        calling = calling.restarted()

    confirm(calling, 9, repository="acme/payments")
    calling.refresh()
    assert calling.answer() == ["preview-orders-1"]
    assert linked(calling) == ("staging", "acme/payments#9 was closed")


def test_callers_of_a_confirmed_draft_go_to_staging(calling: Stage) -> None:
    calling.source.listed["acme/payments"] = listing(9, draft=True)
    confirm_open(calling, 9, repository="acme/payments", draft=True)
    calling.refresh()

    assert calling.answer() == ["preview-orders-1"]
    assert linked(calling) == ("staging", "acme/payments#9 is skipped: it is a draft")
