import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from plugin.core.config.references import Locator
from plugin.errors import NotReady, PluginError
from plugin.mirror.catalog import WatchedCatalog
from plugin.mirror.current import waits_for_human
from plugin.mirror.refresh import FIRST_ANSWER, TICK, RefreshReport
from plugin.state import Known, Outdated, Unreachable
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
    stage.refresh()
    assert not_ready(stage) == "these repositories have never been read: acme/payments"

    stage.source.listed = {"acme/payments": [make_pull_request(title="Refunds")]}
    stage.refresh()
    assert stage.titles() == {"acme/orders": [], "acme/payments": ["Refunds"]}


def test_a_doubtful_repository_stays_as_it_was_while_the_others_move_on(stage: Stage) -> None:
    stage.source.listed = {
        "acme/orders": [make_pull_request(title="a")],
        "acme/payments": [make_pull_request(title="b")],
    }
    stage.refresh()
    stage.source.listed = {"acme/orders": [make_pull_request(title="a2")]}
    stage.refresh()

    assert stage.titles() == {"acme/orders": ["a2"], "acme/payments": ["b"]}
    assert stage.known().snapshot.doubts == {"acme/payments": "no answer"}

    stage.source.listed["acme/payments"] = [make_pull_request(title="b2")]
    stage.refresh()
    assert stage.titles() == {"acme/orders": ["a2"], "acme/payments": ["b2"]}
    assert stage.known().snapshot.doubts == {}


def test_with_the_whole_source_gone_everything_stays(stage: Stage) -> None:
    stage.source.listed["acme/orders"] = [make_pull_request(title="a", config=LINK)]
    stage.source.elsewhere = {Locator("acme/payments", 9): make_look_up("merged")}
    stage.refresh()
    before = stage.known()
    stage.source.listed, stage.source.elsewhere = {}, {}
    stage.refresh()

    assert stage.known() == before
    assert reasons(stage) == ["acme/payments#9 was merged"]


def test_a_reading_is_as_old_as_the_oldest_repository_in_it(stage: Stage) -> None:
    stage.refresh()
    first = stage.known().snapshot.oldest_reading
    del stage.source.listed["acme/payments"]
    stage.refresh()

    assert first
    assert stage.known().snapshot.oldest_reading == first
    stage.source.listed["acme/payments"] = []
    stage.refresh()
    assert stage.known().snapshot.oldest_reading == first + timedelta(seconds=4)


def test_a_catalog_that_adds_a_repository_takes_effect_once_that_was_read(stage: Stage) -> None:
    stage.refresh()
    stage.write_catalog(THREE)
    stage.source.listed["acme/orders"] = [make_pull_request(title="moves on")]
    stage.refresh()
    assert stage.titles() == {"acme/orders": ["moves on"], "acme/payments": []}

    stage.source.listed["acme/users"] = [make_pull_request(title="new")]
    stage.refresh()
    assert stage.titles() == {"acme/orders": ["moves on"], "acme/payments": [], "acme/users": ["new"]}


def test_while_a_new_catalog_waits_files_are_judged_by_the_one_in_force(stage: Stage) -> None:
    stage.source.listed["acme/orders"] = [make_pull_request(1, config=LINK)]
    stage.source.elsewhere = {Locator("acme/payments", 9): make_look_up("closed")}
    stage.refresh()
    stage.write_catalog(THREE)
    early = make_pull_request(1, config="version: 1\ndependencies: {users: staging}")
    stage.source.listed["acme/orders"] = [early]
    stage.refresh()

    assert reasons(stage) == ["acme/payments#9 was closed"]  # the last good file links to it


def test_a_changed_label_takes_effect_once_a_listing_was_made_by_it(stage: Stage) -> None:
    stage.refresh()
    stage.write_catalog({"orders": {"labels": {"require": ["env"]}}, "payments": {}})
    in_force = stage.catalog()
    del stage.source.listed["acme/orders"]
    stage.refresh()
    assert stage.catalog() is in_force

    stage.source.listed["acme/orders"] = []
    stage.refresh()
    assert stage.catalog().services["orders"].policy.require == ("env",)

    stage.refresh()
    both, only = {"env", "preview"}, {"env"}
    assert [asked["acme/orders"] for asked in stage.source.asked] == [{"preview"}, both, both, only]


