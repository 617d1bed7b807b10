"""Nested errors: what GitHub cannot say of one pull request stays with that one, and never makes anything trusted.

Every nested place of every query is here or in test_look_ups.py. GitHub hides, for example, the fork of an owner who
enforces single sign-on: `errors[].path` is then `r0, list, nodes, 3, headRepository`.
"""

from datetime import timedelta

import pytest

from plugin.sources.file import LONG_AGO, Organisation
from plugin.sources.github.experience import TIMES_SHORT
from plugin.sources.github.listing import LABELS_ASKED_FOR_AGAIN
from tests.contract.conftest import Plugin, changed, doubts, pull_request, with_pull_requests
from tests.contract.github.reader import LATER, PREVIEW, Reader, many
from tests.fakes.github import GitHub, Request, Response, faults

Place = tuple[str | int, ...]
ORDERS, USERS = "acme/orders", "acme/users"
TWO = dict.fromkeys([ORDERS, USERS], PREVIEW)  # r0 and r1


@pytest.fixture(name="fresh")
def _fresh(github: GitHub) -> Reader:
    """Return a reader that knows nothing yet."""
    return Reader(github, labels=TWO)


@pytest.fixture(name="two")
def _two(fresh: Reader) -> Reader:
    fresh.settle()
    return fresh


def entry(reader: Reader, number: int) -> int:
    """Return the place of a pull request in its listing."""
    return reader.numbers().index(number)


# --- The listing's entries


def test_a_hidden_fork_is_a_fork_and_disturbs_nobody(github: GitHub, fresh: Reader) -> None:
    fork = pull_request(99, fork="sso/orders")
    entries = github.organisation.repositories[ORDERS].pull_requests
    github.organisation = with_pull_requests(github.organisation, ORDERS, *entries, fork)
    k = len([each for each in entries if "preview" in each.labels and each.state == "open"])
    github.intercept = faults.on("List", faults.nested_error("r0", "list", "nodes", k, "headRepository"))

    assert fresh.read() == {}
    assert fresh.pull_request(99).fork
    assert fresh.pull_request(12).fork is False
    assert fresh.known[ORDERS].mark  # it stays a fork, so there is no need to list it again


def test_a_repository_that_github_cannot_name_makes_a_fork(two: Reader) -> None:
    two.github.intercept = faults.on(
        "List", faults.nested_error("r0", "list", "nodes", entry(two, 12), "headRepository")
    )

    assert two.read(ORDERS) == {}
    assert two.pull_request(12).fork
    assert two.known[ORDERS].mark is None  # it may be one of its own, so it is listed again


def test_a_head_repository_without_its_id_makes_a_fork(two: Reader) -> None:
    place = ("r0", "list", "nodes", entry(two, 12), "headRepository", "databaseId")
    two.github.intercept = faults.on("List", faults.nested_error(*place))

    assert two.read(ORDERS) == {}
    assert two.pull_request(12).fork


@pytest.mark.parametrize("below", [(), ("login",)], ids=["the author", "the login"])
def test_a_hidden_author_is_a_ghost_unless_it_was_known(fresh: Reader, below: Place) -> None:
    fresh.github.intercept = faults.on("List", faults.nested_error("r0", "list", "nodes", 0, "author", *below))
    assert fresh.read() == {}
    assert fresh.first().author == "ghost"

    fresh.github.intercept = None
    fresh.read(ORDERS)
    author = fresh.first().author
    assert author != "ghost"
    fresh.github.intercept = faults.on("List", faults.nested_error("r0", "list", "nodes", 0, "author", *below))
    fresh.read(ORDERS)
    assert fresh.first().author == author


LABEL_PLACES: list[Place] = [("labels",), ("labels", "nodes"), ("labels", "nodes", 0), ("labels", "nodes", 0, "name")]


@pytest.mark.parametrize("place", LABEL_PLACES, ids=str)
def test_labels_that_the_listing_lacks_are_asked_for_by_themselves(two: Reader, place: Place) -> None:
    before = two.pull_request(12)
    two.github.intercept = faults.on("List", faults.nested_error("r0", "list", "nodes", entry(two, 12), *place))

    assert two.read(ORDERS) == {}
    assert two.asked() == ["Probe", "List", "Labels"]
    assert two.pull_request(12) == before


@pytest.mark.parametrize("place", [("node",), ("node", "labels"), ("node", "labels", "nodes", 0)], ids=str)
def test_labels_that_github_hides_leave_out_one_pull_request(two: Reader, place: Place) -> None:
    numbers, k = two.numbers(), entry(two, 12)

    def intercept(request: Request) -> Response | None:
        if request.operation == "Labels":
            return faults.nested_error(*place)(request)
        return faults.on("List", faults.nested_error("r0", "list", "nodes", k, "labels"))(request)

    two.github.intercept = intercept
    assert two.read(ORDERS) == {}
    assert two.numbers() == [number for number in numbers if number != 12]
    assert two.unread() == {12: "GitHub hides this"}
    assert two.known[ORDERS].mark is None


def test_many_labels_that_github_hides_are_not_asked_for_one_by_one(github: GitHub) -> None:
    github.organisation = many(github.organisation, 40)
    reader = Reader(github, labels={ORDERS: PREVIEW})
    reader.settle()
    places: list[Place] = [("r0", "list", "nodes", k, "labels") for k in range(40)]
    errors = dict.fromkeys(places, ("FORBIDDEN", "GitHub hides this"))
    github.intercept = faults.on("List", lambda request: request.answer(errors=errors))

    assert reader.read(ORDERS) == {}
    assert reader.asked().count("Labels") == LABELS_ASKED_FOR_AGAIN
    assert len(reader.numbers()) == LABELS_ASKED_FOR_AGAIN
    assert set(reader.unread().values()) == {"GitHub hides this"}


