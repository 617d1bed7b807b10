import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from plugin.core.answers.wanted import Wanted
from plugin.core.config.references import Locator
from plugin.core.facts.acts import Act, ActKind
from plugin.core.life.acting import Said
from plugin.mirror.acting import acts_on
from plugin.mirror.refresh import TICK, RefreshReport
from plugin.state import Known, Unreachable
from tests.builders import catalog_text, make_look_up
from tests.lives import asked
from tests.outside import ScriptedRegistry
from tests.stage import Stage
from tests.unit.cli.commands import hold
from tests.unit.mirror.loop import EVERYTHING, Loop, Stop
from tests.unit.mirror.scenario import listing


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
    read = loop.run(loop.later(40), loop.later(2))

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


# What is decided again without reading


def living(loop: Loop, lifecycle: Mapping[str, Any]) -> None:
    """Plan the life of previews; a pull request of orders was asked for an hour ago. Both clocks stand still."""
    plan = {"defaults": {"lifecycle": lifecycle}}
    loop.stage.path.write_text(catalog_text({"orders": {}, "payments": {}}, **plan), "utf-8")
    clock = loop.stage.clock
    clock.step = timedelta(0)
    hour_ago = clock.now - timedelta(hours=1)
    loop.stage.source.listed["acme/orders"] = [asked(at=hour_ago)]


def pass_time(loop: Loop, seconds: float) -> Callable[[], None]:
    """Let both clocks go on."""

    def step() -> None:
        loop.now += seconds
        loop.stage.clock.now += timedelta(seconds=seconds)

    return step


def say(loop: Loop, kind: ActKind) -> Callable[[], None]:
    """Say something about the preview, as a command does."""

    def step() -> None:
        said = Said(kind, "ada", loop.stage.clock.now)
        ((_, act),) = acts_on(loop.stage.current(), Wanted(Locator("acme/orders", 1)), said)
        assert isinstance(act, Act)
        loop.stage.state.store.act(act)

    return step


def states(loop: Loop) -> list[str]:
    return [preview.verdict.state.value for preview in loop.stage.current().previews]


def decisions(loop: Loop) -> list[bool]:
    """Return for each refresh whether it only decided again."""
    return [not report.reads for report in loop.stage.reports]


def test_an_act_is_decided_on_at_once_and_without_reading(loop: Loop) -> None:
    living(loop, {})
    shown: list[list[str]] = []
    read = loop.run(say(loop, ActKind.PAUSE), lambda: shown.append(states(loop)), loop.later(1))

    assert shown == [["paused"]]
    assert read == [EVERYTHING, [], [], []]
    assert decisions(loop) == [False, True]
    assert [report.failure for report in loop.stage.reports] == ["", ""]


def test_an_act_that_changes_nothing_is_decided_on_once(loop: Loop) -> None:
    act = Act(ActKind.PAUSE, "orders/99", "ada", loop.stage.clock.now)
    loop.run(lambda: loop.stage.state.store.act(act), *[loop.later(1)] * 3)

    assert decisions(loop) == [False, True]


def test_an_acknowledgement_is_noticed_at_once(loop: Loop) -> None:
    fingerprint = hold(loop.stage)
    loop.run(lambda: loop.stage.acknowledge(fingerprint), loop.later(1))

    assert loop.stage.answer() == []


def test_the_loop_decides_when_a_verdict_changes_by_itself(loop: Loop) -> None:
    living(loop, {"pause_after": "1h"})
    loop.stage.clock.now -= timedelta(seconds=10)
    shown: list[list[str]] = []
    steps = [step for _ in range(4) for step in (pass_time(loop, 5), lambda: shown.append(states(loop)))]
    read = loop.run(*steps)

    assert shown == [["active"], ["paused"], ["paused"], ["paused"]]
    assert [names for names in read if names] == [EVERYTHING]
    assert decisions(loop) == [False, True]


def test_a_moment_at_which_nothing_could_be_decided_does_not_come_again(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    living(loop, {"pause_after": "1h"})
    loop.stage.clock.now -= timedelta(seconds=10)
    save = loop.stage.state.store.save

    def cut_off() -> None:
        monkeypatch.setattr(loop.stage.state.store, "save", lambda *_: unreachable())
        pass_time(loop, 10)()

    def back() -> None:
        monkeypatch.setattr(loop.stage.state.store, "save", save)

    loop.run(cut_off, loop.later(1), loop.later(1), back, pass_time(loop, 20))
    assert [report.failure for report in loop.stage.reports] == ["", "the state cannot be reached", ""]
    assert decisions(loop) == [False, True, False]
    assert states(loop) == ["paused"]


def test_a_due_end_comes_with_its_own_look_up_and_no_other_question(loop: Loop) -> None:
    living(loop, {"expire_after": "1h", "warn": "10s"})
    loop.stage.clock.now -= timedelta(seconds=20)
    source, locator = loop.stage.source, Locator("acme/orders", 1)
    (pull_request,) = source.listed["acme/orders"]
    source.elsewhere[locator] = make_look_up(
        labels=frozenset({"preview"}), head_sha=pull_request.head_sha, updated_at=pull_request.updated_at
    )
    shown: list[list[str]] = []
    steps = [step for _ in range(5) for step in (pass_time(loop, 5), lambda: shown.append(states(loop)))]
    read = loop.run(*steps)

    assert shown == [["active"], ["active"], ["active"], ["expired"], ["expired"]]
    assert [names for names in read if names] == [EVERYTHING]
    assert source.looked_up == [locator]
    assert decisions(loop) == [False, True, True]  # it is announced, and it comes


def test_a_due_end_waits_if_its_look_up_fails_and_is_tried_again_with_the_next_reading(loop: Loop) -> None:
    living(loop, {"expire_after": "1h", "warn": "10s"})
    loop.stage.clock.now -= timedelta(seconds=20)
    loop.run(*[pass_time(loop, 5)] * 9)

    assert states(loop) == ["active"]
    assert decisions(loop) == [False, True, True, False]
    assert loop.stage.source.looked_up == [Locator("acme/orders", 1)] * 2


def test_the_gate_is_not_asked_when_an_act_is_decided_on(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    questions: list[Sequence[str]] = []
    monkeypatch.setattr(loop.stage.source, "commits", lambda locators, _: dict.fromkeys(locators, ()))

    def exist(_: ScriptedRegistry, images: Sequence[str]) -> dict[str, bool]:
        questions.append(images)
        return {}

    monkeypatch.setattr(ScriptedRegistry, "exist", exist)
    living(loop, {"ready_when": {"image": True}})
    act = Act(ActKind.PAUSE, "orders/1", "ada", loop.stage.clock.now)
    loop.run(lambda: loop.stage.state.store.act(act), loop.later(1), loop.later(30))

    assert decisions(loop) == [False, True, False]
    assert len(questions) == 2


def test_a_replica_without_the_lease_shows_what_was_said_and_decides_nothing(loop: Loop) -> None:
    living(loop, {})
    poller = loop.stage.restarted()
    poller.refresh()
    loop.held = False
    read = loop.run(say(loop, ActKind.PAUSE), loop.later(1))

    assert read == [[], [], []]
    assert loop.stage.reports == []
    assert states(loop) == ["active"]
    poller.refresh(only=())
    assert states(loop) == ["paused"]


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
