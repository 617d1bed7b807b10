"""Promise 3: answers never go back, whichever replica is asked."""

import threading
from datetime import timedelta
from typing import Any

import pytest

from tests.stage import Stage
from tests.unit.mirror.scenario import TEN, acknowledge, begin, confirm, edit, listing, names


def test_two_replicas_that_both_poll_answer_alike_and_never_older(stage: Stage) -> None:
    other = stage.restarted()
    for number in TEN:
        stage.source.listed["acme/orders"] = listing(number)
        confirm(stage, number - 1)
        (stage if number % 2 else other).refresh()
        assert stage.answer() == other.answer() == names(number)
        assert stage.known().head == other.known().head


def test_a_refresh_that_was_overtaken_changes_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(stage)
    other, reads = stage.restarted(), stage.source.read

    def read(wanted: Any) -> Any:
        answer = reads(wanted)
        monkeypatch.undo()
        stage.source.listed["acme/orders"] = listing(*TEN, 11)
        other.refresh()  # while this replica hangs
        return answer

    monkeypatch.setattr(stage.source, "read", read)
    report = stage.refresh()

    assert report.failure == "something newer was stored in the meantime"
    assert stage.answer() == other.answer() == names(*TEN, 11)


def test_a_hold_of_one_replica_is_the_answer_of_the_other(stage: Stage) -> None:
    begin(stage)
    other = stage.restarted()
    assert other.answer() == names(*TEN)
    edit(stage, {"payments": {}})
    stage.source.listed["acme/payments"] = listing(1)
    stage.refresh()
    assert other.answer() == other.answer(profile="backend") == stage.answer() == names(*TEN)

    acknowledge(stage)
    assert other.answer() == stage.answer() == ["preview-payments-1"]


def test_concurrent_requests_never_get_an_older_answer(stage: Stage) -> None:
    stage.clock.step = timedelta(0)
    stage.refresh()
    done, wrong = threading.Event(), list[str]()

    def ask(**parameters: Any) -> None:
        seen: list[str] = []
        while not done.is_set():
            now = stage.answer(**parameters)
            if not set(seen) <= set(now):
                wrong.append(f"{seen} then {now}")
            seen = now

    inputs: list[dict[str, Any]] = [{}, {"services": ["orders"]}, {"profile": "backend"}, {"origin": "any"}]
    threads = [threading.Thread(target=ask, kwargs=parameters) for parameters in inputs]
    for thread in threads:
        thread.start()
    for number in range(1, 16):
        stage.source.listed["acme/orders"] = listing(*range(1, number + 1))
        stage.refresh()
    done.set()
    for thread in threads:
        thread.join(10)

    assert wrong == []
    assert {tuple(stage.answer(**parameters)) for parameters in inputs} == {tuple(names(*range(1, 16)))}
