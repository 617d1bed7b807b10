import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from plugin.core.references import Locator
from plugin.errors import NotReady
from tests.builders import MONDAY, make_look_up, make_pull_request
from tests.stage import Stage

LINK = "version: 1\ndependencies: {payments: pr:9}"
THREE: dict[str, dict[str, Any]] = {"orders": {"depends_on": ["payments", "users"]}, "payments": {}, "users": {}}


def reasons(stage: Stage) -> list[str]:
    _, current = stage.mirror.current()
    return [dependency.reason for preview in current.previews for dependency in preview.dependencies]


def not_ready(stage: Stage) -> str:
    with pytest.raises(NotReady) as error:
        stage.mirror.current()
    return str(error.value)


def test_until_everything_was_read_once_nothing_is_answered_and_the_missing_repositories_are_named(
    stage: Stage,
) -> None:
    assert not_ready(stage) == "these repositories have never been read: acme/orders, acme/payments"

    del stage.source.listed["acme/payments"]
    stage.mirror.refresh()
    assert not_ready(stage) == "these repositories have never been read: acme/payments"

    stage.source.listed = {"acme/payments": [make_pull_request(title="Refunds")]}
    stage.mirror.refresh()
    assert stage.titles() == {"acme/orders": [], "acme/payments": ["Refunds"]}


def test_a_doubtful_repository_stays_as_it_was_while_the_others_move_on(stage: Stage) -> None:
    stage.source.listed = {
        "acme/orders": [make_pull_request(title="a")],
        "acme/payments": [make_pull_request(title="b")],
    }
    stage.mirror.refresh()
    stage.source.listed = {"acme/orders": [make_pull_request(title="a2")]}
    stage.mirror.refresh()

    assert stage.titles() == {"acme/orders": ["a2"], "acme/payments": ["b"]}
    assert stage.known().snapshot.doubts == {"acme/payments": "no answer"}

    stage.source.listed["acme/payments"] = [make_pull_request(title="b2")]
    stage.mirror.refresh()
    assert stage.titles() == {"acme/orders": ["a2"], "acme/payments": ["b2"]}
    assert stage.known().snapshot.doubts == {}


def test_with_the_whole_source_gone_everything_stays(stage: Stage) -> None:
    stage.source.listed["acme/orders"] = [make_pull_request(title="a", config=LINK)]
    stage.source.elsewhere = {Locator("acme/payments", 9): make_look_up("merged")}
    stage.mirror.refresh()
    before = stage.known()
    stage.source.listed, stage.source.elsewhere = {}, {}
    stage.mirror.refresh()

    assert stage.known() == before
    assert reasons(stage) == ["acme/payments#9 was merged"]


def test_a_reading_is_as_old_as_the_oldest_repository_in_it(stage: Stage) -> None:
    stage.mirror.refresh()
    first = stage.known().snapshot.oldest_reading
    del stage.source.listed["acme/payments"]
    stage.mirror.refresh()

    assert first
    assert stage.known().snapshot.oldest_reading == first
    stage.source.listed["acme/payments"] = []
    stage.mirror.refresh()
    assert stage.known().snapshot.oldest_reading == first + timedelta(seconds=6)


def test_a_catalog_that_adds_a_repository_takes_effect_once_that_was_read(stage: Stage) -> None:
    stage.mirror.refresh()
    stage.write_catalog(THREE)
    stage.source.listed["acme/orders"] = [make_pull_request(title="moves on")]
    stage.mirror.refresh()
    assert stage.titles() == {"acme/orders": ["moves on"], "acme/payments": []}

    stage.source.listed["acme/users"] = [make_pull_request(title="new")]
    stage.mirror.refresh()
    assert stage.titles() == {"acme/orders": ["moves on"], "acme/payments": [], "acme/users": ["new"]}


