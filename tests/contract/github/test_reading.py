"""Reading GitHub: what is asked, how often, and what comes of it, against GitHub's own schema."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from plugin.sources.file import LONG_AGO, FileSource, Organisation, load_organisation
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.pygithub import Token
from tests.contract.conftest import (
    ACME,
    EditedCatalog,
    Plugin,
    changed,
    doubts,
    make_plugin,
    operations,
    plugin_of,
    pull_request,
    with_pull_requests,
)
from tests.fakes.github import Blob, GitHub, Symlink, Tree
from tests.fakes.github.faults import on, server_error, spoiled


def test_both_sources_give_the_same_snapshot_and_the_same_parameters(github: GitHub, plugin: Plugin) -> None:
    github.organisation = load_organisation(ACME / "organisation.yaml")
    from_file = plugin_of(FileSource(ACME / "organisation.yaml"))
    from_file.refresh()
    plugin.refresh()

    without_identity = {name: replace(it, identity="") for name, it in plugin.snapshot().repositories.items()}
    assert from_file.snapshot().repositories == without_identity
    assert from_file.answer() == plugin.answer()


def test_a_cold_start_lists_reads_details_and_looks_up_once(github: GitHub, plugin: Plugin) -> None:
    plugin.refresh()

    assert operations(github) == ["List", "Details", "Confirm"]


def test_an_unchanged_organisation_is_only_probed(github: GitHub, plugin: Plugin) -> None:
    plugin.refresh()
    github.log.clear()
    report = plugin.refresh()

    assert operations(github) == ["Probe"]
    assert (report.requests, report.points, report.changed) == (1, 1, False)


def test_a_push_reads_one_file_and_no_other(github: GitHub, plugin: Plugin, organisation: Organisation) -> None:
    plugin.refresh()
    github.log.clear()
    config = "version: 1\ndependencies: {payments: pr:123}\n"
    github.organisation = changed(
        organisation, "acme/orders", 12, head_sha="a" * 40, config=config, updated_at=LONG_AGO + timedelta(minutes=1)
    )
    plugin.refresh()

    (details,) = (call for call in github.log if call.operation == "Details")
    assert [value for name, value in details.variables.items() if name.startswith("e")] == ["a" * 40 + ":.preview.yaml"]
    assert plugin.preview("orders", 12).dependencies[0].locator == "acme/payments#123"


def test_a_description_that_was_changed_is_read_again(
    github: GitHub, plugin: Plugin, organisation: Organisation
) -> None:
    plugin.refresh()
    body = "Depends-On: acme/payments#123"
    github.organisation = changed(
        organisation, "acme/orders", 12, body=body, updated_at=LONG_AGO + timedelta(minutes=1)
    )
    plugin.refresh()

    assert plugin.preview("orders", 12).dependencies[0].rule == "depends-on"


def test_a_description_is_read_again_until_its_time_has_settled(
    github: GitHub, plugin: Plugin, organisation: Organisation
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    github.organisation = changed(organisation, "acme/orders", 12, updated_at=now)
    plugin.refresh()
    github.organisation = changed(organisation, "acme/orders", 12, updated_at=now, body="Depends-On: acme/payments#123")
    plugin.refresh()  # the same second, another text

    assert plugin.preview("orders", 12).dependencies[0].rule == "depends-on"

    plugin.time.passes(20)
    plugin.refresh()
    github.log.clear()
    plugin.refresh()

    assert operations(github) == ["Probe"]


def test_every_page_is_followed(github: GitHub, plugin: Plugin, organisation: Organisation) -> None:
    many = [pull_request(number) for number in range(1, 251)]
    github.organisation = with_pull_requests(organisation, "acme/orders", *many)
    plugin.refresh()
    numbers = [p.pull_request.number for p in plugin.previews() if p.service.name == "orders"]

    assert numbers == list(range(1, 251))


def test_known_sizes_save_pages(github: GitHub, plugin: Plugin, organisation: Organisation) -> None:
    many = [pull_request(number) for number in range(1, 91)]
    github.organisation = with_pull_requests(organisation, "acme/orders", *many)
    plugin.refresh()
    assert operations(github).count("List") == 2

    plugin.list_again()
    assert operations(github).count("List") == 1


def test_a_pull_request_that_a_listing_shows_twice_is_one_preview(github: GitHub, plugin: Plugin) -> None:
    plugin.refresh()
    before = plugin.answer()

    github.intercept = spoiled(_list_everything_twice)
    report = plugin.refresh()

    assert doubts(report) == {}
    assert plugin.answer() == before


def _list_everything_twice(answer: dict[str, Any]) -> None:
    for name, repository in answer["data"].items():
        if name.startswith("r") and "list" in repository:
            repository["list"]["nodes"] *= 2


def test_the_hundred_and_first_label_counts(github: GitHub, plugin: Plugin, organisation: Organisation) -> None:
    labels = ("preview", *(f"label-{n:03}" for n in range(298)), "no-preview")
    github.organisation = changed(organisation, "acme/orders", 12, labels=labels)
    plugin.refresh()

    assert plugin.preview("orders", 12).verdict.reason == 'it has the label "no-preview"'
    assert plugin.preview("orders", 12).pull_request.labels == labels


def test_github_joins_labels_with_or_so_the_rest_is_checked_here(
    github: GitHub, organisation: Organisation, edited_catalog: EditedCatalog
) -> None:
    catalog = edited_catalog("labels: {require: [preview]", "labels: {require: [preview, approved]")
    github.organisation = changed(organisation, "acme/orders", 12, labels=("approved", "preview"))
    plugin = make_plugin(GitHubClient(github.url, Token(github.token)), catalog)
    plugin.refresh()

    assert [p.locator for p in plugin.previews()] == ["acme/orders#12"]


def test_without_required_labels_every_open_pull_request_is_listed(
    github: GitHub, edited_catalog: EditedCatalog
) -> None:
    catalog = edited_catalog("labels: {require: [preview]", "labels: {require: []")
    plugin = make_plugin(GitHubClient(github.url, Token(github.token)), catalog)
    plugin.refresh()

    assert github.log[0].variables["l0"] is None
    assert plugin.preview("orders", 19).verdict.live


def test_accounts_are_spelt_as_rest_spells_them(github: GitHub, plugin: Plugin, organisation: Organisation) -> None:
    github.organisation = changed(organisation, "acme/orders", 12, author="ghost")
    plugin.refresh()

    assert plugin.preview("orders", 12).pull_request.author == "ghost"
    assert plugin.preview("users", 11).pull_request.author == "dependabot[bot]"


def test_a_deleted_fork_is_still_a_fork(github: GitHub, plugin: Plugin) -> None:
    github.delete_fork("mallory/payments")
    plugin.refresh()

    assert plugin.preview("payments", 124).verdict.reason.startswith("it comes from a fork")


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (Blob(text=None, is_binary=True, byte_size=100), ".preview.yaml: is not a text file"),
        (Blob(text=None, byte_size=100), ".preview.yaml: is not a text file"),
        (Blob("version: 1", is_truncated=True, byte_size=700_000), ".preview.yaml: is larger than 64 KiB"),
        (Blob("#" * (64 * 1024 + 1)), ".preview.yaml: is larger than 64 KiB"),
        (Symlink("../other.yaml"), ".preview.yaml:1: must be a map (name: value)"),
        (Tree(), ".preview.yaml: is not a file"),
    ],
)
def test_a_file_that_is_no_text_is_a_config_error_and_the_preview_stays(
    github: GitHub, plugin: Plugin, organisation: Organisation, file: Blob | Symlink | Tree, expected: str
) -> None:
    entry = organisation.repositories["acme/orders"].pull_requests[0]
    github.put_file("acme/orders", entry.head_sha, file)
    plugin.refresh()

    assert plugin.preview("orders", 12).config_error == expected
    assert plugin.preview("orders", 12).verdict.live


def test_a_file_with_the_wrong_name_is_a_config_error_that_names_it(
    github: GitHub, plugin: Plugin, organisation: Organisation
) -> None:
    entry = next(e for e in organisation.repositories["acme/orders"].pull_requests if e.config is None and not e.fork)
    github.put_file("acme/orders", entry.head_sha, Blob("version: 1"), ".preview.yml")
    plugin.refresh()

    assert plugin.preview("orders", entry.number).config_error == (
        ".preview.yaml: is missing; .preview.yml is never read, so rename it to .preview.yaml"
    )


def test_the_file_of_a_fork_is_not_read(github: GitHub, plugin: Plugin, organisation: Organisation) -> None:
    plugin.refresh()
    (fork,) = (e for e in organisation.repositories["acme/payments"].pull_requests if e.number == 124)

    assert all(fork.head_sha not in str(call.variables) for call in github.log)


def test_a_target_is_looked_up_again_when_its_repository_changes(
    github: GitHub, plugin: Plugin, organisation: Organisation
) -> None:
    plugin.refresh()
    assert plugin.preview("reports", 4).dependencies[0].reason == "acme/orders#19 has no preview label"
    github.log.clear()
    later = LONG_AGO + timedelta(minutes=1)
    github.organisation = changed(organisation, "acme/orders", 19, state="closed", updated_at=later)
    plugin.refresh()

    (confirm,) = (call for call in github.log if call.operation == "Confirm")
    assert confirm.variables == {"o0": "acme", "n0": "orders", "p0_0": 19}
    assert plugin.preview("reports", 4).dependencies[0].reason == "acme/orders#19 was closed"


def test_a_target_that_does_not_exist_is_named_so(github: GitHub, plugin: Plugin, organisation: Organisation) -> None:
    github.organisation = changed(
        organisation, "acme/orders", 12, config="version: 1\ndependencies: {payments: pr:999, users: pr:5}\n"
    )
    plugin.refresh()

    assert [d.reason for d in plugin.preview("orders", 12).dependencies] == [
        "acme/payments#999 does not exist",
        "acme/users#5 was merged",
    ]


def test_a_target_that_cannot_be_looked_up_puts_nothing_in_doubt(
    github: GitHub, plugin: Plugin, organisation: Organisation
) -> None:
    github.intercept = on("Confirm", server_error(500))
    report = plugin.refresh()
    assert doubts(report) == {}
    assert plugin.preview("payments", 125).dependencies[0].reason == "acme/users#5 could not be looked up yet"

    github.intercept = None
    plugin.refresh()
    assert plugin.preview("payments", 125).dependencies[0].reason == "acme/users#5 was merged"

    # The repository changes, so it is asked again, in vain: the previous answer is kept.
    github.intercept = on("Confirm", server_error(500))
    later = LONG_AGO + timedelta(minutes=1)
    github.organisation = changed(organisation, "acme/users", 5, updated_at=later)
    plugin.refresh()
    assert plugin.preview("payments", 125).dependencies[0].reason == "acme/users#5 was merged"
