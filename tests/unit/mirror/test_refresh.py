import threading
from datetime import timedelta
from typing import Any

import pytest

from plugin.core.config.references import Locator
from plugin.errors import NotReady
from tests.builders import MONDAY, make_look_up, make_pull_request
from tests.stage import Stage
from tests.unit.mirror.scenario import TEN, begin, edit, held, keys, listing, names, reasons

LINK = "version: 1\ndependencies: {payments: pr:9}"
TARGET = Locator("acme/payments", 9)

# What is read is stored


def test_a_doubtful_repository_stays_while_the_others_move_on(stage: Stage) -> None:
    stage.source.listed = {"acme/orders": listing(1, title="a"), "acme/payments": listing(1, title="b")}
    stage.refresh()
    stage.source.listed = {"acme/orders": listing(1, title="a2")}
    stage.refresh()

    assert stage.titles() == {"acme/orders": ["a2"], "acme/payments": ["b"]}
    assert stage.known().snapshot.doubts == {"acme/payments": "no answer"}

    stage.source.listed["acme/payments"] = listing(1, title="b2")
    stage.refresh()
    assert stage.titles() == {"acme/orders": ["a2"], "acme/payments": ["b2"]}
    assert stage.known().snapshot.doubts == {}


def test_everything_stays_while_the_whole_source_is_gone(stage: Stage) -> None:
    stage.source.listed["acme/orders"] = listing(1, config=LINK)
    stage.source.elsewhere = {TARGET: make_look_up("merged")}
    stage.refresh()
    before = stage.known()
    stage.source.listed, stage.source.elsewhere = {}, {}
    stage.refresh()

    assert stage.known() == before
    assert reasons(stage) == ["acme/payments#9 was merged"]


def test_a_snapshot_is_as_old_as_its_oldest_reading(stage: Stage) -> None:
    stage.refresh()
    first = stage.known().snapshot.oldest_reading
    del stage.source.listed["acme/payments"]
    stage.refresh()

    assert first
    assert stage.known().snapshot.oldest_reading == first
    stage.source.listed["acme/payments"] = []
    stage.refresh()
    assert stage.known().snapshot.oldest_reading == first + timedelta(seconds=2)


def test_an_older_state_of_a_pull_request_is_discarded(stage: Stage) -> None:
    stage.source.listed["acme/orders"] = listing(1, title="new", updated_at=MONDAY)
    stage.refresh()
    stage.source.listed["acme/orders"] = listing(1, title="old", updated_at=MONDAY - timedelta(minutes=1))
    report = stage.refresh()

    assert stage.titles()["acme/orders"] == ["new"]
    assert not report.changed


def test_a_looked_up_target_is_kept_until_it_is_known_better(stage: Stage) -> None:
    stage.source.listed["acme/orders"] = listing(1, config=LINK)
    told = []
    for elsewhere in ({}, {TARGET: make_look_up()}, {}, {TARGET: make_look_up("merged")}):
        stage.source.elsewhere = elsewhere
        stage.refresh()
        assert stage.known().snapshot.doubts == {}
        told += reasons(stage)

    assert told == [
        "acme/payments#9 could not be looked up yet",
        "acme/payments#9 has no preview label",
        "acme/payments#9 has no preview label",
        "acme/payments#9 was merged",
    ]


def test_the_version_grows_only_when_something_changes(stage: Stage) -> None:
    versions = []

    def refresh() -> None:
        stage.refresh()
        versions.append(stage.known().head.version)

    refresh()
    refresh()
    stage.source.listed["acme/orders"] = listing(1, config=LINK)
    refresh()
    refresh()
    del stage.source.listed["acme/payments"]  # only doubtful
    refresh()
    stage.source.listed["acme/payments"] = []
    stage.source.elsewhere = {TARGET: make_look_up("merged")}
    refresh()
    stage.write_catalog({"orders": {"depends_on": ["payments"], "port": 9000}, "payments": {}})
    refresh()
    refresh()

    assert versions == [1, 1, 2, 2, 2, 3, 4, 4]


def test_the_version_stays_while_a_repository_was_never_read(stage: Stage) -> None:
    del stage.source.listed["acme/payments"]

    assert [stage.refresh().current.known.head.version for _ in range(3)] == [1, 1, 1]


def test_the_version_stays_while_the_breaker_holds(stage: Stage) -> None:
    begin(stage)
    edit(stage, {"payments": {}})
    version = stage.known().head.version
    for _ in range(3):
        stage.refresh()

    assert held(stage) == keys(*TEN)
    assert stage.known().head.version == version


# Several at once