def test_while_a_new_catalog_waits_files_are_judged_by_the_one_in_force(stage: Stage) -> None:
    stage.source.listed["acme/orders"] = [make_pull_request(1, config=LINK)]
    stage.source.elsewhere = {Locator("acme/payments", 9): make_look_up("closed")}
    stage.mirror.refresh()
    stage.write_catalog(THREE)
    early = make_pull_request(1, config="version: 1\ndependencies: {users: staging}")
    stage.source.listed["acme/orders"] = [early]
    stage.mirror.refresh()

    assert reasons(stage) == ["acme/payments#9 was closed"]  # the last good file links to it


def test_a_changed_label_takes_effect_once_a_listing_was_made_by_it(stage: Stage) -> None:
    stage.mirror.refresh()
    stage.write_catalog({"orders": {"labels": {"require": ["env"]}}, "payments": {}})
    in_force = stage.mirror.current()[0]
    del stage.source.listed["acme/orders"]
    stage.mirror.refresh()
    assert stage.mirror.current()[0] is in_force

    stage.source.listed["acme/orders"] = []
    stage.mirror.refresh()
    assert stage.mirror.current()[0].services["orders"].policy.require == ("env",)

    stage.mirror.refresh()
    both, only = {"env", "preview"}, {"env"}
    assert [asked["acme/orders"] for asked in stage.source.asked] == [{"preview"}, both, both, only]


def test_a_broken_catalog_is_refused_and_the_old_one_stays_in_force(stage: Stage) -> None:
    stage.mirror.refresh()
    good, in_force = stage.path.read_text("utf-8"), stage.mirror.current()[0]
    stage.path.write_text("version: 2\n" + good.replace('"version": 1,', ""), "utf-8")
    stage.mirror.refresh()
    stage.mirror.refresh()

    assert stage.mirror.current()[0] is in_force
    assert [bool(report.catalog_error) for report in stage.reports] == [False, True, True]
    stage.path.write_text(good, "utf-8")
    assert stage.mirror.refresh().catalog_error == ""


def test_removing_a_repository_that_was_never_read_ends_the_wait(stage: Stage) -> None:
    del stage.source.listed["acme/payments"]
    stage.mirror.refresh()
    assert not_ready(stage) == "these repositories have never been read: acme/payments"

    stage.write_catalog({"orders": {}})
    stage.mirror.refresh()
    assert stage.titles() == {"acme/orders": []}


def test_a_removed_repository_is_neither_read_nor_kept(stage: Stage) -> None:
    stage.mirror.refresh()
    stage.write_catalog({"orders": {}})
    stage.mirror.refresh()
    stage.mirror.refresh()

    assert stage.titles() == {"acme/orders": []}
    assert list(stage.known().snapshot.repositories) == ["acme/orders"]
    assert list(stage.source.asked[-1]) == ["acme/orders"]


def test_an_older_state_of_a_pull_request_is_discarded(stage: Stage) -> None:
    stage.source.listed["acme/orders"] = [make_pull_request(title="new", updated_at=MONDAY)]
    stage.mirror.refresh()
    stage.source.listed["acme/orders"] = [make_pull_request(title="old", updated_at=MONDAY - timedelta(minutes=1))]
    report = stage.mirror.refresh()

    assert stage.titles()["acme/orders"] == ["new"]
    assert not report.changed


def test_the_version_grows_when_something_changes_and_only_then(stage: Stage) -> None:
    versions = []

    def refresh() -> None:
        stage.mirror.refresh()
        versions.append(stage.known().head.version)

    refresh()
    refresh()
    stage.source.listed["acme/orders"] = [make_pull_request(config=LINK)]
    refresh()
    refresh()
    del stage.source.listed["acme/payments"]  # only doubtful
    refresh()
    stage.source.listed["acme/payments"] = []
    stage.source.elsewhere = {Locator("acme/payments", 9): make_look_up("merged")}
    refresh()
    stage.write_catalog({"orders": {"depends_on": ["payments"], "port": 9000}, "payments": {}})
    refresh()
    refresh()

    assert versions == [1, 1, 2, 2, 2, 3, 4, 4]


