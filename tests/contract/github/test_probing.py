"""Probing: what is listed again, and what is taken to be as it was."""

from typing import Any

import pytest

from plugin.sources.file import Organisation
from tests.contract.conftest import operations, with_pull_requests
from tests.contract.github.reader import LATER, PREVIEW, Reader
from tests.fakes.github import GitHub, Intercept, faults


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


def test_a_repository_that_must_be_listed_is_not_probed(reader: Reader) -> None:
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
    assert reader.known["acme/orders"].missing_labels == set()


def test_a_repository_without_pull_requests_is_settled(reader: Reader) -> None:
    reader.github.organisation = with_pull_requests(reader.github.organisation, "acme/orders")
    reader.read()
    reader.read()

    assert reader.asked() == ["Probe"]


def test_a_change_is_listed_again_until_it_has_settled(reader: Reader) -> None:
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
    assert reader.known["acme/orders"].missing_labels == PREVIEW


def _no_such_label(answer: dict[str, Any]) -> None:
    answer["data"]["r0"]["k0"] = None
    message = "Could not resolve to a Label with the name preview."
    answer["errors"] = [{"type": "NOT_FOUND", "path": ["r0", "k0"], "message": message}]


def test_a_missing_label_is_no_doubt_even_if_github_calls_it_an_error(
    organisation: Organisation,
) -> None:
    with GitHub(organisation, inside=True) as github:
        reader = Reader(github, labels={"acme/orders": PREVIEW})
        github.intercept = faults.spoiled(
            lambda answer: _no_such_label(answer) if "r0" in answer["data"] and "k0" in answer["data"]["r0"] else None
        )
        reader.settle()

        assert reader.known["acme/orders"].missing_labels == PREVIEW
        assert operations(github)[-1:] == ["Probe"]


def test_a_renamed_label_is_noticed_and_ends_nothing(reader: Reader) -> None:
    reader.change("acme/orders", 12, labels=("Preview",))
    reader.read("acme/orders")

    assert 12 in reader.numbers()
    assert reader.pull_request(12).labels == ("Preview",)


def test_archiving_is_noticed_though_no_pull_request_was_updated(reader: Reader) -> None:
    archived_at = reader.time.now().replace(microsecond=0)
    reader.github.archive("acme/orders", archived_at)
    reader.read()
    assert reader.asked() == ["Probe", "List"]
    assert reader.known["acme/orders"].archived_at == archived_at

    reader.read()
    assert reader.asked() == ["Probe"]
    reader.github.archive("acme/orders", None)
    reader.read()
    assert reader.known["acme/orders"].archived_at is None


def test_publishing_a_repository_is_noticed_though_no_pull_request_was_updated(reader: Reader) -> None:
    def becomes(visibility: str) -> None:
        organisation = reader.github.organisation
        orders = organisation.repositories["acme/orders"].model_copy(update={"visibility": visibility})
        reader.github.organisation = Organisation(repositories={**organisation.repositories, "acme/orders": orders})
        reader.read()

    assert reader.known["acme/orders"].public is False
    becomes("public")
    assert reader.known["acme/orders"].public is True
    becomes("internal")
    assert reader.known["acme/orders"].public is False


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