def test_a_broken_catalog_is_refused_and_the_old_one_stays_in_force(stage: Stage) -> None:
    stage.refresh()
    good, in_force = stage.path.read_text("utf-8"), stage.catalog()
    stage.path.write_text("version: 2\n" + good.replace('"version": 1,', ""), "utf-8")
    stage.refresh()
    stage.refresh()

    assert stage.catalog() is in_force
    assert [bool(report.catalog_error) for report in stage.reports] == [False, True, True]
    stage.path.write_text(good, "utf-8")
    assert stage.refresh().catalog_error == ""


def test_a_replica_whose_file_is_older_keeps_the_catalog_that_another_one_put_in_force(
    stage: Stage, tmp_path: Path
) -> None:
    stage.refresh()
    other = stage.beside(tmp_path / "other.yaml")
    other.write_catalog(THREE)
    stage.source.listed["acme/users"] = []
    other.refresh()
    report = stage.refresh()

    assert list(stage.titles()) == ["acme/orders", "acme/payments", "acme/users"]
    assert report.current.known.catalog is other.known().catalog
    assert report.catalog_waits_until
    assert timedelta(minutes=9) < report.catalog_waits_until - stage.clock.now <= timedelta(minutes=10)
    stage.write_catalog(THREE)
    assert stage.refresh().catalog_waits_until is None
    assert stage.refresh(["acme/orders"]).current.known.head.version == other.known().head.version


def test_removing_a_repository_that_was_never_read_ends_the_wait(stage: Stage) -> None:
    del stage.source.listed["acme/payments"]
    stage.refresh()
    assert not_ready(stage) == "these repositories have never been read: acme/payments"

    stage.write_catalog({"orders": {}})
    stage.refresh()
    assert stage.titles() == {"acme/orders": []}


def test_a_removed_repository_is_neither_read_nor_kept(stage: Stage) -> None:
    stage.refresh()
    stage.write_catalog({"orders": {}})
    stage.refresh()
    stage.refresh()

    assert stage.titles() == {"acme/orders": []}
    assert list(stage.known().snapshot.repositories) == ["acme/orders"]
    assert list(stage.source.asked[-1]) == ["acme/orders"]


def test_an_older_state_of_a_pull_request_is_discarded(stage: Stage) -> None:
    stage.source.listed["acme/orders"] = [make_pull_request(title="new", updated_at=MONDAY)]
    stage.refresh()
    stage.source.listed["acme/orders"] = [make_pull_request(title="old", updated_at=MONDAY - timedelta(minutes=1))]
    report = stage.refresh()

    assert stage.titles()["acme/orders"] == ["new"]
    assert not report.changed


def test_the_version_grows_when_something_changes_and_only_then(stage: Stage) -> None:
    versions = []

    def refresh() -> None:
        stage.refresh()
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
        stage.refresh()
        assert stage.known().snapshot.doubts == {}
        told += reasons(stage)

    assert told == [
        "acme/payments#9 could not be looked up yet",
        "acme/payments#9 has no preview label",
        "acme/payments#9 has no preview label",
        "acme/payments#9 was merged",
    ]


def test_an_acknowledgement_during_a_refresh_takes_effect_at_once(stage: Stage) -> None:
    stage.source.listed["acme/orders"] = [make_pull_request(number) for number in range(1, 11)]
    stage.refresh()
    stage.answer()
    stage.write_catalog({"payments": {}})
    stage.refresh()
    assert waits_for_human(stage.known())
    reads, catalog = stage.source.read, stage.known().catalog
    assert catalog

    def read(wanted: Any) -> Any:
        if not stage.known().acknowledged:
            stage.acknowledge(catalog.fingerprint)
        return reads(wanted)

    stage.source.read = read  # type: ignore[method-assign]
    assert stage.refresh().failure == ""
    assert stage.answer() == []