def test_what_was_looked_up_is_kept_until_it_is_known_better(stage: Stage) -> None:
    target = Locator("acme/payments", 9)
    stage.source.listed["acme/orders"] = [make_pull_request(config=LINK)]
    told = []
    for elsewhere in ({}, {target: make_look_up()}, {}, {target: make_look_up("merged")}):
        stage.source.elsewhere = elsewhere
        stage.mirror.refresh()
        assert stage.known().snapshot.doubts == {}
        told += reasons(stage)

    assert told == [
        "acme/payments#9 could not be looked up yet",
        "acme/payments#9 has no preview label",
        "acme/payments#9 has no preview label",
        "acme/payments#9 was merged",
    ]


def test_each_refresh_reports_what_it_did(stage: Stage) -> None:
    stage.source.listed = {"acme/orders": [make_pull_request(1), make_pull_request(2)]}
    stage.mirror.refresh()
    stage.source.usage.remaining = 4321
    stage.mirror.refresh()

    report = stage.reports[1]
    assert report.current.known.snapshot.doubts == {"acme/payments": "no answer"}
    assert (report.requests, report.points, report.points_left) == (2, 1, 4321)
    assert (report.changed, report.failure, report.catalog_error) == (False, "", "")


def test_it_refreshes_until_told_to_stop(stage: Stage) -> None:
    stop = threading.Event()
    reads = stage.source.read
    done = threading.Event()

    def read(wanted: Any) -> Any:
        if len(stage.source.asked) == 3:
            done.set()
            stop.set()
        return reads(wanted)

    stage.source.read = read  # type: ignore[method-assign]
    thread = threading.Thread(target=stage.mirror.run, args=(timedelta(milliseconds=1), stop))
    thread.start()
    thread.join(10)

    assert done.is_set()
    assert not thread.is_alive()
    assert len(stage.source.asked) == 4


def test_an_error_that_nobody_foresaw_ends_neither_the_refreshing_nor_what_is_known(
    stage: Stage,
) -> None:
    stage.source.listed["acme/orders"] = [make_pull_request(title="known")]
    stage.mirror.refresh()
    reads, stop = stage.source.read, threading.Event()

    def read(wanted: Any) -> Any:
        if len(stage.source.asked) == 1:
            stage.source.asked.append({})
            raise ZeroDivisionError
        stage.source.listed["acme/orders"] = [make_pull_request(title="moved on")]
        stop.set()
        return reads(wanted)

    stage.source.read = read  # type: ignore[method-assign]
    with capture_logs() as logs:
        stage.mirror.run(timedelta(milliseconds=1), stop)

    assert stage.reports[1].current.known.snapshot.doubts.keys() == {
        "acme/orders",
        "acme/payments",
    }  # so everybody sees it
    assert stage.titles()["acme/orders"] == ["moved on"]
    assert [(log["event"], repr(log["exc_info"])) for log in logs] == [("the refresh failed", "ZeroDivisionError()")]


def test_requests_that_wait_for_the_first_refresh_go_on_when_it_fails(stage: Stage) -> None:
    def read(wanted: Any) -> Any:  # noqa: ARG001  as the source's
        raise ZeroDivisionError

    stage.source.read = read  # type: ignore[method-assign]
    stage.mirror.refresh()
    started = time.monotonic()
    stage.mirror.wait_for_first_refresh()

    assert time.monotonic() - started < 5


def test_one_refresh_runs_at_a_time(stage: Stage) -> None:
    running, most = [], []
    reads = stage.source.read

    def read(wanted: Any) -> Any:
        running.append(1)
        most.append(len(running))
        threading.Event().wait(0.01)
        running.pop()
        return reads(wanted)

    stage.source.read = read  # type: ignore[method-assign]
    threads = [threading.Thread(target=stage.mirror.refresh) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert most == [1] * 5
