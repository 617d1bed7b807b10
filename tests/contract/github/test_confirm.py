"""Confirm before delete, with the real source: every departure by facts is looked up by number first."""

from datetime import timedelta

import pytest

from plugin.core.facts.model import Elsewhere, PullRequest
from plugin.sources.file import LONG_AGO, Organisation
from tests.contract.conftest import Plugin, changed, doubts, operations
from tests.fakes.github import GitHub, Intercept, faults

LATER = LONG_AGO + timedelta(minutes=1)
CHANGES = {
    "a skip label": {"labels": ("preview", "no-preview")},
    "a draft": {"draft": True},
    "another base branch": {"target_branch": "release"},
}


def known(plugin: Plugin, number: int = 12) -> PullRequest:
    pull_requests = plugin.snapshot().repositories["acme/orders"].pull_requests
    (found,) = (each for each in pull_requests if each.number == number)
    return found


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_that_may_end_a_preview_is_looked_up_at_once(
    github: GitHub, plugin: Plugin, organisation: Organisation, change: dict[str, object]
) -> None:
    plugin.refresh()
    operations(github)
    github.organisation = changed(organisation, "acme/orders", 12, **change, updated_at=LATER)

    assert doubts(plugin.refresh()) == {}
    assert operations(github)[:4] == ["Probe", "List", "Details", "Confirm"]
    assert {name: getattr(known(plugin), name) for name in change} == change
    assert plugin.snapshot().repositories["acme/orders"].mark


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.parametrize(
    "fault", [faults.server_error(500), faults.nested_error("r0", "p0")], ids=["an outage", "a nested error"]
)
def test_without_a_look_up_the_whole_pull_request_stays(
    github: GitHub, plugin: Plugin, organisation: Organisation, change: dict[str, object], fault: Intercept
) -> None:
    plugin.refresh()
    before = plugin.answer()
    github.organisation = changed(organisation, "acme/orders", 12, **change, head_sha="b" * 40, updated_at=LATER)
    github.intercept = faults.on("Confirm", fault)

    assert doubts(plugin.refresh()) == {}
    assert plugin.answer() == before
    assert plugin.snapshot().repositories["acme/orders"].held[12].reason.endswith("and could not be looked up")

    github.intercept = None
    plugin.refresh()
    assert known(plugin).head_sha == "b" * 40
    assert plugin.snapshot().repositories["acme/orders"].held == {}


def test_a_label_that_is_put_back_before_the_look_up_ends_nothing(
    github: GitHub, plugin: Plugin, organisation: Organisation
) -> None:
    plugin.refresh()
    before = plugin.answer()
    github.organisation = changed(organisation, "acme/orders", 12, labels=("preview", "no-preview"), updated_at=LATER)

    def put_back(_: object) -> None:
        moment = LATER + timedelta(seconds=1)
        github.organisation = changed(organisation, "acme/orders", 12, labels=("preview",), updated_at=moment)

    github.intercept = faults.on("Details", put_back)  # after the listing
    plugin.refresh()

    assert "Confirm" in operations(github)
    assert known(plugin).labels == ("preview",)
    assert plugin.snapshot().repositories["acme/orders"].mark is None  # it is listed again
    assert plugin.answer() == before


def test_an_archived_repository_ends_its_previews_after_24_hours(github: GitHub, plugin: Plugin) -> None:
    plugin.refresh()
    numbers = plugin.snapshot().repositories["acme/orders"].numbers
    github.archive("acme/orders", plugin.time.now())
    plugin.refresh()
    plugin.time.passes(24 * 3600 - 60)
    plugin.refresh()
    assert plugin.snapshot().repositories["acme/orders"].archived_at
    assert plugin.snapshot().repositories["acme/orders"].numbers == numbers

    plugin.time.passes(61)
    plugin.refresh()
    orders = plugin.snapshot().repositories["acme/orders"]
    assert orders.numbers == frozenset()
    assert {orders.looked_up[number].elsewhere for number in numbers & orders.looked_up.keys()} <= {Elsewhere.ARCHIVED}

    plugin.list_again()
    assert plugin.snapshot().repositories["acme/orders"].numbers == frozenset()
    github.archive("acme/orders", None)
    plugin.refresh()
    assert plugin.snapshot().repositories["acme/orders"].numbers == numbers


def test_an_archived_repository_that_cannot_be_read_ends_nothing(github: GitHub, plugin: Plugin) -> None:
    plugin.refresh()
    numbers = plugin.snapshot().repositories["acme/orders"].numbers
    github.archive("acme/orders", plugin.time.now())
    plugin.refresh()
    plugin.time.passes(25 * 3600)
    github.intercept = faults.server_error(500)
    plugin.refresh()

    assert plugin.mirror.current()[1].known.snapshot.repositories["acme/orders"].numbers == numbers
