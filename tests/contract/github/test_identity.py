"""Names that lead elsewhere: renamed, transferred, deleted and made again."""

import pytest

from plugin.sources.file import Organisation
from plugin.sources.github.listing import GONE, REPLACED
from tests.contract.conftest import operations
from tests.contract.github.reader import PREVIEW, Reader
from tests.fakes.github import GitHub, Intercept, faults


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


def test_a_renamed_repository_is_named_though_its_name_was_taken(organisation: Organisation) -> None:
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

        assert doubt == "GitHub cannot find it; is its name right, and may the GitHub App or token read it?"
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
def test_an_error_inside_a_repository_means_nothing_is_missing(reader: Reader, kind: str, place: str) -> None:
    errors = [{"type": kind, "path": ["r0", place], "message": "no list"}]
    reader.github.intercept = faults.on("List", faults.spoiled(lambda answer: answer.update(errors=errors)))

    assert reader.read("acme/orders") == {"acme/orders": "no list"}
    assert reader.asked() == ["Probe", "List"]