def test_one_refresh_runs_at_a_time(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, reads = [], [], stage.source.read

    def read(wanted: Any) -> Any:
        running.append(1)
        most.append(len(running))
        threading.Event().wait(0.01)
        running.pop()
        return reads(wanted)

    monkeypatch.setattr(stage.source, "read", read)
    threads = [threading.Thread(target=stage.refresh) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert most == [1] * 5


def test_an_acknowledgement_during_a_refresh_takes_effect_at_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(stage)
    edit(stage, {"payments": {}})
    hold, reads = stage.known().hold, stage.source.read
    assert hold

    def read(wanted: Any) -> Any:
        if not stage.known().acts:
            stage.acknowledge(hold.catalog)
        return reads(wanted)

    monkeypatch.setattr(stage.source, "read", read)
    assert stage.refresh().failure == ""
    assert stage.answer() == []


def test_a_refresh_is_not_repeated_if_another_replica_was_quicker(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.source.listed["acme/orders"] = listing(1)
    stage.refresh()
    other, reads = stage.restarted(), stage.source.read

    def read(wanted: Any) -> Any:
        answer = reads(wanted)
        monkeypatch.undo()
        stage.source.listed["acme/orders"] = listing(1, 2)
        other.refresh()
        return answer

    monkeypatch.setattr(stage.source, "read", read)
    assert stage.refresh().failure == "something newer was stored in the meantime"
    assert len(stage.source.asked) == 3
    assert stage.answer() == names(1, 2)


# Reports


def test_each_refresh_reports_what_it_did(stage: Stage) -> None:
    stage.source.listed = {"acme/orders": listing(1, 2)}
    stage.refresh()
    stage.source.usage.remaining = 4321
    stage.refresh()

    report = stage.reports[1]
    assert report.current.known.snapshot.doubts == {"acme/payments": "no answer"}
    assert (report.requests, report.points, report.points_left) == (2, 1, 4321)
    assert (report.changed, report.failure, report.catalog_error, report.events) == (False, "", "", {})


def test_a_report_is_about_this_refresh_alone(stage: Stage) -> None:
    stage.refresh()
    report = stage.refresh(["acme/orders"])

    assert (report.requests, report.points, report.points_left) == (2, 1, None)
    assert timedelta(0) <= report.duration < timedelta(minutes=1)
    assert stage.source.asked[-1].keys() == {"acme/orders"}


def test_a_report_has_the_new_events_and_not_the_old_ones(stage: Stage) -> None:
    stage.source.listed["acme/orders"] = listing(1)
    assert stage.refresh().events.keys() == {"orders/1"}
    stage.source.listed["acme/orders"] = listing(1, 2)
    report = stage.refresh()

    assert {key: [event.kind for event in events] for key, events in report.events.items()} == {"orders/2": ["created"]}
    assert report.current.known.histories.keys() == {"orders/1", "orders/2"}
    assert stage.refresh().events == {}


def test_a_report_says_whether_an_answer_may_have_changed(stage: Stage) -> None:
    stage.refresh()
    stage.source.listed["acme/orders"] = listing(1, labels=())
    assert not stage.refresh().changed  # it has no preview
    stage.source.listed["acme/orders"] = listing(1, updated_at=MONDAY + timedelta(seconds=1))
    assert stage.refresh().changed
    assert not stage.refresh().changed


def test_a_hold_changes_no_answer_but_its_end_does(stage: Stage) -> None:
    begin(stage)
    stage.write_catalog({"payments": {}})
    assert not stage.refresh().changed
    stage.source.listed["acme/payments"] = [make_pull_request(1)]
    assert not stage.refresh().changed
    hold = stage.known().hold
    assert hold
    stage.acknowledge(hold.catalog)
    assert stage.refresh().changed
    assert stage.answer() == ["preview-payments-1"]


def test_doubts_alone_are_a_failure_and_leave_the_age(stage: Stage) -> None:
    stage.refresh()
    fresh_at = stage.known().head.fresh_at
    stage.source.listed = {}

    assert stage.refresh().failure == "nothing could be read"
    assert stage.known().head.fresh_at == fresh_at
    assert fresh_at
    stage.source.listed = {"acme/payments": []}
    assert stage.refresh().failure == ""
    assert stage.known().head.fresh_at > fresh_at  # type: ignore[operator]


def test_nothing_is_answered_before_everything_was_read_once(stage: Stage) -> None:
    del stage.source.listed["acme/payments"]
    stage.refresh()
    with pytest.raises(NotReady, match=r"^these repositories have never been read: acme/payments$"):
        stage.current()

    stage.source.listed = {"acme/payments": listing(1, title="Refunds")}
    stage.refresh()
    assert stage.titles() == {"acme/orders": [], "acme/payments": ["Refunds"]}
