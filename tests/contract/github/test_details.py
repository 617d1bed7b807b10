"""Details: what was known is not read again."""

from dataclasses import replace

from tests.contract.conftest import with_pull_requests
from tests.contract.github.reader import LATER, Reader, many


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


def test_a_fork_s_missing_file_is_read_for_the_same_commit_here(reader: Reader) -> None:
    repository = reader.known["acme/backoffice"]
    fork = replace(repository.pull_requests[0], fork=True, config=None)
    reader.known["acme/backoffice"] = replace(repository, pull_requests=(fork,))
    reader.read("acme/backoffice")

    assert reader.first("acme/backoffice").config is not None


def test_what_another_source_knew_is_read_again(reader: Reader) -> None:
    repository = reader.known["acme/backoffice"]
    other = replace(repository.pull_requests[0], body="of another source", config=None)
    reader.known["acme/backoffice"] = replace(repository, pull_requests=(other,), identity="")
    reader.read()

    assert reader.known["acme/backoffice"] == repository


def test_files_of_unread_pull_requests_are_read_once(reader: Reader) -> None:
    reader.change("acme/orders", 12, head_sha="a" * 40, updated_at=LATER)
    reader.change("acme/orders", 15, head_sha="b" * 40, updated_at=LATER)
    reader.github.forget_commit("b" * 40)
    for _ in range(2):
        assert reader.read() == {}
        assert reader.unread() == {15: "GitHub does not know the head commit of #15 yet"}
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
