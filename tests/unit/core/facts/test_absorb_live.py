"""What a listing shows of live pull requests and of archived repositories, and when it counts."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from plugin.core.config.references import Locator
from plugin.core.facts.absorb import absorb, unconfirmed, with_confirmations, with_look_ups
from plugin.core.facts.confirm import ARCHIVED_FOR, NOT_YET_CONFIRMED
from plugin.core.facts.model import Elsewhere, Hold, LookedUp, LookUp, Mark, PullRequest, Repository, Snapshot
from tests.builders import MONDAY, make_catalog, make_look_up, make_pull_request, make_repository, make_snapshot

CATALOG = make_catalog({"orders": {"depends_on": ["payments"]}, "payments": {}})
LATER = MONDAY + timedelta(hours=1)
SECOND = timedelta(seconds=1)


def order(number: int) -> Locator:
    return Locator("acme/orders", number)


def confirmed(
    snapshot: Snapshot,
    answers: Mapping[Locator, LookUp | None],
    suspects: Mapping[Locator, PullRequest] | None = None,
) -> tuple[Snapshot, dict[Locator, Elsewhere]]:
    return with_confirmations(snapshot, suspects or {}, answers, CATALOG)


# --- Live pull requests


def listing(*given: dict[str, Any], updated_at: datetime = MONDAY + SECOND) -> Repository:
    """Orders as a listing shows them, with pull requests 1, 2 and so on."""
    shown = [
        make_pull_request(number, **{"updated_at": updated_at} | each) for number, each in enumerate(given, start=1)
    ]
    return make_repository("acme/orders", *shown, mark=Mark("token", updated_at, settled=True), identity="1:R_1")


KNOWN = listing({}, {}, updated_at=MONDAY)
LIFE = [
    {"labels": ("preview", "no-preview")},
    {"draft": True},
    {"target_branch": "release"},
    {"fork": True},
]


@pytest.mark.parametrize("change", LIFE)
def test_a_live_pull_request_is_unchanged_until_a_look_up_confirms(change: dict[str, Any]) -> None:
    absorbed = absorb(KNOWN, listing(change | {"title": "New"}, {"draft": True}), CATALOG, LATER, {1})
    one, two = absorbed.repository.pull_requests

    assert one is KNOWN.pull_requests[0]
    assert absorbed.suspects.keys() == absorbed.repository.held.keys() == {1}
    assert absorbed.repository.held[1].reason.endswith("and it has not been looked up yet")
    assert two.draft  # no environment depends on that


@pytest.mark.parametrize("change", [{}, {"labels": ("PREVIEW",)}, {"title": "New", "head_sha": "f" * 40, "body": "x"}])
def test_other_changes_of_a_live_pull_request_count_at_once(change: dict[str, Any]) -> None:
    absorbed = absorb(KNOWN, listing(change, {}), CATALOG, LATER, {1, 2})

    assert (absorbed.suspects, absorbed.repository.held) == ({}, {})
    assert absorbed.repository.pull_requests[0].title == change.get("title", "Faster checkout")


def test_an_older_listing_of_a_live_pull_request_is_ignored() -> None:
    absorbed = absorb(KNOWN, listing({"draft": True}, {}, updated_at=MONDAY - SECOND), CATALOG, LATER, {1})

    assert absorbed.suspects == {}
    assert absorbed.repository.pull_requests == KNOWN.pull_requests


def after_look_up(change: dict[str, Any], answer: LookUp | None) -> tuple[Repository, dict[Locator, Elsewhere]]:
    """What is known once a change of live number 1 was looked up."""
    absorbed = absorb(KNOWN, listing(change, {}), CATALOG, LATER, {1, 2})
    suspects = {order(number): suspect for number, suspect in absorbed.suspects.items()}
    snapshot, gone = confirmed(make_snapshot(CATALOG, absorbed.repository), {order(1): answer}, suspects)
    return snapshot.repositories["acme/orders"], gone


def test_a_confirmed_change_counts_with_everything_that_was_listed() -> None:
    answer = make_look_up(labels=frozenset({"preview"}), draft=True, updated_at=MONDAY + SECOND)
    orders, gone = after_look_up({"draft": True, "title": "New"}, answer)

    assert (orders.pull_requests[0].draft, orders.pull_requests[0].title, gone) == (True, "New", {})
    assert orders.held == {}
    assert orders.mark


def test_a_flip_before_the_look_up_ends_nothing_and_lists_again() -> None:
    answer = make_look_up(labels=frozenset({"preview"}), updated_at=MONDAY + 2 * SECOND)
    orders, gone = after_look_up({"labels": ("preview", "no-preview"), "title": "New"}, answer)

    assert gone == {}
    assert (orders.pull_requests[0].labels, orders.pull_requests[0].title) == (("preview",), "New")
    assert orders.mark is None


def test_a_listing_older_than_the_look_up_that_ended_a_preview_does_not_bring_it_back() -> None:
    shown = listing({"labels": ("preview", "other")})
    absorbed = absorb(KNOWN, shown, CATALOG, LATER, {1})
    skipped = make_look_up(labels=frozenset({"preview", "other", "no-preview"}), updated_at=MONDAY + 2 * SECOND)
    suspects = {order(1): absorbed.suspects[1]}
    snapshot, _ = confirmed(make_snapshot(CATALOG, absorbed.repository), {order(1): skipped}, suspects)
    known = snapshot.repositories["acme/orders"]
    again = absorb(known, shown, CATALOG, LATER).repository  # no longer live: needs no look-up

    assert known.mark is None  # so that it is listed again
    assert again.by_number[1].labels == ("preview", "other", "no-preview")


@pytest.mark.parametrize(
    "answer",
    [None, make_look_up(labels=frozenset({"preview"}), draft=True), make_look_up("missing")],
    ids=["no answer", "an old one", "missing"],
)
def test_an_unconfirmed_change_stays_out_and_is_listed_again(answer: LookUp | None) -> None:
    orders, gone = after_look_up({"draft": True, "title": "New"}, answer)

    assert orders.pull_requests[0] is KNOWN.pull_requests[0]
    assert orders.held[1].reason.startswith("its listing shows a draft, ")
    assert (orders.mark, gone) == (None, {})
    assert orders.pull_requests[1].updated_at == MONDAY + SECOND  # the others move on


def test_a_live_pull_request_that_was_closed_meanwhile_is_dropped() -> None:
    orders, gone = after_look_up({"draft": True}, make_look_up("closed", updated_at=MONDAY + 2 * SECOND))

    assert gone == {order(1): Elsewhere.CLOSED}
    assert orders.numbers == {2}
    assert orders.dropped == {1: MONDAY + 2 * SECOND}


def test_a_hold_says_why_it_holds_now() -> None:
    suspect = absorb(KNOWN, listing({"draft": True}, {}), CATALOG, LATER, {1}).repository
    vanished = absorb(suspect, make_repository("acme/orders"), CATALOG, LATER, {1}).repository
    unread = replace(make_repository("acme/orders"), held={1: Hold("GitHub hides it"), 9: Hold("GitHub hides it")})

    assert vanished.held[1] == NOT_YET_CONFIRMED
    assert absorb(suspect, unread, CATALOG, LATER, {1}).repository.held[1] == Hold("GitHub hides it")
    assert absorb(suspect, unread, CATALOG, LATER, {1}).repository.numbers == {1, 2}  # 9 was never known
    assert absorb(suspect, KNOWN, CATALOG, LATER, {1}).repository.held == {}


# --- Archived repositories


def test_pull_requests_of_an_archived_repository_end_after_24_hours() -> None:
    archived = replace(KNOWN, archived_at=LATER - ARCHIVED_FOR)
    snapshot = make_snapshot(CATALOG, archived)
    answers = {order(1): make_look_up(labels=frozenset({"preview"}), answered_at=LATER), order(2): None}

    assert unconfirmed(snapshot, ["acme/orders"], LATER) == [order(1), order(2)]
    assert unconfirmed(snapshot, ["acme/orders"], LATER - SECOND) == []
    assert unconfirmed(snapshot, [], LATER) == []  # it was not read in this refresh
    after, gone = confirmed(snapshot, answers)
    assert gone == {order(1): Elsewhere.ARCHIVED}
    assert after.repositories["acme/orders"].numbers == {2}
    assert after.repositories["acme/orders"].held == {}  # nothing is wrong with it
    assert after.repositories["acme/orders"].mark


def test_the_24_hours_are_measured_by_the_sources_clock() -> None:
    snapshot = make_snapshot(CATALOG, replace(KNOWN, archived_at=LATER - ARCHIVED_FOR))
    early = make_look_up(labels=frozenset({"preview"}), answered_at=LATER - SECOND)

    assert confirmed(snapshot, {order(1): early}) == (snapshot, {})


def test_an_archived_repository_brings_no_pull_requests_back() -> None:
    archived_at = LATER - ARCHIVED_FOR
    reading = replace(listing({}, {}, {}), archived_at=archived_at)

    assert absorb(None, reading, CATALOG, LATER).repository.numbers == frozenset()
    assert absorb(KNOWN, reading, CATALOG, LATER).repository.numbers == {1, 2}
    assert absorb(KNOWN, reading, CATALOG, LATER - SECOND).repository.numbers == {1, 2, 3}


def test_a_target_in_an_archived_repository_is_called_archived() -> None:
    payments = make_repository("acme/payments", archived_at=LATER - ARCHIVED_FOR)
    target, found = Locator("acme/payments", 1), make_look_up(labels=frozenset({"preview"}), answered_at=LATER)
    after = with_look_ups(make_snapshot(CATALOG, payments), [target], {target: found})

    assert after.repositories["acme/payments"].looked_up == {1: LookedUp(Elsewhere.ARCHIVED)}