SCALARS = ["id", "number", "state", "title", "isDraft", "isCrossRepository", "updatedAt", "baseRefName", "headRefName"]


@pytest.mark.parametrize("field", [*SCALARS, "headRefOid"])
def test_an_entry_without_a_field_is_left_out_alone(two: Reader, field: str) -> None:
    numbers = two.numbers()
    two.github.intercept = faults.on("List", faults.nested_error("r0", "list", "nodes", entry(two, 12), field))

    assert two.read(ORDERS) == {}
    assert two.numbers() == [number for number in numbers if number != 12]
    assert two.known[ORDERS].mark is None


@pytest.mark.parametrize(
    "place", [("list",), ("list", "nodes"), ("list", "totalCount"), ("list", "pageInfo"), ("id",), ("k0",)], ids=str
)
def test_an_error_about_the_repository_stays_with_the_repository(two: Reader, place: Place) -> None:
    two.github.intercept = faults.on("List", faults.nested_error("r0", *place))

    assert two.read(ORDERS, USERS) == {ORDERS: "GitHub hides this"}


# --- What changed last


@pytest.mark.parametrize("place", [("nodes", 1), ("nodes", 1, "updatedAt"), ("nodes",)], ids=str)
def test_an_error_about_what_changed_last_costs_only_the_mark(two: Reader, place: Place) -> None:
    before = two.known[ORDERS]
    two.github.intercept = faults.nested_error("r0", "newest", *place)

    assert two.read() == {}
    assert two.asked() == ["Probe", "List"]
    assert two.known[ORDERS] == before
    assert two.known[ORDERS].mark is None


# --- Details


@pytest.mark.parametrize("place", [("nodes", 0), ("nodes", 0, "body"), ("nodes", 0, "updatedAt")], ids=str)
def test_a_description_that_github_hides_leaves_out_one_pull_request(two: Reader, place: Place) -> None:
    two.change(ORDERS, 12, body="New", updated_at=LATER)
    two.change(ORDERS, 15, title="New", updated_at=LATER)
    two.github.intercept = faults.on("Details", faults.nested_error(*place))

    assert two.read() == {}
    assert two.unread() == {12: "the description of #12 could not be read: GitHub hides this"}
    assert two.pull_request(15).title == "New"


@pytest.mark.parametrize("place", [("c0",), ("f0",), ("c0", "oid"), ("f0", "byteSize"), ("f0", "text")], ids=str)
def test_a_file_that_github_hides_leaves_out_one_pull_request(two: Reader, place: Place) -> None:
    two.change(ORDERS, 12, head_sha="a" * 40, config="version: 1\n", updated_at=LATER)
    two.change(ORDERS, 15, head_sha="b" * 40, config="version: 1\n", updated_at=LATER)
    two.github.intercept = faults.on("Details", faults.nested_error("r0", *place))

    assert two.read() == {}
    assert two.unread() == {12: ".preview.yaml of #12 could not be read: GitHub hides this"}
    assert two.pull_request(15).head_sha == "b" * 40


def test_files_that_github_hides_are_doubt_about_their_repository(two: Reader) -> None:
    two.change(ORDERS, 12, head_sha="a" * 40, updated_at=LATER)
    two.change(USERS, 7, title="New", updated_at=LATER)
    two.github.intercept = faults.on("Details", faults.nested_error("r0"))

    assert two.read() == {ORDERS: ".preview.yaml of #12 could not be read: GitHub hides this"}


# --- A cold start


@pytest.mark.parametrize("place", [("author",), ("headRepository",)], ids=str)
def test_a_cold_start_is_complete_whatever_github_hides(fresh: Reader, place: Place) -> None:
    fresh.github.intercept = faults.on("List", faults.nested_error("r0", "list", "nodes", 0, *place))

    assert fresh.read() == {}
    assert len(fresh.numbers()) == len(set(fresh.numbers())) > 1


def test_a_cold_start_waits_a_little_for_an_unread_pull_request(fresh: Reader) -> None:
    fresh.github.intercept = faults.on("List", faults.nested_error("r0", "list", "nodes", 0, "title"))
    found = [fresh.read() for _ in range(TIMES_SHORT)]

    assert found == [{ORDERS: "GitHub hides this"}] * (TIMES_SHORT - 1) + [{}]


# --- All together


def test_a_live_preview_whose_fork_field_fails_stays_as_it_was(
    github: GitHub, plugin: Plugin, organisation: Organisation
) -> None:
    plugin.refresh()
    before = plugin.answer()
    later = LONG_AGO + timedelta(minutes=1)
    github.organisation = changed(organisation, ORDERS, 12, head_sha="e" * 40, updated_at=later)
    place = ("list", "nodes", 0, "headRepository")  # the first of acme/orders is number 12
    github.intercept = faults.on("List", faults.asking_for(ORDERS, lambda alias: faults.nested_error(alias, *place)))
    report = plugin.refresh()

    assert doubts(report) == {}
    assert plugin.answer() == before
    assert plugin.snapshot().repositories[ORDERS].held[12].reason == (
        "its listing shows a fork's pull request, which it cannot have become"
    )
    github.intercept = None
    plugin.refresh()
    assert plugin.preview("orders", 12).pull_request.head_sha == "e" * 40
