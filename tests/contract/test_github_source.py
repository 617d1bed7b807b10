"""The GitHub source by itself: what it asks when, what it takes from what was known, and what it says in doubt."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from plugin.core.config.references import Locator
from plugin.core.facts.model import LookUp, Mark, PullRequestState, Repository
from plugin.sources import Doubt, Wanted
from plugin.sources.file import LONG_AGO, Organisation, RepositoryEntry
from plugin.sources.github.client import GitHubClient, Token
from plugin.sources.github.limiter import OUT_OF_TIME
from plugin.sources.github.listing import GONE, REPLACED, TIMES_SHORT
from plugin.sources.github.look_ups import LOOK_UPS_PER_REQUEST
from plugin.sources.github.reader import GitHubSource
from tests.contract.conftest import Time, changed, operations, pull_request, with_pull_requests
from tests.fakes.github import GitHub, Intercept, Request, faults

LATER = LONG_AGO + timedelta(minutes=1)
PREVIEW = frozenset({"preview"})
SHORTER = "GitHub's list of its pull requests is shorter than GitHub's count of them"


@dataclass
class Reader:
    """Reads again and again, and remembers what was known as the mirror does."""

    github: GitHub
    time: Time = field(default_factory=Time)
    labels: Mapping[str, frozenset[str]] = field(default_factory=dict)
    known: dict[str, Repository] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.github.now = self.time.now
        self.labels = self.labels or dict.fromkeys(sorted(self.github.organisation.repositories), PREVIEW)
        self.restart()

    def restart(self) -> None:
        """Make a new process that was given what was known."""
        client = GitHubClient(self.github.url, Token(self.github.token), self.time.clock)
        self.source = GitHubSource(client)

    def read(self, *must_list: str) -> dict[str, str]:
        """Read everything, return the doubts."""
        self.github.log.clear()
        wanted = [
            Wanted(name, labels, self.known.get(name), must_list=name in must_list)
            for name, labels in self.labels.items()
        ]
        readings = self.source.read(wanted)
        assert list(readings.keys() ^ self.labels.keys()) == []
        self.known |= {name: found for name, found in readings.items() if isinstance(found, Repository)}
        return {name: found.reason for name, found in readings.items() if isinstance(found, Doubt)}

    def settle(self) -> None:
        """Read until all is known and old enough."""
        assert self.read() == {}
        self.time.passes(20)
        assert self.read() == {}

    def asked(self) -> list[str]:
        return operations(self.github)

    def look_up(self, *locators: str) -> dict[str, LookUp]:
        asked = [Locator(name, int(number)) for name, _, number in (locator.partition("#") for locator in locators)]
        return {str(locator): found for locator, found in self.source.look_up(asked, self.known).items()}

    def change(self, repository: str, number: int, **changes: Any) -> None:
        self.github.organisation = changed(self.github.organisation, repository, number, **changes)

    def numbers(self, repository: str = "acme/orders") -> list[int]:
        return [known.number for known in self.known[repository].pull_requests]

    def first(self, repository: str = "acme/orders") -> Any:
        return self.known[repository].pull_requests[0]

    def mark(self, repository: str = "acme/orders") -> Mark:
        mark = self.known[repository].mark
        assert mark
        return mark


@pytest.fixture(name="github")
def _github(organisation: Organisation) -> Iterator[GitHub]:
    with GitHub(organisation, inside=True) as github:
        yield github


@pytest.fixture(name="reader")
def _reader(github: GitHub) -> Reader:
    reader = Reader(github)
    reader.settle()
    github.log.clear()
    return reader


# --- Probing


def test_what_looks_the_same_is_the_very_object_that_was_known(reader: Reader) -> None:
    before = dict(reader.known)

    assert reader.read() == {}
    assert reader.asked() == ["Probe"]
    assert all(reader.known[name] is before[name] for name in before)


def test_only_what_changed_is_listed(reader: Reader) -> None:
    reader.change("acme/orders", 12, title="Another title", updated_at=LATER)
    before = dict(reader.known)
    reader.read()

    (listing,) = (call for call in reader.github.log if call.operation == "List")
    assert [value for name, value in listing.variables.items() if name.startswith("n")] == ["orders"]
    assert reader.first().title == "Another title"
    assert all((reader.known[name] is before[name]) == (name != "acme/orders") for name in before)


def test_who_must_be_listed_is_not_probed(reader: Reader) -> None:
    before = reader.known["acme/orders"]
    reader.read("acme/orders")

    assert reader.asked() == ["Probe", "List"]
    assert reader.known["acme/orders"] is not before
    assert reader.known["acme/orders"] == before


def test_other_labels_than_before_are_listed(reader: Reader) -> None:
    reader.labels = {**reader.labels, "acme/orders": frozenset({"preview", "zebra"})}
    reader.read()

    assert reader.asked() == ["Probe", "List"]
    assert reader.known["acme/orders"].labels == {"preview", "zebra"}
    assert len(reader.mark().label_ids) == 2


def test_a_repository_without_pull_requests_is_settled(reader: Reader) -> None:
    reader.github.organisation = with_pull_requests(reader.github.organisation, "acme/orders")
    reader.read()
    reader.read()

    assert reader.asked() == ["Probe"]


def test_a_change_is_listed_again_until_nothing_else_can_have_happened_in_its_second(reader: Reader) -> None:
    now = reader.time.now().replace(microsecond=0)
    reader.change("acme/orders", 12, title="One", updated_at=now)
    reader.read()
    assert not reader.mark().settled
    reader.change("acme/orders", 12, title="Two", updated_at=now)
    reader.read()
    assert reader.first().title == "Two"

    reader.time.passes(20)
    reader.read()
    assert reader.mark().settled
    reader.read()
    assert reader.asked() == ["Probe"]


def test_an_answer_without_a_date_settles_nothing(reader: Reader) -> None:
    reader.github.intercept = lambda request: request.answer().with_headers({"Date": "yesterday"})
    reader.read("acme/orders")

    assert not reader.mark().settled


def test_a_deleted_label_is_noticed_though_no_pull_request_was_updated(reader: Reader) -> None:
    reader.github.delete_label("acme/orders", "preview")
    reader.read()

    assert reader.asked() == ["Probe", "List"]
    assert reader.numbers() == []
    assert reader.mark().label_ids == ("",)


def _no_such_label(answer: dict[str, Any]) -> None:
    answer["data"]["r0"]["k0"] = None
    message = "Could not resolve to a Label with the name preview."
    answer["errors"] = [{"type": "NOT_FOUND", "path": ["r0", "k0"], "message": message}]


def test_a_label_that_the_repository_lacks_is_no_doubt_even_if_github_calls_it_an_error(
    organisation: Organisation,
) -> None:
    with GitHub(organisation, inside=True) as github:
        reader = Reader(github, labels={"acme/orders": PREVIEW})
        github.intercept = faults.spoiled(
            lambda answer: _no_such_label(answer) if "r0" in answer["data"] and "k0" in answer["data"]["r0"] else None
        )
        reader.settle()

        assert reader.mark().label_ids == ("",)
        assert operations(github)[-1:] == ["Probe"]


def test_another_default_branch_is_noticed(reader: Reader) -> None:
    organisation = reader.github.organisation
    orders = organisation.repositories["acme/orders"].model_copy(update={"default_branch": "trunk"})
    reader.github.organisation = Organisation(repositories={**organisation.repositories, "acme/orders": orders})
    reader.read()

    assert reader.known["acme/orders"].default_branch == "trunk"


@pytest.mark.parametrize(
    "fault",
    [
        faults.alias_error("r1"),
        faults.null_repository("r1"),
        faults.spoiled(lambda answer: answer.update(errors=[{"type": "X", "path": ["r1", "id"], "message": "no"}])),
        faults.spoiled(lambda answer: answer["data"]["r1"].pop("newest")),
        faults.spoiled(lambda answer: answer["data"]["r1"].update(id=None)),
    ],
    ids=["forbidden", "null", "an error inside", "no newest", "no id"],
)
def test_what_a_probe_could_not_tell_is_listed(reader: Reader, fault: Intercept) -> None:
    before = dict(reader.known)
    reader.github.intercept = faults.on("Probe", fault)

    assert reader.read() == {}
    assert reader.asked() == ["Probe", "List"]
    assert reader.known == before


def test_a_probe_that_is_too_heavy_is_asked_in_halves(reader: Reader) -> None:
    reader.github.intercept = faults.times(1, faults.on("Probe", faults.server_error(502)))

    assert reader.read() == {}
    assert reader.asked() == ["Probe", "Probe", "Probe"]


def test_a_probe_that_fails_is_doubt_and_lists_nothing(reader: Reader) -> None:
    reader.github.intercept = faults.on("Probe", faults.server_error(500))

    assert reader.read() == dict.fromkeys(reader.labels, "GitHub answered with status 500")
    assert reader.asked() == ["Probe"]


def test_repositories_of_one_owner_are_probed_a_hundred_at_once(organisation: Organisation) -> None:
    repositories = {f"acme/r{i}": organisation.repositories["acme/users"] for i in range(101)}
    with GitHub(Organisation(repositories=repositories), inside=True) as github:
        reader = Reader(github)
        reader.settle()
        reader.read()

        assert reader.asked() == ["Probe", "Probe"]


# --- Pages


def many(organisation: Organisation, count: int = 30) -> Organisation:
    return with_pull_requests(organisation, "acme/orders", *(pull_request(number) for number in range(1, count + 1)))


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


def test_a_repository_that_is_made_anew_between_two_pages_is_doubt(organisation: Organisation) -> None:
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


def test_a_list_that_is_always_short_by_the_same_is_believed_in_the_end(reader: Reader) -> None:
    reader.github.intercept = faults.lost_half(honest=True)
    doubts = [bool(reader.read("acme/orders")) for _ in range(TIMES_SHORT)]

    assert doubts == [True] * (TIMES_SHORT - 1) + [False]
    assert reader.read("acme/orders") == {}


def test_a_list_that_is_short_by_another_number_each_time_is_not_believed(reader: Reader) -> None:
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


def test_further_labels_that_cannot_be_read_are_doubt_about_their_repository_only(reader: Reader) -> None:
    reader.change("acme/orders", 12, labels=("preview", *(f"label-{i}" for i in range(100))))
    reader.github.intercept = faults.on("Labels", faults.server_error(502))

    assert reader.read(*reader.labels) == {"acme/orders": "GitHub broke the query off (502)"}
    assert reader.asked() == ["List", "Labels"]


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


def test_a_null_entry_is_doubt(reader: Reader) -> None:
    reader.github.intercept = faults.null_nodes()

    assert set(reader.read("acme/orders")) == {"acme/orders"}


# --- What was known is not read again


def test_after_a_restart_nothing_is_read_that_was_known(reader: Reader) -> None:
    reader.restart()
    reader.read()
    assert reader.asked() == ["Probe"]

    reader.restart()
    before = dict(reader.known)
    reader.read(*reader.labels)
    assert reader.asked() == ["List"]
    assert reader.known == before


def test_a_change_of_the_description_reads_no_file(reader: Reader) -> None:
    reader.change("acme/backoffice", 4, body="Something else", updated_at=LATER)
    reader.read()

    (details,) = (call for call in reader.github.log if call.operation == "Details")
    assert list(details.variables) == ["ids"]
    assert reader.first("acme/backoffice").body == "Something else"
    assert reader.first("acme/backoffice").config is not None


def test_a_commit_that_two_pull_requests_share_is_read_once(reader: Reader) -> None:
    entries = reader.github.organisation.repositories["acme/orders"].pull_requests
    twin = entries[0].model_copy(update={"number": 99, "branch": "twin"})
    reader.github.organisation = with_pull_requests(reader.github.organisation, "acme/orders", *entries, twin)
    reader.read()

    (details,) = (call for call in reader.github.log if call.operation == "Details")
    assert list(details.variables) == ["ids"]
    assert reader.known["acme/orders"].pull_requests[-1].config == reader.first().config


def test_a_forks_missing_file_says_nothing_about_the_same_commit_in_the_repository(reader: Reader) -> None:
    repository = reader.known["acme/backoffice"]
    fork = replace(repository.pull_requests[0], fork=True, config=None)
    reader.known["acme/backoffice"] = replace(repository, pull_requests=(fork,))
    reader.read("acme/backoffice")

    assert reader.first("acme/backoffice").config is not None


def test_what_another_source_knew_is_read_again(reader: Reader) -> None:
    repository = reader.known["acme/backoffice"]
    other = replace(repository.pull_requests[0], body="of another source", config=None)
    reader.known["acme/backoffice"] = replace(repository, pull_requests=(other,), identity=None)
    reader.read()

    assert reader.known["acme/backoffice"] == repository


def test_files_of_a_repository_that_stays_doubtful_are_read_once(reader: Reader) -> None:
    reader.change("acme/orders", 12, head_sha="a" * 40, updated_at=LATER)
    reader.change("acme/orders", 15, head_sha="b" * 40, updated_at=LATER)
    reader.github.forget_commit("b" * 40)
    for _ in range(2):
        assert set(reader.read()) == {"acme/orders"}
    (details,) = (call for call in reader.github.log if call.operation == "Details")
    assert "a" * 40 not in details.variables.values()

    reader.github.remember_commit("b" * 40)
    assert reader.read() == {}
    assert reader.first().head_sha == "a" * 40


def test_known_sizes_are_the_first_guess_of_a_page(reader: Reader) -> None:
    reader.github.organisation = many(reader.github.organisation)
    reader.read()
    reader.restart()
    reader.read("acme/orders")

    (listing,) = (call for call in reader.github.log if call.operation == "List")
    assert listing.variables["f0"] == 35


# --- Answers that go back in time


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


# --- Names that lead elsewhere


def test_a_renamed_repository_is_named_by_both_names(reader: Reader) -> None:
    reader.github.rename("acme/orders", "acme/orders-api")

    assert reader.read() == {"acme/orders": "acme/orders is now acme/orders-api; change the catalog"}
    assert reader.asked() == ["Probe", "List", "Identity"]


def test_a_transferred_repository_is_named_too(reader: Reader) -> None:
    reader.github.rename("acme/orders", "globex/orders")

    assert reader.read() == {"acme/orders": "acme/orders is now globex/orders; change the catalog"}


def test_a_repository_that_comes_back_is_read_again(reader: Reader) -> None:
    reader.github.rename("acme/orders", "acme/orders-api")
    reader.read()
    reader.github.restore()

    assert reader.read() == {}


def test_a_name_that_was_given_to_another_repository_is_doubt(reader: Reader) -> None:
    reader.github.recreate("acme/orders")
    before = reader.known["acme/orders"]

    assert reader.read() == {"acme/orders": REPLACED}
    reader.restart()
    assert reader.read() == {"acme/orders": REPLACED}
    assert reader.known["acme/orders"] is before


def test_a_renamed_repository_whose_name_was_taken_is_still_named_by_its_new_name(organisation: Organisation) -> None:
    both = {
        "acme/orders": organisation.repositories["acme/orders"],
        "acme/new": organisation.repositories["acme/users"],
    }
    with GitHub(Organisation(repositories=both), inside=True) as github:
        reader = Reader(github, labels={"acme/orders": PREVIEW})
        reader.settle()
        github.rename("acme/orders", "acme/old-orders")
        github.rename("acme/new", "acme/orders")

        assert reader.read() == {"acme/orders": "acme/orders is now acme/old-orders; change the catalog"}


def test_a_deleted_repository_says_what_to_do(reader: Reader) -> None:
    reader.github.delete("acme/orders")
    reader.github.delete("acme/users")

    assert reader.read() == {"acme/orders": GONE, "acme/users": GONE}
    assert reader.asked() == ["Probe", "List", "Identity"]


def test_a_repository_that_was_never_seen_says_what_to_check(organisation: Organisation) -> None:
    with GitHub(organisation, inside=True) as github:
        reader = Reader(github, labels={"acme/order": PREVIEW})
        (doubt,) = reader.read().values()

        assert doubt == "GitHub finds no such repository; is its name right, and may the GitHub App or token read it?"
        assert reader.asked() == ["List"]


def test_a_repository_that_was_never_seen_and_is_null_is_doubt(organisation: Organisation) -> None:
    with GitHub(organisation, inside=True) as github:
        reader = Reader(github, labels={"acme/orders": PREVIEW})
        github.intercept = faults.null_repository("r0")

        assert reader.read() == {"acme/orders": "GitHub gave no data for it"}


def test_a_new_name_that_a_listing_shows_is_named(organisation: Organisation) -> None:
    with GitHub(organisation, inside=True) as github:
        reader = Reader(github, labels={"acme/orders": PREVIEW})
        github.intercept = faults.spoiled(lambda answer: answer["data"]["r0"].update(nameWithOwner="acme/new"))

        assert reader.read() == {"acme/orders": "acme/orders is now acme/new; change the catalog"}


def test_a_name_is_the_same_in_any_case(organisation: Organisation) -> None:
    with GitHub(organisation, inside=True) as github:
        reader = Reader(github, labels={"Acme/Orders": PREVIEW})
        reader.settle()

        assert reader.known["Acme/Orders"].name == "Acme/Orders"
        assert reader.read() == {}
        assert operations(github) == ["Probe"]


@pytest.mark.parametrize(
    "fault",
    [
        faults.server_error(500),
        faults.alias_error("nodes"),
        faults.spoiled(lambda answer: answer["errors"][0].update(type="FORBIDDEN")),
        faults.spoiled(lambda answer: answer["data"].update(nodes=[])),
        faults.empty_object(),
    ],
    ids=["500", "forbidden", "forbidden by its place", "too few", "empty"],
)
def test_an_identity_that_cannot_be_asked_for_is_doubt_all_the_same(reader: Reader, fault: Intercept) -> None:
    reader.github.delete("acme/orders")
    reader.github.intercept = faults.on("Identity", fault)

    assert reader.read() == {"acme/orders": "GitHub gave no data for it"}


def test_a_repository_that_is_null_only_in_listings_is_doubt(reader: Reader) -> None:
    reader.github.intercept = faults.on("List", faults.null_repository("r0"))

    assert reader.read("acme/orders") == {"acme/orders": "GitHub gave no data for it"}


def test_a_refused_repository_says_what_github_says(reader: Reader) -> None:
    reader.github.intercept = faults.on("List", faults.alias_error("r0"))

    assert reader.read("acme/orders") == {"acme/orders": "Resource not accessible by integration"}
    assert reader.asked() == ["Probe", "List"]


@pytest.mark.parametrize(("kind", "place"), [("NOT_FOUND", "list"), ("FORBIDDEN", "k0")])
def test_an_error_inside_a_repository_is_no_missing_repository_and_no_missing_label(
    reader: Reader, kind: str, place: str
) -> None:
    errors = [{"type": kind, "path": ["r0", place], "message": "no list"}]
    reader.github.intercept = faults.on("List", faults.spoiled(lambda answer: answer.update(errors=errors)))

    assert reader.read("acme/orders") == {"acme/orders": "no list"}
    assert reader.asked() == ["Probe", "List"]


# --- Look-ups


def test_a_look_up_says_all_that_a_confirmation_needs(reader: Reader) -> None:
    reader.change("acme/orders", 12, draft=True, labels=("preview", "kind/bug"), updated_at=LATER)
    found = reader.look_up("acme/orders#12")["acme/orders#12"]

    assert found.answered_at <= reader.time.now()
    assert reader.time.now() - found.answered_at < timedelta(seconds=5)
    assert replace(found, answered_at=LATER) == LookUp(
        PullRequestState.OPEN, LATER, LATER, draft=True, labels=frozenset({"preview", "kind/bug"}), all_labels=True
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


def test_a_look_up_says_when_there_are_more_labels(reader: Reader) -> None:
    reader.change("acme/orders", 12, labels=tuple(f"label-{i}" for i in range(101)))

    assert not reader.look_up("acme/orders#12")["acme/orders#12"].all_labels


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
        pytest.param(_spoil("labels", {"totalCount": 1, "nodes": [None]}), id="a null label"),
    ],
)
def test_what_a_look_up_does_not_say_clearly_is_left_out(reader: Reader, fault: Intercept) -> None:
    reader.github.intercept = fault

    assert reader.look_up("acme/orders#12") == {}


def test_a_number_that_is_not_found_in_another_repository_is_not_missing(reader: Reader) -> None:
    reader.github.recreate("acme/orders")

    assert reader.look_up("acme/orders#999") == {}


def test_without_githubs_clock_nothing_is_missing(reader: Reader) -> None:
    reader.github.intercept = lambda request: request.answer().with_headers({"Date": "yesterday"})

    assert reader.look_up("acme/orders#999") == {}


def test_a_repository_that_is_not_known_is_not_asked(reader: Reader) -> None:
    del reader.known["acme/orders"]
    reader.known["acme/users"] = replace(reader.known["acme/users"], identity=None)

    assert reader.look_up("acme/orders#12", "acme/users#5") == {}
    assert reader.asked() == []


# --- Limits


def test_one_owners_limit_leaves_the_others(organisation: Organisation) -> None:
    repositories = {**organisation.repositories, "globex/site": organisation.repositories["acme/users"]}
    with GitHub(Organisation(repositories=repositories), inside=True) as github:
        reader = Reader(github)
        reader.settle()

        def down(request: Request) -> Any:
            return faults.server_error(500)(request) if "acme" in request.variables.values() else None

        github.intercept = down

        assert set(reader.read()) == set(reader.labels) - {"globex/site"}


def test_a_used_up_budget_is_not_asked_again_before_it_is_renewed(reader: Reader) -> None:
    reader.github.budget = 0
    assert reader.read() == dict.fromkeys(reader.labels, "GitHub's rate limit is used up")
    assert reader.asked() == ["Probe"]
    blocked = reader.source.usage.resumes_at
    assert blocked
    assert blocked > reader.time.now()
    (reason,) = set(reader.read().values())
    assert re.fullmatch(r"GitHub's rate limit is used up until \d\d:\d\d UTC", reason)
    assert reader.asked() == []

    reader.github.budget = None
    reader.time.passes((blocked - reader.time.now()).total_seconds() + 1)
    assert reader.read() == {}


def test_the_last_point_is_known_to_be_the_last(reader: Reader) -> None:
    used = 5000 - (reader.source.usage.remaining or 0)
    reader.github.budget = used + 1
    assert reader.read() == {}
    assert reader.asked() == ["Probe"]
    assert reader.source.usage.remaining == 0

    assert all(reason.startswith("GitHub's rate limit is used up") for reason in reader.read().values())
    assert reader.asked() == []


# --- Time

LISTING, DETAILS, LOOKING_UP = 25.0, 20.0, 5.0  # seconds; the plugin takes more, which would make these tests larger


@pytest.fixture(name="little_time")
def _little_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("LISTING", LISTING), ("DETAILS", DETAILS), ("LOOKING_UP", LOOKING_UP)):
        monkeypatch.setattr(f"plugin.sources.github.reader.{name}", seconds)


def slow(repositories: int, pull_requests: int) -> Organisation:
    names = [f"acme/service-{i:02}" for i in range(repositories)]
    entries = tuple(pull_request(number) for number in range(1, pull_requests + 1))
    return Organisation(repositories=dict.fromkeys(names, RepositoryEntry(pull_requests=entries)))


@pytest.mark.usefixtures("little_time")
@pytest.mark.parametrize(("repositories", "pull_requests", "seconds"), [(60, 10, 6), (12, 130, 3), (50, 30, 5)])
def test_a_refresh_ends_in_time_and_the_next_one_goes_on(repositories: int, pull_requests: int, seconds: float) -> None:
    with GitHub(slow(repositories, pull_requests), inside=True) as github:
        reader = Reader(github)
        github.latency, github.sleep = seconds, reader.time.passes
        left = [repositories]
        while left[-1]:
            begun = reader.time.monotonic()
            reasons = reader.read()
            assert reader.time.monotonic() - begun < LISTING + DETAILS + 2 * seconds
            assert set(reasons.values()) <= {OUT_OF_TIME}
            assert len(reasons) < left[-1]
            left.append(len(reasons))
            reader.known = {
                name: replace(known, listed_at=known.listed_at or reader.time.now())
                for name, known in reader.known.items()
            }
            reader.time.passes(60)

    assert len(left) > 2
    assert all(len(known.pull_requests) == pull_requests for known in reader.known.values())


def test_who_was_listed_longest_ago_is_listed_first(reader: Reader) -> None:
    reader.known["acme/payments"] = replace(reader.known["acme/payments"], listed_at=None)
    for i, name in enumerate(["acme/users", "acme/orders", "acme/shop"]):
        reader.known[name] = replace(reader.known[name], listed_at=LATER + timedelta(seconds=i))
    reader.read("acme/orders", "acme/payments", "acme/shop", "acme/users")

    (listing,) = (call for call in reader.github.log if call.operation == "List")
    assert [listing.variables[f"n{i}"] for i in range(4)] == ["payments", "users", "orders", "shop"]


@pytest.mark.usefixtures("little_time")
def test_where_time_is_short_no_owner_is_always_the_last() -> None:
    names = [f"{owner}/users" for owner in ("acme", "dan", "globex", "initech")]
    with GitHub(Organisation(repositories=dict.fromkeys(names, RepositoryEntry())), inside=True) as github:
        reader = Reader(github)
        github.latency, github.sleep = 19, reader.time.passes  # so that there is time for two of them
        left = []
        for _ in range(4):
            left += list(reader.read())
            reader.known.clear()
            reader.time.passes(60)

    assert Counter(left) == dict.fromkeys(names, 2)


@pytest.mark.usefixtures("little_time")
def test_looking_up_ends_in_time_too(reader: Reader) -> None:
    numbers = [f"acme/orders#{number}" for number in range(1, 301)]
    reader.github.latency, reader.github.sleep = LOOKING_UP, reader.time.passes
    found = reader.look_up(*numbers)

    assert reader.asked() == ["Confirm"]
    assert len(found) == LOOK_UPS_PER_REQUEST


def test_what_is_left_is_not_known_any_more_once_points_are_renewed(reader: Reader) -> None:
    assert reader.source.usage.remaining

    reader.time.passes(3600)
    assert reader.source.usage.remaining is None
