"""What goes wrong with a part of GitHub's answers: what was certain before stays, and each fault is named."""

from datetime import timedelta
from typing import Any

import pytest

from plugin.errors import NotReady
from plugin.sources import Doubt, Wanted
from plugin.sources.file import LONG_AGO, Organisation
from plugin.sources.github import listing
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.listing import REPLACED
from plugin.sources.github.pygithub import Token
from plugin.sources.github.reader import GitHubSource
from tests.contract.conftest import (
    Plugin,
    changed,
    doubts,
    pull_request,
    with_pull_requests,
)
from tests.fakes.github import GitHub, Intercept, faults


def new_pull_request(organisation: Organisation) -> Organisation:
    entries = organisation.repositories["acme/orders"].pull_requests
    return with_pull_requests(organisation, "acme/orders", *entries, pull_request(100))


def held(plugin: Plugin, repository: str = "acme/orders") -> dict[int, str]:
    return {number: hold.reason for number, hold in plugin.snapshot().repositories[repository].held.items()}


def locators(plugin: Plugin) -> set[str]:
    return {preview.locator for preview in plugin.previews()}


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(faults.null_repository("r1"), id="null without an error"),
        pytest.param(faults.alias_error("r1"), id="forbidden"),
        pytest.param(faults.alias_error("r1", "NOT_FOUND", "Could not resolve to a Repository"), id="not found"),
    ],
)
def test_doubt_about_one_repository_leaves_the_others_moving(
    github: GitHub, plugin: Plugin, organisation: Organisation, fault: Intercept
) -> None:
    plugin.refresh()
    github.organisation = changed(
        new_pull_request(organisation), "acme/shop", 33, state="closed", updated_at=LONG_AGO + timedelta(minutes=1)
    )
    github.intercept = faults.on("List", fault)  # r1 is acme/orders
    report = plugin.list_again()

    assert set(doubts(report)) == {"acme/orders"}
    assert "acme/orders#100" not in locators(plugin)
    assert "acme/orders#12" in locators(plugin)
    assert "acme/shop#33" not in locators(plugin)

    github.intercept = None
    plugin.refresh()
    assert "acme/orders#100" in locators(plugin)


def _lose_a_label(answer: dict[str, Any]) -> None:
    answer["data"]["r1"]["list"]["nodes"][0]["labels"]["nodes"][0]["name"] = None


def _lose_the_state(answer: dict[str, Any]) -> None:
    answer["data"]["r1"]["list"]["nodes"][0]["state"] = None


def _lose_the_head(answer: dict[str, Any]) -> None:
    answer["data"]["r1"]["list"]["nodes"][0]["headRepository"]["databaseId"] = None


def _lose_a_node(answer: dict[str, Any]) -> None:
    answer["data"]["r1"]["list"]["nodes"][0] = None


def _lose_an_author(answer: dict[str, Any]) -> None:
    answer["data"]["r1"]["list"]["nodes"][0]["author"] = None
    path = ["r1", "list", "nodes", 0, "author"]
    answer["errors"] = [{"type": "INTERNAL", "path": path, "message": "Timeout on author"}]


def _lose_the_page_info(answer: dict[str, Any]) -> None:
    del answer["data"]["r1"]["list"]["pageInfo"]


def _spoil_a_commit(answer: dict[str, Any]) -> None:
    answer["data"]["r1"]["list"]["nodes"][0]["headRefOid"] = "main:../../secrets"


def _spoil_a_node_id(answer: dict[str, Any]) -> None:
    answer["data"]["r1"]["list"]["nodes"][0]["id"] = 'PR_1") { x }'


@pytest.mark.parametrize(
    "spoil",
    [
        _lose_a_node,
        _lose_a_label,
        _lose_an_author,
        _lose_the_head,
        _lose_the_state,
        _spoil_a_commit,
        _spoil_a_node_id,
    ],
)
def test_a_strange_pull_request_counts_as_it_was_known(github: GitHub, plugin: Plugin, spoil: Any) -> None:
    plugin.refresh()
    before = plugin.preview("orders", 12).pull_request
    github.organisation = new_pull_request(github.organisation)
    github.intercept = faults.on("List", faults.spoiled(spoil))
    report = plugin.list_again()

    assert doubts(report) == {}
    assert list(held(plugin)) == ([] if spoil is _lose_an_author else [12])
    assert plugin.preview("orders", 12).pull_request == before
    assert "acme/orders#100" in locators(plugin)


def test_a_list_without_its_page_info_is_doubt_about_its_repository(github: GitHub, plugin: Plugin) -> None:
    plugin.refresh()
    before = plugin.answer()
    github.intercept = faults.on("List", faults.spoiled(_lose_the_page_info))

    assert set(doubts(plugin.list_again())) == {"acme/orders"}
    assert plugin.answer() == before


def test_a_later_page_that_fails_is_doubt_about_that_repository(
    github: GitHub, plugin: Plugin, organisation: Organisation
) -> None:
    many = [pull_request(number) for number in range(1, 151)]
    github.organisation = with_pull_requests(organisation, "acme/orders", *many)
    github.intercept = faults.in_turn(None, faults.server_error(500))  # the second request is for the second page
    report = plugin.refresh()

    assert set(doubts(report)) == {"acme/orders"}
    with pytest.raises(NotReady, match=r"never been read: acme/orders$"):
        plugin.answer()


