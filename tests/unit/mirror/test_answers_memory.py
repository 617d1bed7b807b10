"""What a caller can vary is never kept without a bound."""

import sys
import threading
import tracemalloc
from datetime import timedelta
from typing import Any

import pytest

from plugin.mirror.answers import INPUTS, RENDERED, Answers
from plugin.mirror.current import Current
from plugin.mirror.newest import Newest
from plugin.state import Head, Known
from plugin.state.memory import LocalBoard, MemoryStore
from tests.builders import MONDAY, make_catalog, make_repository, make_snapshot
from tests.stage import Stage
from tests.unit.mirror.scenario import begin, listing, names


def remembered(answers: Answers) -> Any:
    return answers._rendered._ready  # noqa: SLF001  what it keeps is what is bounded


def test_answers_of_an_older_version_are_not_kept(stage: Stage) -> None:
    stage.source.listed["acme/orders"] = listing(1)
    stage.refresh()
    first = stage.answers.parameters({})
    users = sys.getrefcount(first)
    stage.source.listed["acme/orders"] = listing(1, 2)
    stage.refresh()
    stage.answers.parameters({})

    assert sys.getrefcount(first) == users - 1


def crowd() -> Answers:
    """Forty services with fifty previews each, so that inputs can be combined at will."""
    catalog = make_catalog({f"service-{number}": {} for number in range(40)})
    repositories = [
        make_repository(f"acme/service-{number}", *listing(*range(1, 51), title="x" * 250)) for number in range(40)
    ]
    known = Known(Head(1, MONDAY), catalog, make_snapshot(catalog, *repositories))
    newest = Newest(MemoryStore(known))
    return Answers(newest, LocalBoard(), lambda: catalog, timedelta(hours=1), lambda: MONDAY, threading.Event())


def test_600_distinct_inputs_keep_a_bounded_number_of_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    bound = 8 * 1024 * 1024  # fewer bytes take less time
    monkeypatch.setattr("plugin.mirror.answers.RENDERED", bound)
    answers = crowd()
    answers.parameters({})
    tracemalloc.start()
    total = 0
    for number in range(600):
        first, second = number % 40, number // 40
        services = [f"service-{first}", f"service-{(first + second) % 40}"]
        total += len(answers.parameters({"services": services}))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert total > 10 * bound
    assert sum(map(len, remembered(answers).values())) <= bound
    assert kept < 1.5 * bound


def test_the_number_of_empty_answers_kept_is_bounded() -> None:
    answers = crowd()
    for number in range(2 * INPUTS):
        services = [f"service-{bit}" for bit in range(12) if (number + 1) >> bit & 1]
        assert answers.parameters({"services": services, "origin": "fork"}) == b"[]"

    assert len(remembered(answers)) <= INPUTS


def test_an_answer_above_the_bound_is_given_but_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    assert RENDERED >= 32 * 1024 * 1024  # 10,000 previews fit
    monkeypatch.setattr("plugin.mirror.answers.RENDERED", 1000)
    answers = crowd()

    assert answers.parameters({}) == answers.parameters({})
    assert len(remembered(answers)) == 0


def test_the_answer_of_a_version_that_was_replaced_is_not_kept(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(stage)
    render = Current.parameters

    def slowly(current: Current, *asked: Any) -> bytes | None:
        parameters = render(current, *asked)
        monkeypatch.undo()
        stage.source.listed["acme/orders"] = listing(*range(1, 12))
        stage.refresh()
        stage.answer(origin="any")  # another thread asks for the newer version
        return parameters

    monkeypatch.setattr(Current, "parameters", slowly)
    assert stage.answer(services=["orders"]) == names(*range(1, 11))
    assert stage.answer(services=["orders"]) == names(*range(1, 12))
