"""Look-ups: what GitHub says of a pull request that it is asked for by number."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from plugin.core.facts.model import LookUp, PullRequestState
from tests.contract.github.reader import LATER, Reader
from tests.fakes.github import Intercept, faults


def test_a_look_up_says_all_that_a_confirmation_needs(reader: Reader) -> None:
    reader.change(
        "acme/orders", 12, draft=True, labels=("preview", "kind/bug"), updated_at=LATER, target_branch="release"
    )
    found = reader.look_up("acme/orders#12")["acme/orders#12"]

    assert found.answered_at <= reader.time.now()
    assert reader.time.now() - found.answered_at < timedelta(seconds=5)
    assert replace(found, answered_at=LATER) == LookUp(
        PullRequestState.OPEN,
        LATER,
        LATER,
        draft=True,
        labels=frozenset({"preview", "kind/bug"}),
        target_branch="release",
        head_sha="0a4be4a1c1a5e7e6f5c9d3b1a2f4c6d8e0f1a3b5",
        settled=True,
    )


def test_a_look_up_tells_what_became_of_each(reader: Reader) -> None:
    found = reader.look_up("acme/orders#19", "acme/users#5", "acme/orders#999")

    assert {name: it.state.value for name, it in found.items()} == {
        "acme/orders#19": "open",
        "acme/users#5": "merged",
        "acme/orders#999": "missing",
    }
    assert found["acme/orders#999"].updated_at is None
    assert reader.asked() == ["Confirm"]


def test_a_look_up_tells_whether_it_has_settled(reader: Reader) -> None:
    reader.change("acme/orders", 12, updated_at=reader.time.now().replace(microsecond=0))
    assert not reader.look_up("acme/orders#12")["acme/orders#12"].settled

    reader.time.passes(20)
    assert reader.look_up("acme/orders#12")["acme/orders#12"].settled


def test_a_look_up_has_all_labels(reader: Reader) -> None:
    labels = tuple(f"label-{i}" for i in range(250))
    reader.change("acme/orders", 12, labels=labels)
    found = reader.look_up("acme/orders#12", "acme/orders#19")

    assert found["acme/orders#12"].labels == set(labels)
    assert reader.asked() == ["Confirm", "Labels", "Labels"]


@pytest.mark.parametrize(
    "fault", [faults.server_error(502), faults.nested_error("node", "labels")], ids=["502", "nested"]
)
def test_a_look_up_without_all_labels_is_left_out(reader: Reader, fault: Intercept) -> None:
    reader.change("acme/orders", 12, labels=tuple(f"label-{i}" for i in range(101)))
    reader.github.intercept = faults.on("Labels", fault)

    assert reader.look_up("acme/orders#12", "acme/orders#19").keys() == {"acme/orders#19"}


def test_a_pull_request_of_a_flagged_author_is_missing_until_it_returns(reader: Reader) -> None:
    reader.github.hide("acme/orders", 12)
    reader.read("acme/orders")
    assert 12 not in reader.numbers()
    assert reader.look_up("acme/orders#12")["acme/orders#12"].state is PullRequestState.MISSING

    reader.github.restore()
    assert reader.look_up("acme/orders#12")["acme/orders#12"].state is PullRequestState.OPEN


def _spoil(place: str, value: object) -> Intercept:
    return faults.spoiled(lambda answer: answer["data"]["r0"]["p0"].update({place: value}))


def _error(path: list[str], kind: str, *, null: bool = True) -> Intercept:
    def spoil(answer: dict[str, Any]) -> None:
        if null:
            answer["data"]["r0"]["p0"] = None
        answer["errors"] = [{"type": kind, "path": path, "message": "no"}]

    return faults.spoiled(spoil)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(faults.server_error(500), id="500"),
        pytest.param(faults.null_repository("r0"), id="null repository"),
        pytest.param(faults.alias_error("r0", "NOT_FOUND"), id="repository not found"),
        pytest.param(faults.alias_error("r0"), id="repository forbidden"),
        pytest.param(faults.spoiled(lambda answer: answer["data"]["r0"].update(p0=None)), id="null without an error"),
        pytest.param(_error(["r0", "p0"], "FORBIDDEN"), id="forbidden"),
        pytest.param(_error(["r0", "p0", "labels"], "NOT_FOUND"), id="not found below it"),
        pytest.param(_error(["r0", "p0", "labels"], "FORBIDDEN", null=False), id="labels that may not be seen"),
        pytest.param(_error(["r0", "p0"], "NOT_FOUND", null=False), id="not found and there"),
        pytest.param(faults.spoiled(lambda answer: answer["data"]["r0"].update(databaseId=1)), id="another repository"),
        pytest.param(_spoil("number", 13), id="another number"),
        pytest.param(_spoil("state", None), id="no state"),
        pytest.param(_spoil("state", "LOCKED"), id="an unknown state"),
        pytest.param(_spoil("updatedAt", None), id="no time"),
        pytest.param(_spoil("isDraft", None), id="no draft"),
        pytest.param(_spoil("labels", None), id="no labels"),
        pytest.param(_spoil("labels", {"pageInfo": {"hasNextPage": False}, "nodes": [None]}), id="a null label"),
        pytest.param(_spoil("baseRefName", None), id="no base branch"),
        pytest.param(_spoil("headRefOid", None), id="no head"),
        pytest.param(_spoil("headRefOid", "main"), id="a head that is no commit"),
        pytest.param(faults.nested_error("r0", "p0", "labels"), id="an error at its labels"),
        pytest.param(faults.nested_error("r0", "p0", "labels", "nodes", 0), id="an error at one label"),
        pytest.param(faults.nested_error("r0", "p0", "baseRefName"), id="an error at its base branch"),
    ],
)
def test_what_a_look_up_does_not_say_clearly_is_left_out(reader: Reader, fault: Intercept) -> None:
    reader.github.intercept = fault

    assert reader.look_up("acme/orders#12") == {}


@pytest.mark.parametrize(
    "place",
    [("p0",), ("p0", "labels"), ("p0", "labels", "nodes", 0), ("p0", "isDraft"), ("p0", "baseRefName")],
    ids=str,
)
def test_an_error_about_one_pull_request_leaves_the_others(reader: Reader, place: tuple[str | int, ...]) -> None:
    reader.github.intercept = faults.nested_error("r0", *place)

    assert reader.look_up("acme/orders#12", "acme/orders#19", "acme/users#5").keys() == {
        "acme/orders#19",
        "acme/users#5",
    }


def test_a_number_that_is_not_found_in_another_repository_is_not_missing(reader: Reader) -> None:
    reader.github.recreate("acme/orders")

    assert reader.look_up("acme/orders#999") == {}


def test_without_githubs_clock_nothing_is_missing(reader: Reader) -> None:
    reader.github.intercept = lambda request: request.answer().with_headers({"Date": "yesterday"})

    assert reader.look_up("acme/orders#999") == {}


def test_a_repository_that_is_not_known_is_not_asked(reader: Reader) -> None:
    del reader.known["acme/orders"]
    reader.known["acme/users"] = replace(reader.known["acme/users"], identity="")

    assert reader.look_up("acme/orders#12", "acme/users#5") == {}
    assert reader.asked() == []
