"""Answers that go back in time."""

from datetime import timedelta

from tests.contract.github.reader import LATER, Reader
from tests.fakes.github import faults


def test_an_older_answer_about_a_pull_request_changes_nothing_about_it(reader: Reader) -> None:
    old = reader.github.organisation
    reader.change("acme/orders", 12, head_sha="a" * 40, body="New", updated_at=LATER)
    reader.read()
    known = reader.first()
    reader.github.organisation = old
    reader.read()

    assert reader.asked() == ["Probe", "List"]
    assert reader.first() is known


def test_an_older_description_than_the_one_known_is_not_believed(reader: Reader) -> None:
    start = reader.time.now()

    def at(seconds: float) -> None:
        reader.github.now = lambda: start + timedelta(seconds=seconds)

    at(0)
    reader.change("acme/orders", 12, body="One", updated_at=LATER)
    at(1)
    reader.read()
    at(3)
    reader.change("acme/orders", 12, body="Two", updated_at=LATER + timedelta(minutes=1))
    at(4)
    reader.github.intercept = faults.on("Details", lambda request: request.answer(lag=5.0))
    reader.read()
    assert reader.first().updated_at == LATER + timedelta(minutes=1)
    assert reader.first().body == "One"
    assert not reader.mark().settled

    reader.github.intercept = None
    reader.read()
    assert reader.first().body == "Two"
    assert reader.mark().settled


def test_an_old_description_is_better_than_none_and_is_read_again(reader: Reader) -> None:
    start = reader.time.now()
    reader.github.now = lambda: start
    reader.change("acme/orders", 19, labels=("preview",), body="New", updated_at=LATER)
    reader.github.now = lambda: start + timedelta(seconds=1)
    reader.github.intercept = faults.on("Details", lambda request: request.answer(lag=5.0))
    reader.read()
    assert reader.known["acme/orders"].pull_requests[-1].number == 19
    assert not reader.mark().settled

    reader.github.intercept = None
    reader.read()
    assert reader.known["acme/orders"].pull_requests[-1].body == "New"
    assert reader.mark().settled
