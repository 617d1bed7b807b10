"""Promise 2: facts that would end a live preview are confirmed by number first, whatever the threshold."""

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
    confirm,
    confirm_open,
    edit,
    held,
    history,
    listing,
    names,
)

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
FORTY = range(1, 41)

# A listing that leaves pull requests out


def test_a_listing_that_lost_everything_deletes_nothing_before_each_look_up(stage: Stage) -> None:
    begin(stage)
    stage.source.listed["acme/orders"] = []
    for number in TEN:
        stage.refresh()
        assert stage.answer() == names(*range(number, 11))
        confirm(stage, number)
    stage.refresh()
    assert stage.answer() == []


def test_one_unlisted_pull_request_is_looked_up_whatever_the_threshold(stage: Stage) -> None:
    begin(stage)
    stage.source.listed["acme/orders"] = listing(*range(2, 11))
    stage.refresh()

    assert stage.source.looked_up == [Locator("acme/orders", 1)]
    assert stage.answer() == names(*TEN)
    assert stage.current().in_doubt == {"orders/1": "it is no longer listed, and could not be looked up"}


def test_a_missing_pull_request_leaves_after_an_hour_of_the_sources_clock(stage: Stage) -> None:
    begin(stage)
    stage.source.listed["acme/orders"] = listing(*range(2, 11))
    theirs = MONDAY
    for ours in (9 * HOUR, -20 * HOUR, 9 * HOUR):
        confirm(stage, 1, state="missing", answered_at=theirs)
        theirs += 29 * MINUTE
        stage.clock.now += ours
        stage.refresh()
        assert "preview-orders-1" in stage.answer()
    confirm(stage, 1, state="missing", answered_at=MONDAY + HOUR)
    stage.refresh()
    assert stage.answer() == names(*range(2, 11))


def test_a_look_up_from_before_the_last_reading_deletes_nothing(stage: Stage) -> None:
    begin(stage)
    stage.source.listed["acme/orders"] = []
    confirm(stage, *TEN, updated_at=MONDAY - MINUTE)
    stage.refresh()

    assert stage.answer() == names(*TEN)
    assert set(stage.current().moment.held.values()) == {
        "it is no longer listed, but the answer about it is older than one before"
    }


def test_an_unsettled_look_up_of_the_same_moment_deletes_nothing(stage: Stage) -> None:
    begin(stage)
    stage.source.listed["acme/orders"] = []
    confirm(stage, *TEN, settled=False)
    stage.refresh()
    assert stage.answer() == names(*TEN)

    confirm(stage, *TEN)
    stage.refresh()
    assert stage.answer() == []


def test_a_held_pull_request_stays_while_its_repository_is_doubtful(stage: Stage) -> None:
    begin(stage)
    stage.source.listed["acme/orders"] = []
    stage.refresh()
    confirm(stage, *TEN)
    del stage.source.listed["acme/orders"]
    stage = stage.restarted()
    stage.refresh()
    assert stage.answer() == names(*TEN)

    stage.source.listed["acme/orders"] = []
    stage.refresh()
    assert stage.answer() == []


def test_two_of_forty_that_a_short_listing_leaves_out_stay(stage: Stage) -> None:
    stage.source.listed["acme/orders"] = listing(*FORTY)
    stage.refresh()
    stage.source.listed["acme/orders"] = listing(*range(3, 41))
    stage.refresh()
    assert stage.answer() == names(*FORTY)

    confirm_open(stage, 1, 2)
    stage.refresh()
    assert stage.answer() == names(*FORTY)


def test_forty_that_were_closed_at_once_leave_without_acknowledgement(stage: Stage) -> None:
    stage.source.listed["acme/orders"] = listing(*FORTY)
    stage.refresh()
    stage.source.listed["acme/orders"] = []
    confirm(stage, *FORTY, state="merged")
    stage.refresh()

    assert stage.answer() == []
    assert stage.known().hold is None
    assert history(stage, "orders/40")[-1] == ("gone", "acme/orders#40 was merged")


# A listing that shows other facts


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


def test_each_confirmed_draft_leaves_although_others_are_not_confirmed(strict: Stage) -> None:
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


def test_a_flip_back_and_forth_between_listing_and_look_up_ends_nothing(strict: Stage) -> None:
    for draft in (True, False, True, False, True):
        strict.source.listed["acme/orders"] = flipped(1, draft=draft)
        confirm_open(strict, 1, draft=False)
        strict.refresh()
        assert strict.answer() == names(*FORTY)


def test_a_draft_that_returns_before_it_was_confirmed_is_in_doubt_no_more(stage: Stage) -> None:
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


# Links agree with answers


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


def test_an_unconfirmed_preview_that_calls_one_which_left_goes_to_staging(calling: Stage) -> None:
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
