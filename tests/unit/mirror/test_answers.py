import threading
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from plugin.core.config.threshold import Threshold
from plugin.core.decision.decide import decide
from plugin.errors import InvalidRequest, NotReady
from plugin.mirror.answers import FIRST_ANSWER
from plugin.state import Head, Known, Unreachable
from plugin.state.memory import MemoryStore
from tests.builders import make_pull_request
from tests.stage import Stage, make_stage
from tests.unit.mirror.scenario import LABELLED, begin, confirm, edit, listing, names

MAX_STALE = timedelta(hours=1)
STALE = "nothing could be read for longer than PREVIEW_MAX_STALE; the log says why"
HELD = (
    "more previews would leave than PREVIEW_BREAKER allows, and the previous answer is not known; "
    "the read routes say which, and how to release them"
)


def refusal(stage: Stage) -> str:
    with pytest.raises(NotReady) as error:
        stage.answer()
    return str(error.value)


def test_the_answer_has_the_live_previews_that_the_filters_admit(stage: Stage) -> None:
    stage.source.listed = {
        "acme/orders": [make_pull_request(1), make_pull_request(2, fork=True), make_pull_request(3, labels=())],
        "acme/payments": [make_pull_request(4)],
    }
    stage.refresh()

    assert stage.answer() == ["preview-orders-1", "preview-payments-4"]
    assert stage.answer(services=["payments"]) == ["preview-payments-4"]
    assert stage.answers.parameters({"origin": "fork"}) == b"[]"
    with pytest.raises(InvalidRequest):
        stage.answer(services=["nobody"])


def test_every_input_gets_the_same_bytes_until_something_changes(stage: Stage) -> None:
    stage.source.listed["acme/orders"] = listing(1)
    stage.refresh()
    inputs: list[dict[str, Any]] = [{}, {"services": ["orders"]}, {"origin": "any"}]
    first = [stage.answers.parameters(each) for each in inputs]
    stage.refresh()

    assert [stage.answers.parameters(each) for each in inputs] == first
    assert all(stage.answers.parameters(each) is ready for each, ready in zip(inputs, first, strict=True))
    stage.source.listed["acme/orders"] = listing(1, 2)
    stage.refresh()
    assert [stage.answer(**each) for each in inputs] == [names(1, 2)] * 3


def test_a_doubtful_repository_keeps_its_previews_in_the_answer(stage: Stage) -> None:
    stage.source.listed = {"acme/orders": listing(1), "acme/payments": listing(2)}
    stage.refresh()
    del stage.source.listed["acme/orders"]
    stage.source.close("acme/payments", 2)
    stage.refresh()

    assert stage.answer() == ["preview-orders-1"]


# Before the first answer


