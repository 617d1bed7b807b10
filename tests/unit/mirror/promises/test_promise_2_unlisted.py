"""Promise 2: a pull request that a listing leaves out is looked up by number before its preview leaves."""

from datetime import timedelta

from plugin.core.config.references import Locator
from tests.builders import MONDAY, make_pull_request
from tests.stage import Stage
from tests.unit.mirror.scenario import (
    TEN,
    begin,
    confirm,
    confirm_open,
    history,
    listing,
    names,
)

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
FORTY = range(1, 41)


def test_an_empty_listing_deletes_nothing_before_look_ups(stage: Stage) -> None:
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


def test_a_missing_pull_request_leaves_after_an_hour(stage: Stage) -> None:
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
        "it is no longer listed, but the look-up is older than what was seen before"
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


def test_two_of_forty_missing_from_a_short_listing_stay(stage: Stage) -> None:
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


def test_a_repository_written_in_another_case_keeps_what_is_live_or_held(stage: Stage) -> None:
    begin(stage)
    stage.source.listed["acme/orders"] = listing(*range(2, 11))
    stage.refresh()
    stage.write_catalog({"orders": {"repository": "ACME/Orders"}, "payments": {}})
    stage.source.listed["ACME/Orders"] = [
        make_pull_request(2, labels=("other",), updated_at=MONDAY + MINUTE),
        *listing(*range(3, 11)),
    ]
    for _ in range(2):
        stage.refresh()
        assert stage.answer() == names(*TEN)
        assert not stage.known().hold
        assert stage.current().in_doubt.keys() == {"orders/1", "orders/2"}
    assert stage.catalog().repositories.keys() == {"ACME/Orders", "acme/payments"}


def test_an_edit_is_held_although_it_also_writes_a_repository_in_another_case(stage: Stage) -> None:
    begin(stage)
    stage.source.listed["ACME/Orders"] = stage.source.listed["acme/orders"]
    stage.write_catalog({"orders": {"repository": "ACME/Orders", "labels": {"require": ["other"]}}, "payments": {}})
    stage.refresh()

    hold = stage.known().hold
    assert hold
    assert hold.departures["orders/1"] == "acme/orders#1 has no preview label"
    assert stage.answer() == names(*TEN)
