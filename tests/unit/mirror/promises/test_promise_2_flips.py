"""Promise 2: other labels, a draft flag, a base branch or a fork count only once they are confirmed by number."""

from datetime import timedelta
from typing import Any

import pytest

from plugin.core.config.references import Locator
from plugin.core.facts.model import PullRequest
from tests.builders import MONDAY, make_pull_request
from tests.stage import Stage
from tests.unit.mirror.scenario import (
    TEN,
    WITHOUT_DRAFTS,
    begin,
    confirm_open,
    edit,
    held,
    history,
    listing,
    names,
)

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
FORTY = range(1, 41)


FLIPS: dict[str, dict[str, Any]] = {
    "draft": {"draft": True},
    "label removed": {"labels": ("bug",)},
    "skip label": {"labels": ("preview", "no-preview")},
    "base branch": {"target_branch": "experiment"},
    "fork": {"fork": True},
}
STRICT: dict[str, dict[str, Any]] = {
    "orders": {"drafts": False, "labels": {"skip": ["no-preview"]}, "target_branches": ["main"]},
    "payments": {},
}


@pytest.fixture(name="strict")
def _strict(stage: Stage) -> Stage:
    """Forty live previews of a catalog with every rule."""
    stage.write_catalog(STRICT)
    stage.source.listed["acme/orders"] = listing(*FORTY)
    stage.refresh()
    assert stage.answer() == names(*FORTY)
    return stage


def flipped(*numbers: int, **flip: Any) -> list[PullRequest]:
    return [make_pull_request(number, **(flip if number in numbers else {})) for number in FORTY]


@pytest.mark.parametrize("flip", FLIPS.values(), ids=FLIPS)
class TestFlippedFacts:
    def test_two_of_forty_stay_until_the_listing_is_right_again(self, strict: Stage, flip: dict[str, Any]) -> None:
        strict.source.listed["acme/orders"] = flipped(1, 2, **flip)
        for elsewhere in ("fails", "open"):
            if elsewhere == "open":
                confirm_open(strict, 1, 2)
            strict.refresh()
            assert strict.answer() == names(*FORTY)
            assert strict.answer(services=["orders"]) == names(*FORTY)

        strict.source.listed["acme/orders"] = listing(*FORTY)
        strict.refresh()
        assert strict.answer() == names(*FORTY)
        assert strict.current().in_doubt == {}

    def test_an_unconfirmed_flip_is_a_doubt_about_that_pull_request(self, strict: Stage, flip: dict[str, Any]) -> None:
        strict.source.listed["acme/orders"] = flipped(1, 2, **flip)
        strict.refresh()

        assert strict.current().in_doubt.keys() == {"orders/1", "orders/2"}
        assert strict.known().snapshot.doubts == {}
        assert held(strict) == []
        assert strict.source.looked_up == [Locator("acme/orders", 1), Locator("acme/orders", 2)]

    def test_a_flip_freezes_only_its_pull_request_and_nobody_elses_push(
        self, strict: Stage, flip: dict[str, Any]
    ) -> None:
        pushed = "f" * 40
        strict.source.listed["acme/orders"] = [
            make_pull_request(number, head_sha=pushed, **(flip if number <= 10 else {})) for number in range(1, 42)
        ]
        strict.refresh()

        assert strict.answer() == names(*range(1, 42))  # the new one is there too
        heads = {preview.key: preview.pull_request.head_sha for preview in strict.current().previews}
        assert [key for key, head in heads.items() if head != pushed] == [f"orders/{number}" for number in range(1, 11)]

    def test_a_flip_during_a_hold_survives_the_undoing_of_the_edit(self, strict: Stage, flip: dict[str, Any]) -> None:
        edit(strict, {"payments": {}})
        strict.source.listed["acme/orders"] = flipped(1, 2, **flip)
        for _ in range(2):
            strict.refresh()
            assert strict.answer() == names(*FORTY)
        edit(strict, STRICT)

        assert strict.known().hold is None
        assert strict.answer() == names(*FORTY)

    def test_an_acknowledged_edit_does_not_excuse_a_flip(self, strict: Stage, flip: dict[str, Any]) -> None:
        ended = {**STRICT, "orders": {**STRICT["orders"], "labels": {"skip": ["no-preview", "old"]}}}
        strict.source.listed["acme/orders"] = [
            make_pull_request(number, labels=("preview", "old") if number > 20 else ("preview",)) for number in FORTY
        ]
        confirm_open(strict, *range(21, 41), labels=frozenset({"preview", "old"}))
        strict.refresh()
        edit(strict, ended)
        hold = strict.known().hold
        assert hold
        strict.acknowledge(hold.catalog)
        strict.source.listed["acme/orders"] = [
            make_pull_request(number, **(flip if number <= 20 else {"labels": ("preview", "old")})) for number in FORTY
        ]
        strict.refresh()

        assert strict.answer() == names(*range(1, 21))

    def test_a_flip_in_the_refresh_that_brings_an_edit_stays(self, strict: Stage, flip: dict[str, Any]) -> None:
        strict.source.listed["acme/orders"] = flipped(1, 2, **flip)
        edit(strict, {**STRICT, "payments": {"port": 9}})

        assert strict.answer() == names(*FORTY)
        assert strict.known().hold is None


