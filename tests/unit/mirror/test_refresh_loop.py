import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from plugin.mirror.refresh import TICK, RefreshReport
from plugin.state import Known, Unreachable
from tests.stage import Stage
from tests.unit.mirror.loop import EVERYTHING, Loop, Stop
from tests.unit.mirror.scenario import listing

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.fixture(name="loop")
def _loop(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Loop:
    return Loop(stage, monkeypatch)


def services(loop: Loop) -> list[str]:
    return list(loop.stage.catalog().services)


def unreachable() -> Any:
    raise Unreachable("the state cannot be reached")


# When it refreshes


def test_the_loop_refreshes_at_once_and_then_once_in_an_interval(loop: Loop) -> None:
    read = loop.run(loop.later(0), loop.later(29.9), loop.later(0.1), loop.later(29))

    assert read == [EVERYTHING, [], [], EVERYTHING, []]
    assert set(loop.waits) == {TICK}


def test_a_short_interval_makes_the_loop_look_more_often(loop: Loop) -> None:
    loop.interval = timedelta(milliseconds=200)

    assert loop.run(loop.later(0.2)) == [EVERYTHING, EVERYTHING]
    assert loop.waits == [0.2, 0.2]


def test_the_loop_waits_longer_after_failures_until_a_refresh_succeeds(loop: Loop) -> None:
    listed, loop.stage.source.listed = loop.stage.source.listed, {}

    def mend() -> None:
        loop.now += 0.1
        loop.stage.source.listed = listed

    read = loop.run(loop.later(59.9), loop.later(0.1), loop.later(119.9), mend, loop.later(29.9), loop.later(0.1))
    assert [bool(names) for names in read] == [True, False, True, False, True, False, True]


def test_the_loop_waits_until_the_source_has_points_again(loop: Loop) -> None:
    loop.stage.source.usage.resumes_at = loop.stage.clock.now + timedelta(seconds=44)
    read = loop.run(loop.later(39), loop.later(2))

    assert [bool(names) for names in read] == [True, False, True]


# Hints


def test_hinted_repositories_are_read_at_once_and_again_when_github_can_know(loop: Loop) -> None:
    read = loop.run(loop.hint("ACME/Payments", "acme/unknown"), loop.later(1.9), loop.later(0.1), loop.later(1))

    assert read == [EVERYTHING, ["acme/payments"], [], ["acme/payments"], []]


def test_a_hint_about_an_unknown_repository_reads_nothing(loop: Loop) -> None:
    assert loop.run(loop.hint("acme/unknown"), loop.later(10), loop.later(1)) == [EVERYTHING, [], [], []]


def test_a_hint_is_read_after_a_refresh_in_between(loop: Loop) -> None:
    read = loop.run(loop.later(29), loop.hint("acme/orders"), loop.later(1), loop.later(1))

    assert read == [EVERYTHING, [], ["acme/orders"], EVERYTHING, ["acme/orders"]]


def test_hints_that_cannot_be_fetched_wait(loop: Loop) -> None:
    board = loop.stage.state.board
    take = board.take_hints

    def break_board() -> None:
        board.take_hints = unreachable  # type: ignore[method-assign]
        loop.stage.refresher.hint(["acme/orders"])

    def mend() -> None:
        board.take_hints = take  # type: ignore[method-assign]

    read = loop.run(break_board, loop.later(5), mend, loop.later(2))
    assert read == [EVERYTHING, [], [], ["acme/orders"], ["acme/orders"]]


def test_a_hint_wakes_the_loop(loop: Loop) -> None:
    loop.run(loop.hint("acme/orders"), loop.later(1))

    assert loop.wakes == 1


# Without the lease


def test_a_replica_reads_nothing_until_it_gets_the_lease(loop: Loop) -> None:
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


def test_a_replica_without_the_lease_shows_what_the_other_has_stored(loop: Loop) -> None:
    loop.held = False
    poller = loop.stage.restarted()
    poller.refresh()
    shown: list[Mapping[str, str]] = []

    def poll() -> None:
        del loop.stage.source.listed["acme/payments"]  # doubtful from now on, which changes no answer
        poller.refresh()
        loop.stage.source.asked.clear()

    def look() -> None:
        shown.append(loop.stage.known().snapshot.doubts)

    loop.run(look, poll, look)
    assert shown == [{}, {"acme/payments": "no answer"}]


def test_a_replica_without_the_lease_sees_which_catalogs_were_in_force(loop: Loop, tmp_path: Path) -> None:
    loop.held = False
    poller = loop.stage.beside(tmp_path / "poller.yaml")
    poller.write_catalog({"orders": {}})

    def poll() -> None:
        poller.write_catalog({"payments": {}})
        poller.refresh()

    poller.refresh()
    loop.run(lambda: loop.stage.write_catalog({"orders": {}, "payments": {}}), poll, loop.lease(held=True))
    # What it has read since the first edition was in force may be older than the second one.
    assert services(loop) == ["payments"]


def test_the_catalog_file_is_read_while_the_state_is_unreachable(loop: Loop, tmp_path: Path) -> None:
    loop.held = False
    poller = loop.stage.beside(tmp_path / "poller.yaml")
    poller.write_catalog({"orders": {}})
    poller.refresh()
    loop.stage.write_catalog({"orders": {}})
    store = loop.stage.state.store
    load = store.load

    def cut_off() -> None:
        store.load = unreachable  # type: ignore[method-assign]
        loop.stage.write_catalog({"orders": {}, "payments": {}})

    def back() -> None:
        store.load = load  # type: ignore[method-assign]
        poller.write_catalog({"payments": {}})
        poller.refresh()

    with capture_logs():
        loop.run(cut_off, back, loop.lease(held=True))
    assert services(loop) == ["payments"]


def test_requests_continue_once_a_follower_has_loaded_the_state(loop: Loop) -> None:
    waited, store = loop.stage.refresher.refreshed_once, loop.stage.state.store
    waited.clear()
    loop.held = False
    load, set_after = store.load, list[bool]()

    def fail() -> Known:
        raise ZeroDivisionError

    def fail_otherwise() -> None:
        set_after.append(waited.is_set())
        store.load = fail  # type: ignore[method-assign]

    def mend() -> None:
        set_after.append(waited.is_set())
        store.load = load  # type: ignore[method-assign]

    store.load = unreachable  # type: ignore[method-assign]
    with capture_logs() as logs:
        loop.run(fail_otherwise, mend)

    assert set_after == [False, False]
    assert waited.is_set()
    assert [(log["event"], log.get("reason"), repr(log.get("exc_info"))) for log in logs] == [
        ("the state cannot be read", "the state cannot be reached", "None"),
        ("the state could not be loaded", None, "ZeroDivisionError()"),
    ]


# Nothing ends it


def run_in_a_thread(stage: Stage, stop: Stop) -> None:
    """Run the loop for real, and wait until it has stopped by itself."""
    thread = threading.Thread(target=stage.refresher.run, args=(timedelta(milliseconds=1), stop), daemon=True)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()


def test_the_loop_runs_until_it_is_stopped(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, reads = Stop(), stage.source.read

    def read(wanted: Any) -> Any:
        if len(stage.source.asked) == 3:
            stop.set()
        return reads(wanted)

    monkeypatch.setattr(stage.source, "read", read)
    run_in_a_thread(stage, stop)

    assert len(stage.source.asked) == 4
    assert stop.waits == []  # as it does after an error


def test_an_unexpected_error_ends_neither_the_loop_nor_what_is_known(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.source.listed["acme/orders"] = listing(1, title="known")
    stage.refresh()
    reads, stop = stage.source.read, Stop()

    def read(wanted: Any) -> Any:
        if len(stage.source.asked) == 1:
            stage.source.asked.append({})
            raise ZeroDivisionError
        stage.source.listed["acme/orders"] = listing(1, title="moved on")
        stop.set()
        return reads(wanted)

    monkeypatch.setattr(stage.source, "read", read)
    with capture_logs() as logs:
        run_in_a_thread(stage, stop)

    assert set(stage.reports[1].current.known.snapshot.doubts) == {*EVERYTHING}  # so everybody sees it
    assert stage.titles()["acme/orders"] == ["moved on"]
    assert [(log["event"], repr(log["exc_info"])) for log in logs] == [("the refresh failed", "ZeroDivisionError()")]


def test_an_observer_that_fails_does_not_end_the_loop(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, told = Stop(), list[RefreshReport]()

    def observe(report: RefreshReport) -> None:
        told.append(report)
        if len(told) == 1:
            raise OSError("standard error is closed")
        stop.set()

    monkeypatch.setattr(stage.refresher, "_observers", [observe])
    with capture_logs() as logs:
        run_in_a_thread(stage, stop)

    assert len(told) == 2
    assert stop.waits == [TICK]
    assert [(log["event"], repr(log["exc_info"])) for log in logs] == [
        ("the refresh loop failed", "OSError('standard error is closed')")
    ]