def test_a_refresh_that_another_replica_was_quicker_than_is_not_repeated(stage: Stage) -> None:
    stage.source.listed["acme/orders"] = [make_pull_request(1)]
    stage.refresh()
    other, reads = stage.restarted(), stage.source.read

    def read(wanted: Any) -> Any:
        answer = reads(wanted)
        stage.source.read = reads  # type: ignore[method-assign]
        stage.source.listed["acme/orders"].append(make_pull_request(2))
        other.refresh()
        return answer

    stage.source.read = read  # type: ignore[method-assign]
    assert stage.refresh().failure == "something newer was stored meanwhile"
    assert stage.answer() == ["preview-orders-1", "preview-orders-2"]


def test_each_refresh_reports_what_it_did(stage: Stage) -> None:
    stage.source.listed = {"acme/orders": [make_pull_request(1), make_pull_request(2)]}
    stage.refresh()
    stage.source.usage.remaining = 4321
    stage.refresh()

    report = stage.reports[1]
    assert report.current.known.snapshot.doubts == {"acme/payments": "no answer"}
    assert (report.requests, report.points, report.points_left) == (2, 1, 4321)
    assert (report.changed, report.failure, report.catalog_error) == (False, "", "")


class Stop(threading.Event):
    """Tells a loop to stop: also one that would go on for ever, so that its test fails. Nobody waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.waits: list[float | None] = []

    def is_set(self) -> bool:
        self.looks += 1
        return self.looks > 1000 or super().is_set()

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        return self.is_set()


def run_loop(stage: Stage, stop: Stop) -> None:
    """Let the loop really run, and wait until it has stopped by itself."""
    thread = threading.Thread(target=stage.mirror.run, args=(timedelta(milliseconds=1), stop), daemon=True)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()


def test_it_refreshes_until_told_to_stop(stage: Stage) -> None:
    stop, reads = Stop(), stage.source.read

    def read(wanted: Any) -> Any:
        if len(stage.source.asked) == 3:
            stop.set()
        return reads(wanted)

    stage.source.read = read  # type: ignore[method-assign]
    run_loop(stage, stop)

    assert len(stage.source.asked) == 4
    assert stop.waits == []  # as it does after an error


def test_an_error_that_nobody_foresaw_ends_neither_the_refreshing_nor_what_is_known(
    stage: Stage,
) -> None:
    stage.source.listed["acme/orders"] = [make_pull_request(title="known")]
    stage.refresh()
    reads, stop = stage.source.read, Stop()

    def read(wanted: Any) -> Any:
        if len(stage.source.asked) == 1:
            stage.source.asked.append({})
            raise ZeroDivisionError
        stage.source.listed["acme/orders"] = [make_pull_request(title="moved on")]
        stop.set()
        return reads(wanted)

    stage.source.read = read  # type: ignore[method-assign]
    with capture_logs() as logs:
        run_loop(stage, stop)

    assert stage.reports[1].current.known.snapshot.doubts.keys() == {
        "acme/orders",
        "acme/payments",
    }  # so everybody sees it
    assert stage.titles()["acme/orders"] == ["moved on"]
    assert [(log["event"], repr(log["exc_info"])) for log in logs] == [("the refresh failed", "ZeroDivisionError()")]


def test_a_request_waits_for_the_first_refresh_only_so_long(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(stage.mirror, "_refreshed_once", SimpleNamespace(wait=waits.append))
    stage.mirror.wait_for_first_refresh()

    assert waits == [FIRST_ANSWER]


def test_requests_that_wait_for_the_first_refresh_go_on_when_it_fails(stage: Stage) -> None:
    def read(wanted: Any) -> Any:  # noqa: ARG001  as the source's
        raise ZeroDivisionError

    stage.source.read = read  # type: ignore[method-assign]
    stage.refresh()
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


# What keeps a refresh from counting


def test_a_refresh_without_a_state_reads_nothing_and_the_next_one_works(stage: Stage) -> None:
    stage.source.listed["acme/orders"] = [make_pull_request(1)]
    stage.refresh()
    head = stage.state.store.head
    asked = len(stage.source.asked)

    def vanish() -> Any:
        raise Unreachable("the state cannot be reached")

    stage.state.store.head = vanish  # type: ignore[method-assign]
    stage.source.listed["acme/orders"] = [make_pull_request(1), make_pull_request(2)]
    report = stage.refresh()
    assert (report.failure, report.changed) == ("the state cannot be reached", False)
    assert len(stage.source.asked) == asked
    stage.state.store.head = head  # type: ignore[method-assign]
    assert stage.answer() == ["preview-orders-1"]

    assert stage.refresh().failure == ""
    assert stage.answer() == ["preview-orders-1", "preview-orders-2"]


@pytest.mark.parametrize("error", [Unreachable("the state cannot be reached"), Outdated("something newer was stored")])
def test_what_cannot_be_stored_is_not_answered_and_the_next_refresh_works(stage: Stage, error: PluginError) -> None:
    stage.source.listed["acme/orders"] = [make_pull_request(1)]
    stage.refresh()
    stage.answer()
    save = stage.state.store.save

    def fail(before: Known, after: Known) -> None:  # noqa: ARG001  as the store's
        raise error

    stage.state.store.save = fail  # type: ignore[method-assign]
    stage.source.listed["acme/orders"] = [make_pull_request(1), make_pull_request(2)]
    with capture_logs() as logs:
        report = stage.refresh()
    assert (report.failure, report.changed, logs) == (str(error), False, [])
    assert stage.answer() == ["preview-orders-1"]

    stage.state.store.save = save  # type: ignore[method-assign]
    report = stage.refresh()
    assert (report.failure, report.changed) == ("", True)
    assert stage.answer() == ["preview-orders-1", "preview-orders-2"]


def fail_once(stage: Stage, where: str) -> None:
    """Let something that nobody foresaw happen there, once."""

    def fail(*_: Any, **__: Any) -> Any:
        patch.undo()
        raise ZeroDivisionError

    patch = pytest.MonkeyPatch()
    targets: dict[str, tuple[Any, str]] = {
        "catalog": (WatchedCatalog, "read"),
        "source": (stage.source, "read"),
        "store": (stage.state.store, "save"),
        "load": (stage.state.store, "head"),
    }
    target, name = targets[where]
    patch.setattr(target, name, fail)


@pytest.mark.parametrize("where", ["catalog", "source", "store", "load"])
def test_whatever_nobody_foresaw_is_logged_and_marks_everything_doubtful(stage: Stage, where: str) -> None:
    stage.source.listed["acme/orders"] = [make_pull_request(1)]
    stage.refresh()
    before = stage.known()
    fail_once(stage, where)
    with capture_logs() as logs:
        report = stage.refresh()

    assert report.failure == "the refresh failed; the log says why"
    assert [(log["event"], repr(log["exc_info"])) for log in logs] == [("the refresh failed", "ZeroDivisionError()")]
    assert stage.known() == before
    assert stage.known().head == before.head
    assert stage.known().snapshot.doubts == dict.fromkeys(("acme/orders", "acme/payments"), report.failure)
    assert stage.refresh().failure == ""
    assert stage.known().snapshot.doubts == {}


def test_not_even_a_store_that_always_fails_ends_the_refreshing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(before: Known, after: Known) -> None:  # noqa: ARG001  as the store's
        raise ZeroDivisionError

    monkeypatch.setattr(stage.state.store, "save", fail)
    with capture_logs() as logs:
        report = stage.refresh()

    assert report.failure == "the refresh failed; the log says why"
    assert len(logs) == 1


def test_a_state_that_lost_its_catalog_answers_again_after_the_next_refresh(stage: Stage) -> None:
    stage.source.listed["acme/orders"] = [make_pull_request(1)]
    stage.refresh()
    lacking = replace(stage.known(), catalog=None)
    stage.state.store.save(lacking, lacking)
    again = stage.restarted()

    assert not_ready(again) == "these repositories have never been read: those of a new catalog"
    again.mirror.refresh()
    assert again.answer() == ["preview-orders-1"]


def test_a_state_that_fails_in_a_way_that_nobody_foresaw_ends_no_refreshing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    stage.refresh()
    with monkeypatch.context() as broken:
        broken.setattr(stage.state.store, "save", fail)
        assert stage.refresh().failure == "the refresh failed; the log says why"
    assert stage.refresh().failure == ""


def test_only_doubts_are_a_failure_and_leave_the_age(stage: Stage) -> None:
    assert stage.mirror.age() == timedelta(0)
    stage.refresh()
    fresh_at = stage.known().head.fresh_at
    stage.source.listed = {}
    report = stage.refresh()

    assert report.failure == "nothing could be read"
    assert stage.known().head.fresh_at == fresh_at
    assert fresh_at
    assert stage.mirror.age() == stage.clock.now - fresh_at  # of the clock's last look
    stage.source.listed = {"acme/payments": []}
    assert stage.refresh().failure == ""
    assert stage.known().head.fresh_at > fresh_at  # type: ignore[operator]


def test_a_report_says_whether_an_answer_to_somebody_may_be_another_one(stage: Stage) -> None:
    stage.refresh()
    stage.answer()
    stage.source.listed["acme/orders"] = [make_pull_request(1, labels=())]
    assert not stage.refresh().changed  # it has no preview
    stage.source.listed["acme/orders"] = [make_pull_request(1, updated_at=MONDAY + timedelta(seconds=1))]
    assert stage.refresh().changed
    assert not stage.refresh().changed


def test_a_report_is_of_this_refresh_alone(stage: Stage) -> None:
    stage.refresh()
    report = stage.refresh(["acme/orders"])

    assert (report.requests, report.points, report.points_left) == (2, 1, None)
    assert timedelta(0) <= report.duration < timedelta(minutes=1)
    assert stage.source.asked[-1].keys() == {"acme/orders"}


def test_what_was_given_to_argo_cd_is_told_to_the_others_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr(stage.state.board, "asked", told.append)
    stage.refresh()
    stage.answer()
    stage.answer()
    stage.source.listed["acme/orders"] = [make_pull_request(1)]
    stage.refresh()
    stage.answer()
    assert told == [1, 2]

    def fail(version: int) -> None:
        told.append(version)
        raise Unreachable("the state cannot be reached")

    monkeypatch.setattr(stage.state.board, "asked", fail)
    stage.source.listed["acme/orders"] = []
    stage.refresh()
    assert stage.answer() == stage.answer() == ["preview-orders-1"]  # held: it was not looked up
    assert told == [1, 2, 3, 3]  # not known there yet, so it is said again


# The loop


@dataclass
class Loop:
    """The loop of a mirror, one step for each time it waits; time goes by as the test says."""

    stage: Stage
    monkeypatch: pytest.MonkeyPatch
    interval: timedelta = timedelta(seconds=30)
    now: float = 0.0  # of a machine that has just started
    held: bool = True
    waits: list[float] = field(default_factory=list)
    wakes: int = 0

    def run(self, *steps: Callable[[], None]) -> list[list[str]]:
        """Return which repositories were read before each of these steps and after the last one."""
        todo, stop = list(steps), Stop()
        read: list[list[str]] = []
        seen = len(self.stage.source.asked)

        def wait(seconds: float) -> bool:
            nonlocal seen
            self.waits.append(seconds)
            read.append([name for asked in self.stage.source.asked[seen:] for name in sorted(asked)])
            seen = len(self.stage.source.asked)
            if todo:
                todo.pop(0)()
            else:
                stop.set()
            return True

        def wake() -> None:
            self.wakes += 1

        self.monkeypatch.setattr("plugin.mirror.refresh.time", SimpleNamespace(monotonic=lambda: self.now))
        self.monkeypatch.setattr("plugin.mirror.refresh.random", SimpleNamespace(random=lambda: 0.0))
        self.monkeypatch.setattr(self.stage.mirror, "_hinted", SimpleNamespace(wait=wait, clear=list, set=wake))
        self.monkeypatch.setattr(self.stage.mirror, "_lease", self)
        self.stage.mirror.run(self.interval, stop)
        assert stop.waits == []  # as it does after an error
        return read

    def later(self, seconds: float) -> Callable[[], None]:
        def step() -> None:
            self.now += seconds

        return step

    def hint(self, *names: str) -> Callable[[], None]:
        return lambda: self.stage.mirror.hint(names)

    def lease(self, *, held: bool) -> Callable[[], None]:
        def step() -> None:
            self.held = held

        return step


@pytest.fixture(name="loop")
def _loop(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Loop:
    return Loop(stage, monkeypatch)


EVERYTHING = ["acme/orders", "acme/payments"]


def test_the_loop_refreshes_at_once_and_then_once_in_an_interval(loop: Loop) -> None:
    read = loop.run(loop.later(0), loop.later(29.9), loop.later(0.1), loop.later(29))

    assert read == [EVERYTHING, [], [], EVERYTHING, []]
    assert set(loop.waits) == {TICK}


def test_a_short_interval_is_looked_at_more_often(loop: Loop) -> None:
    loop.interval = timedelta(milliseconds=200)

    assert loop.run(loop.later(0.2)) == [EVERYTHING, EVERYTHING]
    assert loop.waits == [0.2, 0.2]


def test_after_failures_the_loop_waits_longer_and_after_a_good_refresh_no_more(loop: Loop) -> None:
    listed, loop.stage.source.listed = loop.stage.source.listed, {}

    def mend() -> None:
        loop.now += 0.1
        loop.stage.source.listed = listed

    read = loop.run(loop.later(59.9), loop.later(0.1), loop.later(119.9), mend, loop.later(29.9), loop.later(0.1))
    assert [bool(names) for names in read] == [True, False, True, False, True, False, True]


def test_the_loop_waits_until_the_source_can_afford_to_go_on(loop: Loop) -> None:
    loop.stage.source.usage.resumes_at = loop.stage.clock.now + timedelta(seconds=44)
    read = loop.run(loop.later(39), loop.later(2))

    assert [bool(names) for names in read] == [True, False, True]


def test_hinted_repositories_are_read_once_github_can_know(loop: Loop) -> None:
    read = loop.run(loop.hint("ACME/Payments", "acme/unknown"), loop.later(1.9), loop.later(0.1), loop.later(1))

    assert read == [EVERYTHING, [], [], ["acme/payments"], []]


def test_a_hint_for_nothing_that_the_catalog_names_reads_nothing(loop: Loop) -> None:
    assert loop.run(loop.hint("acme/unknown"), loop.later(10), loop.later(1)) == [EVERYTHING, [], [], []]


def test_a_hint_is_read_also_after_a_refresh_that_came_in_between(loop: Loop) -> None:
    read = loop.run(loop.later(29), loop.hint("acme/orders"), loop.later(1), loop.later(1))

    assert read == [EVERYTHING, [], [], EVERYTHING, ["acme/orders"]]


def test_hints_that_cannot_be_fetched_wait(loop: Loop) -> None:
    board = loop.stage.state.board
    take = board.take_hints

    def fail() -> frozenset[str]:
        raise Unreachable("the state cannot be reached")

    def break_board() -> None:
        board.take_hints = fail  # type: ignore[method-assign]
        loop.stage.mirror.hint(["acme/orders"])

    def mend() -> None:
        board.take_hints = take  # type: ignore[method-assign]

    read = loop.run(break_board, loop.later(5), mend, loop.later(2))
    assert read == [EVERYTHING, [], [], [], ["acme/orders"]]


def test_without_the_lease_nothing_is_read_and_with_it_at_once(loop: Loop) -> None:
    loop.held = False
    read = loop.run(
        loop.hint("acme/orders"),
        loop.later(0),
        loop.lease(held=True),
        loop.lease(held=False),
        loop.later(1),
        loop.lease(held=True),
    )

    assert read == [[], [], [], EVERYTHING, [], [], EVERYTHING]


def test_without_the_lease_the_loop_shows_what_the_one_that_polls_has_stored(loop: Loop) -> None:
    loop.held = False
    poller = loop.stage.restarted()
    poller.mirror.refresh()
    shown: list[Mapping[str, str]] = []

    def poll() -> None:
        del loop.stage.source.listed["acme/payments"]  # doubtful from now on, which changes no answer
        poller.mirror.refresh()
        loop.stage.source.asked.clear()

    def look() -> None:
        shown.append(loop.stage.known().snapshot.doubts)

    loop.run(look, poll, look)
    assert shown == [{}, {"acme/payments": "no answer"}]


def test_without_the_lease_the_loop_sees_which_catalogs_are_in_force_and_what_the_file_says(
    loop: Loop, tmp_path: Path
) -> None:
    loop.held = False
    poller = loop.stage.beside(tmp_path / "poller.yaml")
    poller.write_catalog({"orders": {}})

    def poll() -> None:
        poller.write_catalog({"payments": {}})
        poller.mirror.refresh()

    poller.mirror.refresh()
    loop.run(lambda: loop.stage.write_catalog({"orders": {}, "payments": {}}), poll, loop.lease(held=True))
    # What it has read since the first edition was in force may be older than the second one.
    assert list(loop.stage.known().catalog.services) == ["payments"]  # type: ignore[union-attr]


def test_what_the_file_says_is_seen_while_the_state_is_out_of_reach(loop: Loop, tmp_path: Path) -> None:
    loop.held = False
    poller = loop.stage.beside(tmp_path / "poller.yaml")
    poller.write_catalog({"orders": {}})
    poller.mirror.refresh()
    loop.stage.write_catalog({"orders": {}})
    store = loop.stage.state.store
    load = store.load

    def fail() -> Known:
        raise Unreachable("the state cannot be reached")

    def cut_off() -> None:
        store.load = fail  # type: ignore[method-assign]
        loop.stage.write_catalog({"orders": {}, "payments": {}})

    def back() -> None:
        store.load = load  # type: ignore[method-assign]
        poller.write_catalog({"payments": {}})
        poller.mirror.refresh()

    with capture_logs():
        loop.run(cut_off, back, loop.lease(held=True))
    assert list(loop.stage.known().catalog.services) == ["payments"]  # type: ignore[union-attr]


def test_requests_go_on_once_the_state_was_looked_at_without_the_lease(loop: Loop, monkeypatch: Any) -> None:
    waited = threading.Event()
    monkeypatch.setattr(loop.stage.mirror, "_refreshed_once", waited)
    loop.held = False
    load = loop.stage.state.store.load
    set_after: list[bool] = []

    def fail(error: Exception) -> Callable[[], None]:
        def failing() -> Known:
            raise error

        def step() -> None:
            set_after.append(waited.is_set())
            loop.stage.state.store.load = failing  # type: ignore[method-assign]

        return step

    def mend() -> None:
        set_after.append(waited.is_set())
        loop.stage.state.store.load = load  # type: ignore[method-assign]

    fail(Unreachable("the state cannot be reached"))()
    set_after.clear()
    with capture_logs() as logs:
        loop.run(fail(ZeroDivisionError()), mend)

    assert set_after == [False, False]
    assert waited.is_set()
    assert [(log["event"], log.get("reason"), repr(log.get("exc_info"))) for log in logs] == [
        ("the state cannot be read", "the state cannot be reached", "None"),
        ("the state cannot be shown", None, "ZeroDivisionError()"),
    ]


def test_a_report_that_fails_does_not_end_the_loop(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, told = Stop(), []

    def observe(report: RefreshReport) -> None:
        told.append(report)
        if len(told) == 1:
            raise OSError("standard error is closed")
        stop.set()

    monkeypatch.setattr(stage.mirror, "_observe", observe)
    with capture_logs() as logs:
        run_loop(stage, stop)

    assert len(told) == 2
    assert stop.waits == [TICK]
    assert [(log["event"], repr(log["exc_info"])) for log in logs] == [
        ("the loop of refreshes failed", "OSError('standard error is closed')")
    ]


def test_a_hint_wakes_the_loop(loop: Loop) -> None:
    loop.run(loop.hint("acme/orders"), loop.later(1))

    assert loop.wakes == 1