def test_without_a_first_reading_the_unread_repositories_are_named(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(stage.answers, "_refreshed_once", SimpleNamespace(wait=waits.append))

    assert refusal(stage) == "these repositories have never been read: acme/orders, acme/payments"
    assert waits == [FIRST_ANSWER]  # a server that has just started may know more in a moment
    with pytest.raises(NotReady):
        stage.current()
    assert len(waits) == 1


def test_a_waiting_request_continues_when_the_first_refresh_fails(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    stage.refresher.refreshed_once.clear()
    monkeypatch.setattr(stage.source, "read", fail)
    stage.refresh()

    assert stage.refresher.refreshed_once.is_set()
    assert "never been read" in refusal(stage)


def test_ten_concurrent_requests_cause_one_refresh_and_one_decision(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    decisions = []

    def slow_decide(*known: Any) -> Any:
        decisions.append(known)
        threading.Event().wait(0.05)  # long enough for the other nine to come
        return decide(*known)

    monkeypatch.setattr("plugin.mirror.advance.decide", slow_decide)
    monkeypatch.setattr("plugin.mirror.current.decide", slow_decide)
    stage.source.listed["acme/orders"] = listing(1)
    stage.refresher.refreshed_once.clear()
    ready, answers = threading.Barrier(11), []

    def ask() -> None:
        ready.wait(10)
        answers.append(stage.answer())

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    ready.wait(10)
    stage.refresh()
    for thread in threads:
        thread.join(10)

    assert answers == [["preview-orders-1"]] * 10
    assert (len(stage.source.asked), len(decisions)) == (1, 1)


# Nothing is answered that may be old


def test_without_the_state_nothing_is_answered(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(stage)

    def fail() -> Head:
        raise Unreachable("the state cannot be reached")

    with monkeypatch.context() as broken:
        broken.setattr(stage.state.store, "head", fail)
        told = "the state cannot be reached; until then it is not known which answer is the newest"
        assert refusal(stage) == told
    assert stage.answer() == names(*range(1, 11))


@pytest.mark.parametrize("direction", [1, -1], ids=["too old", "the clock was set back"])
def test_an_answer_counts_up_to_max_stale_also_after_a_restart(stage: Stage, direction: int) -> None:
    begin(stage)
    stage.clock.step = timedelta(0)
    fresh_at = stage.known().head.fresh_at
    assert fresh_at
    stage.clock.now = fresh_at + direction * MAX_STALE
    assert stage.answer() == names(*range(1, 11))

    stage.clock.now += direction * timedelta(microseconds=1)
    assert refusal(stage) == STALE
    assert refusal(stage.restarted()) == STALE
    assert len(list(stage.current().previews)) == 10  # what is shown to people may be older


def test_the_age_is_the_time_since_the_last_successful_reading(stage: Stage) -> None:
    assert stage.answers.age() == timedelta(0)
    stage.refresh()
    fresh_at = stage.known().head.fresh_at
    stage.source.listed = {}
    stage.refresh()

    assert fresh_at
    assert stage.answers.age() == stage.clock.now - fresh_at  # at the clock's last look


# Reading does not write


class CountingStore(MemoryStore):
    """Counts what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0

    def save(self, before: Known, after: Known) -> None:
        self.writes += 1
        super().save(before, after)

    def act(self, act: Any) -> None:
        self.writes += 1
        super().act(act)


def test_answers_write_nothing_to_the_store(tmp_path: Any) -> None:
    store = CountingStore()
    stage = make_stage(tmp_path, store)
    begin(stage)
    assert store.writes == 1

    for each in (stage, stage.restarted()):
        assert each.answer() == each.answer(origin="any") == each.answer(services=["orders"]) == names(*range(1, 11))
        assert each.answer(services=["payments"]) == []
    edit(stage, {"payments": {}})
    assert store.writes == 2
    assert stage.answer() == stage.answer(profile="backend") == names(*range(1, 11))  # held, and a new input
    assert store.writes == 2


# What was given to Argo CD is told to other replicas


def test_each_version_given_to_argo_cd_is_announced_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr(stage.state.board, "asked", told.append)
    stage.refresh()
    stage.answer()
    stage.answer()
    stage.source.listed["acme/orders"] = listing(1)
    stage.refresh()
    stage.answer()
    assert told == [1, 2]

    def fail(version: int) -> None:
        told.append(version)
        raise Unreachable("the state cannot be reached")

    monkeypatch.setattr(stage.state.board, "asked", fail)
    stage.source.listed["acme/orders"] = []
    stage.refresh()
    assert stage.answer() == stage.answer() == ["preview-orders-1"]  # in doubt: it was not looked up
    assert told == [1, 2, 3, 3]  # it is not known there yet, so it is told again


# While the breaker holds


def test_without_the_old_answer_a_hold_is_not_ready(stage: Stage) -> None:
    begin(stage)
    edit(stage, {"payments": {}})
    known = stage.known()
    assert known.hold
    lost = replace(known, hold=replace(known.hold, parameters=None))
    stage.state.store.save(known, lost)

    assert refusal(stage.restarted()) == HELD


def test_inputs_are_checked_by_the_catalog_in_force(stage: Stage) -> None:
    begin(stage)
    confirm(stage, *range(1, 11), state="open", labels=LABELLED)
    edit(stage, {"commands": {"repository": "acme/orders"}, "payments": {}})

    assert stage.answer(services=["orders"]) == names(*range(1, 11))
    with pytest.raises(InvalidRequest, match='no service "commands"'):
        stage.answer(services=["commands"])


def test_a_threshold_of_zero_holds_every_departure(stage: Stage) -> None:
    stage.refresher._threshold = Threshold(0, 0)  # noqa: SLF001
    begin(stage)
    edit(stage, {"orders": {"target_branches": ["release/*"]}, "payments": {}})

    assert stage.answer() == names(*range(1, 11))
