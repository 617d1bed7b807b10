"""Listings: every page of them, however GitHub cuts and orders them."""

from typing import Any

import pytest

from plugin.sources.file import Organisation
from plugin.sources.github.experience import TIMES_SHORT
from tests.contract.conftest import changed, pull_request, with_pull_requests
from tests.contract.github.reader import LATER, PREVIEW, Reader, many
from tests.fakes.github import GitHub, Intercept, Request, faults

SHORTER = "GitHub's list of its pull requests is shorter than GitHub's count of them"


@pytest.mark.parametrize("change", ["a pull request", "the label"])
def test_a_change_between_two_pages_settles_nothing(reader: Reader, change: str) -> None:
    unlabelled = pull_request(500, labels=())
    entries = many(reader.github.organisation, 150).repositories["acme/orders"].pull_requests

    def happen(_: Request) -> None:
        if change == "the label":
            reader.github.delete_label("acme/orders", "preview")
            return
        newer = unlabelled.model_copy(update={"updated_at": LATER})
        reader.github.organisation = with_pull_requests(reader.github.organisation, "acme/orders", *entries, newer)

    reader.github.organisation = with_pull_requests(reader.github.organisation, "acme/orders", *entries, unlabelled)
    lists = faults.in_turn(None, happen)  # there are three pages
    reader.github.intercept = lambda request: lists(request) if request.operation == "List" else None
    assert reader.read() == {}
    assert reader.asked().count("List") == 3
    assert not reader.mark().settled

    reader.read()
    assert reader.mark().settled


def test_a_repository_recreated_between_two_pages_is_in_doubt(organisation: Organisation) -> None:
    with GitHub(many(organisation, 150), inside=True) as github:
        reader = Reader(github, labels={"acme/orders": PREVIEW})
        github.intercept = faults.in_turn(None, lambda _: github.recreate("acme/orders"))  # there are three pages

        assert reader.read() == {"acme/orders": "it became another repository while it was read"}


@pytest.mark.parametrize(
    "fault", [faults.lost_half(honest=True), faults.first_page_only(size=2)], ids=["lost half", "first page only"]
)
def test_a_list_that_is_shorter_than_its_count_is_doubt(reader: Reader, fault: Intercept) -> None:
    before = reader.known["acme/orders"]
    reader.github.intercept = fault

    assert reader.read("acme/orders") == {"acme/orders": SHORTER}
    assert reader.known["acme/orders"] is before

    reader.github.intercept = None
    assert reader.read("acme/orders") == {}


def test_one_missing_pull_request_is_one_too_many(reader: Reader) -> None:
    reader.github.intercept = faults.first_page_only(len(reader.numbers()) - 1)

    assert reader.read("acme/orders") == {"acme/orders": SHORTER}


def test_a_list_always_short_by_the_same_is_believed_in_the_end(reader: Reader) -> None:
    reader.github.intercept = faults.lost_half(honest=True)
    doubts = [bool(reader.read("acme/orders")) for _ in range(TIMES_SHORT)]

    assert doubts == [True] * (TIMES_SHORT - 1) + [False]
    assert reader.read("acme/orders") == {}


def test_a_list_short_by_another_number_each_time_is_not_believed(reader: Reader) -> None:
    for size in (1, 2, 1, 2, 1):
        reader.github.intercept = faults.first_page_only(size)
        assert reader.read("acme/orders") == {"acme/orders": SHORTER}


def test_a_whole_list_in_between_makes_a_short_one_doubtful_again(reader: Reader) -> None:
    for _ in range(TIMES_SHORT):
        reader.github.intercept = faults.lost_half(honest=True)
        assert reader.read("acme/orders") == {"acme/orders": SHORTER}
        reader.github.intercept = None
        reader.read("acme/orders")


def test_a_pull_request_that_closes_while_pages_are_read_is_no_doubt(reader: Reader) -> None:
    def close(request: Request) -> None:
        if request.variables.get("a0"):
            github = reader.github
            github.organisation = changed(github.organisation, "acme/orders", 1, state="closed", updated_at=LATER)

    reader.github.organisation, reader.github.intercept = many(reader.github.organisation), close

    assert reader.read() == {}


@pytest.mark.parametrize("pages", [1, 2, 3])
def test_the_order_of_entries_and_pages_does_not_matter(reader: Reader, pages: int) -> None:
    reader.github.organisation = many(reader.github.organisation, 95 * pages)
    reader.github.intercept = faults.pages_out_of_order()

    assert reader.read() == {}
    assert reader.numbers() == list(range(1, 95 * pages + 1))


def test_further_labels_that_cannot_be_read_leave_out_one_pull_request(reader: Reader) -> None:
    numbers = reader.numbers()
    reader.change("acme/orders", 12, labels=("preview", *(f"label-{i}" for i in range(100))))
    reader.github.intercept = faults.on("Labels", faults.server_error(502))

    assert reader.read(*reader.labels) == {}
    assert reader.asked() == ["List", "Labels"]
    assert reader.numbers() == [number for number in numbers if number != 12]
    assert reader.unread() == {12: "GitHub aborted the query (502)"}


def test_a_closed_entry_is_not_listed(reader: Reader) -> None:
    numbers = reader.numbers()
    reader.github.intercept = faults.on(
        "List", faults.spoiled(lambda answer: answer["data"]["r0"]["list"]["nodes"][0].update(state="CLOSED"))
    )

    assert reader.read("acme/orders") == {}
    assert reader.numbers() == numbers[1:]


@pytest.mark.parametrize("newest_first", [True, False])
def test_of_an_entry_that_is_listed_twice_the_newest_counts(reader: Reader, newest_first: bool) -> None:  # noqa: FBT001
    def repeat(answer: dict[str, Any]) -> None:
        nodes = answer["data"]["r0"]["list"]["nodes"]
        newer = {**nodes[0], "title": "Newer", "updatedAt": "2026-11-01T09:01:00Z"}
        nodes[:1] = [newer, nodes[0]] if newest_first else [nodes[0], newer]

    reader.github.intercept = faults.on("List", faults.spoiled(repeat))

    assert reader.read("acme/orders") == {}
    assert reader.first().title == "Newer"


def test_a_null_entry_is_left_out_and_listed_again(reader: Reader) -> None:
    numbers = reader.numbers()
    reader.github.intercept = faults.null_nodes()

    assert reader.read("acme/orders") == {}
    assert (reader.numbers(), reader.unread()) == (numbers[1:], {})
    assert reader.known["acme/orders"].mark is None