@pytest.mark.parametrize(
    ("confirmed", "reason"),
    [
        ({"draft": True}, "it is a draft"),
        ({"labels": frozenset({"preview", "No-Preview"})}, 'it has the label "no-preview"'),
        ({"target_branch": "experiment"}, 'its base branch "experiment" gets no previews'),
        ({"labels": frozenset({"bug"})}, "acme/orders#1 has no preview label"),
    ],
)
def test_a_confirmed_flip_ends_the_preview_with_its_reason(
    strict: Stage, confirmed: dict[str, Any], reason: str
) -> None:
    shown = confirmed | ({"labels": tuple(confirmed["labels"])} if "labels" in confirmed else {})
    strict.source.listed["acme/orders"] = flipped(1, **shown)
    confirm_open(strict, 1, **confirmed)
    strict.refresh()

    assert strict.answer() == names(*range(2, 41))
    assert history(strict, "orders/1")[-1] == ("gone", reason)


def test_forty_confirmed_drafts_leave_at_once_without_acknowledgement(strict: Stage) -> None:
    strict.source.listed["acme/orders"] = flipped(*FORTY, draft=True)
    confirm_open(strict, *FORTY, draft=True)
    strict.refresh()

    assert strict.answer() == []
    assert strict.known().hold is None


def test_confirmed_drafts_leave_while_others_are_unconfirmed(strict: Stage) -> None:
    strict.source.listed["acme/orders"] = flipped(*FORTY, draft=True)
    confirm_open(strict, *range(1, 40), draft=True)
    strict.refresh()
    assert strict.answer() == names(40)

    confirm_open(strict, 40, draft=True)
    strict.refresh()
    assert strict.answer() == []


def test_the_look_up_counts_where_it_differs_from_the_listing(strict: Stage) -> None:
    strict.source.listed["acme/orders"] = flipped(1, draft=True)
    confirm_open(strict, 1, labels=frozenset({"preview", "bug"}), updated_at=MONDAY + MINUTE)
    strict.refresh()

    assert strict.answer() == names(*FORTY)  # it is no draft, and one label more ends nothing
    (known,) = [each for each in strict.known().snapshot.repositories["acme/orders"].pull_requests if each.number == 1]
    assert (known.draft, set(known.labels)) == (False, {"preview", "bug"})


def test_a_flip_and_back_before_the_look_up_ends_nothing(strict: Stage) -> None:
    for draft in (True, False, True, False, True):
        strict.source.listed["acme/orders"] = flipped(1, draft=draft)
        confirm_open(strict, 1, draft=False)
        strict.refresh()
        assert strict.answer() == names(*FORTY)


def test_a_draft_that_returns_unconfirmed_is_no_longer_in_doubt(stage: Stage) -> None:
    edit(stage, WITHOUT_DRAFTS)
    begin(stage)
    stage.source.listed["acme/orders"] = listing(*TEN, draft=True)
    stage.refresh()
    stage.source.listed["acme/orders"] = [*listing(1), *listing(*range(2, 11), draft=True)]
    stage.refresh()

    assert stage.answer() == names(*TEN)
    assert "orders/1" not in stage.current().in_doubt
    assert len(stage.current().in_doubt) == 9


def test_a_pull_request_that_is_not_live_needs_no_look_up(stage: Stage) -> None:
    edit(stage, WITHOUT_DRAFTS)
    stage.source.listed["acme/orders"] = listing(1, draft=True)
    stage.refresh()
    stage.source.listed["acme/orders"] = listing(1, draft=True, labels=("preview", "bug"))
    stage.refresh()
    stage.source.listed["acme/orders"] = listing(1)
    stage.refresh()

    assert stage.source.looked_up == []
    assert stage.answer() == names(1)