def test_a_list_that_never_ends_is_doubt(
    github: GitHub, plugin: Plugin, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MAX_PAGES", 3)
    many = [pull_request(number) for number in range(1, 451)]
    github.organisation = with_pull_requests(organisation, "acme/orders", *many)
    report = plugin.refresh()

    assert doubts(report) == {"acme/orders": "its list of pull requests does not end"}


def test_a_renamed_repository_is_doubt_until_the_catalog_says_so(github: GitHub, plugin: Plugin) -> None:
    plugin.refresh()
    before = plugin.answer()
    github.rename("acme/orders", "acme/sales")
    report = plugin.list_again()

    assert set(doubts(report)) == {"acme/orders"}
    assert plugin.answer() == before


def test_a_name_that_now_belongs_to_another_repository_is_doubt(github: GitHub, plugin: Plugin) -> None:
    plugin.refresh()
    before = plugin.answer()
    github.recreate("acme/orders")
    report = plugin.list_again()

    assert doubts(report) == {"acme/orders": REPLACED}
    assert plugin.answer() == before


def test_a_repository_that_left_the_catalog_may_come_back_as_another_one(github: GitHub) -> None:
    source = GitHubSource(GitHubClient(github.url, Token(github.token)))
    orders, users = (Wanted(name, frozenset({"preview"})) for name in ("acme/orders", "acme/users"))
    source.read([orders, users])
    github.recreate("acme/orders")
    source.read([users])

    assert not isinstance(source.read([orders, users])["acme/orders"], Doubt)


def test_an_unknown_head_commit_is_not_a_missing_file(
    github: GitHub, plugin: Plugin, organisation: Organisation
) -> None:
    plugin.refresh()
    before = plugin.answer()
    later = LONG_AGO + timedelta(minutes=1)
    changes = {"head_sha": "c" * 40, "config": "version: 1\ndependencies: {payments: pr:123}\n", "updated_at": later}
    github.organisation = changed(organisation, "acme/orders", 12, **changes)
    github.forget_commit("c" * 40)
    report = plugin.refresh()

    assert doubts(report) == {}
    assert held(plugin) == {12: "GitHub does not know the head commit of #12 yet; it is open, and will be listed again"}
    assert plugin.answer() == before

    github.remember_commit("c" * 40)
    plugin.refresh()
    assert plugin.preview("orders", 12).dependencies[0].locator == "acme/payments#123"


def test_an_answer_that_goes_back_in_time_is_not_believed(
    github: GitHub, plugin: Plugin, organisation: Organisation
) -> None:
    later = LONG_AGO + timedelta(minutes=1)
    github.organisation = changed(organisation, "acme/orders", 12, head_sha="d" * 40, updated_at=later)
    plugin.refresh()
    github.organisation = organisation
    plugin.refresh()

    assert plugin.preview("orders", 12).pull_request.head_sha == "d" * 40


def _lose_a_size(answer: dict[str, Any]) -> None:
    del answer["data"]["r0"]["f0"]["byteSize"]


def _lose_a_time(answer: dict[str, Any]) -> None:
    answer["data"]["nodes"][0]["updatedAt"] = "yesterday"


PUSH = {"head_sha": "d" * 40, "config": "version: 1\n", "updated_at": LONG_AGO + timedelta(minutes=1)}


@pytest.mark.parametrize("spoil", [_lose_a_size, _lose_a_time])
def test_strange_details_are_a_matter_of_their_pull_request(github: GitHub, plugin: Plugin, spoil: Any) -> None:
    plugin.refresh()
    before = plugin.answer()
    github.organisation = changed(github.organisation, "acme/orders", 12, **PUSH)
    github.intercept = faults.on("Details", faults.spoiled(spoil))

    assert doubts(plugin.refresh()) == {}
    assert held(plugin)[12].startswith("GitHub's answer about #12 is incomplete")
    assert plugin.answer() == before


def test_files_that_cannot_be_read_at_all_are_doubt_about_their_repository(github: GitHub, plugin: Plugin) -> None:
    github.intercept = faults.on("Details", faults.alias_error("r1"))
    report = plugin.refresh()

    assert doubts(report) == {
        "acme/orders": ".preview.yaml of #12 could not be read: Resource not accessible by integration"
    }


def test_an_old_answer_from_the_second_of_the_labelling_ends_nothing(github: GitHub, plugin: Plugin) -> None:
    start = plugin.time.now().replace(microsecond=0)

    def label(after: float, *labels: str) -> None:
        github.now = lambda: start + timedelta(seconds=after)
        github.organisation = changed(github.organisation, "acme/orders", 15, labels=labels, updated_at=start)

    label(0.1)
    label(0.4, "preview")
    github.now = lambda: start + timedelta(seconds=1)
    plugin.refresh()
    before = plugin.answer()
    assert plugin.preview("orders", 15).verdict.live

    github.now = lambda: start + timedelta(seconds=3)
    github.intercept = lambda request: request.answer(lag=2.8)
    plugin.list_again()

    assert plugin.answer() == before
    assert list(plugin.snapshot().repositories["acme/orders"].held) == [15]
