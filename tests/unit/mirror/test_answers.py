import json
import sys
import threading
from typing import Any

import pytest

from plugin.core.decision.decide import decide
from plugin.errors import InvalidRequest, NotReady
from plugin.mirror.answers import Answers
from tests.builders import make_pull_request
from tests.stage import Stage


def names(body: bytes) -> list[str]:
    return [one["name"] for one in json.loads(body)["output"]["parameters"]]


def test_the_answer_holds_live_previews_that_the_filters_admit(stage: Stage) -> None:
    stage.source.listed = {
        "acme/orders": [make_pull_request(1), make_pull_request(2, fork=True), make_pull_request(3, labels=())],
        "acme/payments": [make_pull_request(4)],
    }
    stage.refresh()
    answers = Answers(stage.mirror)

    assert names(answers.parameters({})) == ["preview-orders-1", "preview-payments-4"]
    assert names(answers.parameters({"services": ["payments"]})) == ["preview-payments-4"]
    assert answers.parameters({"origin": "fork"}) == b'{"output":{"parameters":[]}}'
    with pytest.raises(InvalidRequest):
        answers.parameters({"services": ["nobody"]})


def test_the_same_bytes_are_given_until_something_changes(stage: Stage) -> None:
    stage.source.listed["acme/orders"] = [make_pull_request(1)]
    stage.refresh()
    answers = Answers(stage.mirror)
    first, decided = answers.parameters({}), answers.current().previews
    stage.refresh()

    assert answers.parameters({}) is first
    assert answers.current().previews is decided
    stage.source.listed["acme/orders"] = [make_pull_request(1), make_pull_request(2)]
    stage.refresh()
    assert names(answers.parameters({})) == ["preview-orders-1", "preview-orders-2"]
    assert len(answers.current().previews) == 2


def test_while_something_is_doubtful_its_previews_stay_in_the_answer(stage: Stage) -> None:
    stage.source.listed = {"acme/orders": [make_pull_request(1)], "acme/payments": [make_pull_request(2)]}
    stage.refresh()
    answers = Answers(stage.mirror)
    stage.source.listed = {"acme/payments": [make_pull_request(2)]}
    stage.source.close("acme/payments", 2)
    stage.refresh()

    assert names(answers.parameters({})) == ["preview-orders-1"]


def test_before_everything_was_read_there_is_no_answer(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[bool] = []
    monkeypatch.setattr(stage.mirror, "wait_for_first_refresh", lambda: waited.append(True))
    answers = Answers(stage.mirror)

    with pytest.raises(NotReady, match=r"^these repositories have never been read: acme/orders, acme/payments$"):
        answers.parameters({})
    assert waited == [True]  # a server that has just started may know more in a moment
    with pytest.raises(NotReady):
        answers.current()
    assert waited == [True]


def test_ten_threads_that_ask_at_once_cause_one_refresh_and_one_decision(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    decisions = []

    def slow_decide(*known: Any) -> Any:
        decisions.append(known)
        threading.Event().wait(0.05)  # long enough for the other nine to come
        return decide(*known)

    monkeypatch.setattr("plugin.mirror.current.decide", slow_decide)
    stage.source.listed["acme/orders"] = [make_pull_request(1)]
    answers = Answers(stage.mirror)
    ready, bodies = threading.Barrier(11), []

    def ask() -> None:
        ready.wait(10)
        bodies.append(answers.parameters({}))

    threads: list[Any] = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    ready.wait(10)
    stage.refresh()
    for thread in threads:
        thread.join(10)

    assert [names(body) for body in bodies] == [["preview-orders-1"]] * 10
    assert (len(stage.source.asked), len(decisions)) == (1, 1)


def test_answers_of_the_past_are_not_kept(stage: Stage) -> None:
    stage.source.listed = {"acme/orders": [make_pull_request(1)], "acme/payments": []}
    stage.refresh()
    answers = Answers(stage.mirror)
    first = answers.parameters({})
    users_before = sys.getrefcount(first)
    stage.source.listed["acme/orders"] = [make_pull_request(2)]
    stage.refresh()
    answers.parameters({})

    assert sys.getrefcount(first) == users_before - 1
