"""Outages of GitHub, and requests that are too heavy for it: no answer changes, and all is read in the end."""

import json
from datetime import timedelta
from typing import Any

import pytest

from plugin.errors import NotReady
from plugin.sources import Doubt, Wanted
from plugin.sources.file import LONG_AGO, Organisation
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.limiter import LONGEST_BLOCK
from plugin.sources.github.pygithub import Token
from plugin.sources.github.reader import GitHubSource
from tests.contract.conftest import (
    EVERYTHING,
    Plugin,
    changed,
    doubts,
    operations,
    pull_request,
    with_pull_requests,
)
from tests.fakes.github import GitHub, Intercept, faults

OUTAGES = faults.OUTAGES | faults.SILENCING


def locators(plugin: Plugin) -> set[str]:
    return {preview.locator for preview in plugin.previews()}


@pytest.mark.parametrize("operation", ["Probe", "List", "Details", "Confirm"])
@pytest.mark.parametrize("fault", OUTAGES.values(), ids=OUTAGES.keys())
def test_an_outage_changes_nothing_and_ends_by_itself(
    github: GitHub, plugin: Plugin, organisation: Organisation, fault: Intercept, operation: str
) -> None:
    plugin.refresh()
    before = plugin.answer()

    # Somebody pushes a link to a pull request that must be looked up, so that every operation is needed.
    changes = {"head_sha": "b" * 40, "config": "version: 1\ndependencies: {payments: pr:999}\n"}
    later = LONG_AGO + timedelta(minutes=1)
    github.organisation = changed(organisation, "acme/orders", 12, **changes, updated_at=later)
    github.intercept = faults.on(operation, fault)
    report = plugin.refresh()
    assert operation in operations(github)
    if operation == "Confirm":
        assert doubts(report) == {}
        assert plugin.preview("orders", 12).dependencies[0].reason == "acme/payments#999 could not be looked up yet"
    else:
        assert set(doubts(report)) == (EVERYTHING if operation == "Probe" else {"acme/orders"})
        assert plugin.answer() == before

    github.intercept = None
    plugin.time.passes(LONGEST_BLOCK)
    assert doubts(plugin.refresh()) == {}
    assert plugin.preview("orders", 12).pull_request.head_sha == "b" * 40
    assert plugin.preview("orders", 12).dependencies[0].reason == "acme/payments#999 does not exist"


@pytest.mark.parametrize("operation", ["List", "Details"])
@pytest.mark.parametrize("fault", OUTAGES.values(), ids=OUTAGES.keys())
def test_a_cold_start_during_an_outage_answers_nothing(
    github: GitHub, plugin: Plugin, fault: Intercept, operation: str
) -> None:
    github.intercept = faults.on(operation, fault)
    plugin.refresh()

    with pytest.raises(NotReady, match="never been read: acme/backoffice, acme/orders, acme/payments, acme/shop"):
        plugin.answer()

    github.intercept = None
    plugin.time.passes(LONGEST_BLOCK)
    plugin.refresh()
    assert len(locators(plugin)) == 14


@pytest.mark.parametrize(
    ("fault", "at_most"),
    [
        pytest.param(faults.server_error(500), 1, id="500"),
        pytest.param(faults.server_error(502), 12, id="502"),
        pytest.param(faults.server_error(504), 12, id="504"),
        pytest.param(faults.error_without_path(), 12, id="error without a path"),
    ],
)
def test_an_outage_is_not_asked_once_per_repository(github: GitHub, fault: Intercept, at_most: int) -> None:
    client = GitHubClient(github.url, Token(github.token))
    github.intercept = fault
    found = GitHubSource(client).read([Wanted(f"acme/repository-{i}", frozenset({"preview"})) for i in range(50)])

    assert len(found) == 50
    assert all(isinstance(reading, Doubt) for reading in found.values())
    assert len(github.log) <= at_most


def test_a_request_that_is_too_heavy_is_asked_in_halves(github: GitHub, plugin: Plugin) -> None:
    github.intercept = faults.times(1, faults.resource_limits_exceeded())
    report = plugin.refresh()

    assert doubts(report) == {}
    assert [len(call.variables) // 6 for call in github.log if call.operation == "List"] == [5, 2, 3]
    assert len(locators(plugin)) == 14


def test_a_repository_that_stays_too_heavy_is_asked_for_smaller_pages(github: GitHub, plugin: Plugin) -> None:
    def heavy(request: Any) -> Any:
        asked_for_shop = "shop" in request.body.decode()
        return faults.server_error(502)(request) if asked_for_shop and request.operation == "List" else None

    github.intercept = heavy
    report = plugin.refresh()

    assert doubts(report) == {"acme/shop": "GitHub aborted the query (502)"}
    alone = [
        call.variables["f0"] for call in github.log if call.variables.get("n0") == "shop" and "n1" not in call.variables
    ]
    assert alone == [20, 10]


def test_many_heavy_repositories_are_all_read_in_the_end(
    github: GitHub, plugin: Plugin, organisation: Organisation
) -> None:
    for repository in EVERYTHING:
        many = [pull_request(number, head_sha=f"{len(repository):02x}{number:038x}") for number in range(1, 31)]
        organisation = with_pull_requests(organisation, repository, *many)
    github.organisation = organisation

    def heavy(request: Any) -> Any:
        variables = json.loads(request.body)["variables"]
        weight = sum(value for name, value in variables.items() if name.startswith("f") and isinstance(value, int))
        return faults.server_error(502)(request) if weight > 12 else None

    github.intercept = heavy
    for _ in range(4):
        report = plugin.refresh()

    assert doubts(report) == {}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (faults.forbidden(), "GitHub forbade the request (403): This installation has been suspended"),
        (
            faults.bad_credentials(),
            (
                "GitHub refused the credentials (401): Bad credentials; "
                "is PREVIEW_GITHUB_TOKEN valid, or the GitHub App's key?"
            ),
        ),
        (
            faults.unknown_field(),
            "GitHub refused the query: Field 'archivedAt' doesn't exist on type 'Repository'",
        ),
        (
            faults.wrong_address(),
            "GitHub found nothing there (404): not JSON; is PREVIEW_GITHUB_URL the address of GitHub's API?",
        ),
        (
            faults.error_without_path(),
            (
                "GitHub could not answer the query: Something went wrong while executing your query. "
                "This may be the result of a timeout."
            ),
        ),
    ],
    ids=["suspended", "revoked", "an old server", "a wrong address", "a time-out"],
)
def test_the_doubt_quotes_github(github: GitHub, plugin: Plugin, fault: Intercept, reason: str) -> None:
    github.intercept = fault

    assert set(doubts(plugin.refresh()).values()) == {reason}


def test_a_query_that_github_refuses_is_not_asked_in_halves(github: GitHub, plugin: Plugin) -> None:
    github.intercept = faults.unknown_field()
    plugin.refresh()

    assert operations(github) == ["List"]
