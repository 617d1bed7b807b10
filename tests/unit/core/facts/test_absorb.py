from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from plugin.core.config.references import Locator
from plugin.core.facts.absorb import (
    absorb,
    labels_to_ask,
    stale_look_ups,
    unconfirmed,
    unread,
    with_confirmations,
    with_look_ups,
)
from plugin.core.facts.confirm import ARCHIVED_FOR, NOT_YET_CONFIRMED
from plugin.core.facts.model import Elsewhere, Hold, LookedUp, LookUp, Mark, PullRequest, Repository, Snapshot
from tests.builders import MONDAY, make_catalog, make_look_up, make_pull_request, make_repository, make_snapshot

CATALOG = make_catalog({"orders": {"depends_on": ["payments"]}, "payments": {}})
LATER = MONDAY + timedelta(hours=1)
GOOD = "version: 1\ndependencies: {payments: pr:5}\n"
SECOND = timedelta(seconds=1)


def order(number: int) -> Locator:
    return Locator("acme/orders", number)


def taken(before: Repository | None, reading: Repository, now: datetime = MONDAY) -> Repository:
    """What is known after a reading, while nothing is live."""
    return absorb(before, reading, CATALOG, now).repository


def confirmed(
    snapshot: Snapshot,
    answers: Mapping[Locator, LookUp | None],
    suspects: Mapping[Locator, PullRequest] | None = None,
) -> tuple[Snapshot, dict[Locator, Elsewhere]]:
    return with_confirmations(snapshot, suspects or {}, answers, CATALOG, LATER)


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        ([{}], {"preview"}),
        ([{"labels": {"require": ["a", "b"]}}], {"a"}),  # a source finds what has any of them
        ([{"labels": {"require": ["a"]}}, {"labels": {"require": ["b"]}}], {"a", "b"}),
        ([{"labels": {"require": ["a"]}}, {"labels": {"require": []}}], set()),  # every open pull request
    ],
)
def test_which_labels_a_repository_is_listed_by(services: list[dict[str, Any]], expected: set[str]) -> None:
    catalog = make_catalog({f"s{n}": {"repository": "acme/one"} | own for n, own in enumerate(services)})

    assert labels_to_ask([catalog]) == {"acme/one": expected}


def test_of_two_catalogs_the_union_is_asked_for() -> None:
    old = make_catalog({"a": {"labels": {"require": ["old"]}}, "b": {}, "c": {"labels": {"require": []}}})
    new = make_catalog({"a": {"labels": {"require": ["new"]}}, "c": {}, "d": {}})

    assert labels_to_ask([new, old]) == {
        "acme/a": {"old", "new"},
        "acme/b": {"preview"},
        "acme/c": set(),
        "acme/d": {"preview"},
    }


def test_labels_that_differ_only_in_case_are_asked_for_once() -> None:
    old, new = make_catalog({"a": {}}), make_catalog({"a": {"labels": {"require": ["Preview"]}}})

    assert labels_to_ask([new, old]) == {"acme/a": {"Preview"}}


def test_a_repository_that_was_never_read_is_named() -> None:
    snapshot = Snapshot({"acme/orders": make_repository("acme/orders")})

    assert unread(snapshot, CATALOG) == ["acme/payments"]
    assert unread(Snapshot({}), CATALOG) == ["acme/orders", "acme/payments"]


def test_an_older_state_than_the_known_one_tells_nothing() -> None:
    known = make_repository("acme/orders", make_pull_request(1, title="new", updated_at=MONDAY))
    older, newer = MONDAY - timedelta(seconds=1), MONDAY + timedelta(seconds=1)

    def title_after(**reading: Any) -> str:
        reread = make_repository("acme/orders", make_pull_request(1, **reading))
        return taken(known, reread).pull_requests[0].title

    assert title_after(title="old", updated_at=older) == "new"
    assert title_after(title="same second", updated_at=MONDAY) == "same second"
    assert title_after(title="newer", updated_at=newer) == "newer"


def test_what_a_reading_leaves_out_is_held_until_it_is_confirmed() -> None:
    known = make_repository("acme/orders", make_pull_request(1), make_pull_request(2))
    after = taken(known, make_repository("acme/orders", make_pull_request(2)))

    assert after.numbers == {1, 2}
    assert after.held == {1: NOT_YET_CONFIRMED}
    assert taken(after, known).held == {}  # it is back
    assert taken(after, make_repository("acme/orders")).numbers == {1, 2}


def test_a_hold_goes_on_until_it_ends() -> None:
    hold = Hold("there is no such pull request for now", first_missing_at=MONDAY, times_missing=1)
    known = make_repository("acme/orders", make_pull_request(1), make_pull_request(2), held={1: hold})

    after = taken(known, make_repository("acme/orders"), LATER)

    assert after.held == {1: hold, 2: NOT_YET_CONFIRMED}


def test_a_dropped_pull_request_does_not_return_by_an_older_answer() -> None:
    def listed(*updated_at: datetime, settled: bool = True, newest: tuple[str, ...] = ()) -> Repository:
        pull_requests = (make_pull_request(1, updated_at=moment) for moment in updated_at)
        changed_at = max(map(datetime.fromisoformat, newest), default=None)
        mark = Mark("token", changed_at, settled=settled)
        return make_repository("acme/orders", *pull_requests, mark=mark, identity="1:R_1")

    closed_at = MONDAY + timedelta(seconds=5)
    missing = taken(listed(MONDAY), listed())
    answers = {order(1): make_look_up("closed", updated_at=closed_at)}
    snapshot, _ = confirmed(make_snapshot(CATALOG, missing), answers)
    dropped = snapshot.repositories["acme/orders"]
    still_dropped = taken(dropped, listed(MONDAY))  # from the past, and so it looks settled

    assert dropped.dropped == still_dropped.dropped == {1: closed_at}
    assert (still_dropped.pull_requests, still_dropped.held) == ((), {})
    before, since = "2026-11-16T09:00:04Z", "2026-11-16T09:00:05Z"
    for tells_nothing in (
        listed(settled=False, newest=(since, before)),
        listed(newest=(before,)),  # from before it was dropped, or it is hidden since
        listed(),
        listed(MONDAY, newest=(before, since)),  # its list lags behind
    ):
        assert taken(dropped, tells_nothing).dropped == {1: closed_at}
    # From now on no answer is as old as that; another source knows no older answers.
    assert taken(dropped, listed(newest=(before, since))).dropped == {}
    assert taken(dropped, make_repository("acme/orders")).dropped == {}
    assert taken(dropped, listed(closed_at, settled=False)).numbers == {1}  # reopened at once


def test_one_that_was_dropped_as_missing_returns_when_it_is_listed() -> None:
    hold = Hold("there is no such pull request for now", first_missing_at=MONDAY, times_missing=2)
    snapshot = make_snapshot(CATALOG, make_repository("acme/orders", make_pull_request(1), held={1: hold}))
    answers = {order(1): make_look_up("missing", answered_at=LATER)}
    after, gone = confirmed(snapshot, answers)
    dropped = after.repositories["acme/orders"]

    assert gone == {order(1): Elsewhere.MISSING}
    assert (dropped.numbers, dropped.dropped) == (frozenset(), {})
    assert taken(dropped, make_repository("acme/orders", make_pull_request(1)), LATER).numbers == {1}


def test_a_head_is_as_old_as_its_first_reading() -> None:
    first = taken(None, make_repository("acme/orders", make_pull_request(1)))
    second = taken(first, make_repository("acme/orders", make_pull_request(1)), LATER)
    pushed = make_repository("acme/orders", make_pull_request(1, head_sha="f" * 40))

    assert second.pull_requests[0].head_seen_at == MONDAY
    assert taken(second, pushed, LATER).pull_requests[0].head_seen_at == LATER
    assert second.listed_at == LATER


def held(*numbers: int, labels: frozenset[str] = frozenset({"preview"})) -> Snapshot:
    """Orders with pull requests 1 to 3, of which these are held."""
    pull_requests = [make_pull_request(number) for number in (1, 2, 3)]
    holds = dict.fromkeys(numbers, NOT_YET_CONFIRMED)
    mark = Mark("token", MONDAY, settled=True)
    orders = make_repository("acme/orders", *pull_requests, held=holds, mark=mark, labels=labels)
    return make_snapshot(CATALOG, orders)


def test_held_pull_requests_are_looked_up_unless_in_doubt() -> None:
    snapshot = held(1, 3)

    assert unconfirmed(snapshot, [], MONDAY) == [order(1), order(3)]
    assert unconfirmed(replace(snapshot, doubts={"acme/orders": "no answer"}), [], MONDAY) == []


def test_what_is_confirmed_is_dropped_and_not_looked_up_again() -> None:
    snapshot, gone = confirmed(held(1, 3), {order(1): make_look_up("merged"), order(3): make_look_up("missing")})
    orders = snapshot.repositories["acme/orders"]

    assert gone == {order(1): Elsewhere.MERGED}
    assert orders.numbers == {2, 3}
    assert list(orders.held) == [3]
    assert orders.looked_up == {1: LookedUp(Elsewhere.MERGED)}
    assert stale_look_ups(snapshot, [order(1), order(9)]) == [order(9)]


def test_an_open_one_is_dropped_only_without_the_labels_asked_for() -> None:
    answers = {order(1): make_look_up(labels=frozenset({"old"}))}

    def gone(*labels: str) -> dict[Locator, Elsewhere]:
        return confirmed(held(1, labels=frozenset(labels)), answers)[1]

    assert gone("preview") == {order(1): Elsewhere.UNLABELLED}
    assert gone("preview", "old") == {}
    assert gone() == {}


def test_a_listing_that_left_out_an_open_one_is_made_again() -> None:
    snapshot, gone = confirmed(held(1), {order(1): make_look_up(labels=frozenset({"preview"}))})
    assert gone == {}
    assert snapshot.repositories["acme/orders"].numbers == {1, 2, 3}
    assert snapshot.repositories["acme/orders"].mark is None

    snapshot, _ = confirmed(held(1), {order(1): None})
    assert snapshot.repositories["acme/orders"].mark


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
def test_a_live_pull_request_stays_whole_until_a_change_is_confirmed(change: dict[str, Any]) -> None:
    absorbed = absorb(KNOWN, listing(change | {"title": "New"}, {"draft": True}), CATALOG, LATER, {1})
    one, two = absorbed.repository.pull_requests

    assert one is KNOWN.pull_requests[0]
    assert absorbed.suspects.keys() == absorbed.repository.held.keys() == {1}
    assert absorbed.repository.held[1].reason.endswith("and was not looked up yet")
    assert two.draft  # nobody's environment hangs on that


@pytest.mark.parametrize("change", [{}, {"labels": ("PREVIEW",)}, {"title": "New", "head_sha": "f" * 40, "body": "x"}])
def test_other_changes_of_a_live_pull_request_count_at_once(change: dict[str, Any]) -> None:
    absorbed = absorb(KNOWN, listing(change, {}), CATALOG, LATER, {1, 2})

    assert (absorbed.suspects, absorbed.repository.held) == ({}, {})
    assert absorbed.repository.pull_requests[0].title == change.get("title", "Faster checkout")


def test_an_older_listing_of_a_live_pull_request_suspects_nothing() -> None:
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


def test_a_flip_between_listing_and_look_up_ends_nothing_and_lists_again() -> None:
    answer = make_look_up(labels=frozenset({"preview"}), updated_at=MONDAY + 2 * SECOND)
    orders, gone = after_look_up({"labels": ("preview", "no-preview"), "title": "New"}, answer)

    assert gone == {}
    assert (orders.pull_requests[0].labels, orders.pull_requests[0].title) == (("preview",), "New")
    assert orders.mark is None


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
    assert orders.pull_requests[1].updated_at == MONDAY + SECOND  # everybody else moves on


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


def test_the_source_s_clock_says_when_24_hours_are_over() -> None:
    snapshot = make_snapshot(CATALOG, replace(KNOWN, archived_at=LATER - ARCHIVED_FOR))
    early = make_look_up(labels=frozenset({"preview"}), answered_at=LATER - SECOND)

    assert confirmed(snapshot, {order(1): early}) == (snapshot, {})


def test_an_archived_repository_brings_no_pull_requests_back() -> None:
    archived_at = LATER - ARCHIVED_FOR
    reading = replace(listing({}, {}, {}), archived_at=archived_at)

    assert absorb(None, reading, CATALOG, LATER).repository.numbers == frozenset()
    assert absorb(KNOWN, reading, CATALOG, LATER).repository.numbers == {1, 2}
    assert absorb(KNOWN, reading, CATALOG, LATER - SECOND).repository.numbers == {1, 2, 3}


def test_a_target_in_an_archived_repository_is_called_so() -> None:
    payments = make_repository("acme/payments", archived_at=LATER - ARCHIVED_FOR)
    target, found = Locator("acme/payments", 1), make_look_up(labels=frozenset({"preview"}), answered_at=LATER)
    after = with_look_ups(make_snapshot(CATALOG, payments), [target], {target: found})

    assert after.repositories["acme/payments"].looked_up == {1: LookedUp(Elsewhere.ARCHIVED)}


# --- What is kept


def test_a_reading_keeps_last_good_files_and_what_was_looked_up() -> None:
    known = make_repository("acme/orders", make_pull_request(1, config=GOOD), looked_up={9: Elsewhere.MERGED})
    first = taken(known, known)
    second = taken(first, make_repository("acme/orders", make_pull_request(1, config="[")))

    assert first.pull_requests[0].last_good_config == GOOD
    assert second.pull_requests[0].last_good_config == GOOD
    assert second.looked_up == {9: LookedUp(Elsewhere.MERGED)}


def test_a_new_head_commit_keeps_the_last_good_file_of_the_old_one() -> None:
    known = taken(None, make_repository("acme/orders", make_pull_request(1, config=GOOD)))
    pushed = make_pull_request(1, config="[", head_sha="f" * 40, updated_at=MONDAY + timedelta(hours=1))

    (after,) = taken(known, make_repository("acme/orders", pushed)).pull_requests

    assert after == replace(pushed, last_good_config=GOOD)


def test_looked_up_targets_are_kept_while_somebody_wants_them() -> None:
    payments = make_repository(
        "acme/payments", looked_up={1: Elsewhere.UNLABELLED, 2: Elsewhere.UNLABELLED, 3: Elsewhere.CLOSED}
    )
    snapshot = make_snapshot(CATALOG, payments)
    wanted = [Locator("acme/payments", number) for number in (1, 2, 4)]

    after = with_look_ups(snapshot, wanted, {Locator("acme/payments", 2): make_look_up("merged")})

    assert after.repositories["acme/payments"].looked_up == {
        1: LookedUp(Elsewhere.UNLABELLED),  # could not be looked up this time
        2: LookedUp(Elsewhere.MERGED),
    }
    assert after.repositories["acme/orders"] is snapshot.repositories["acme/orders"]


@pytest.mark.parametrize(
    ("state", "elsewhere"), [("closed", "closed"), ("merged", "merged"), ("missing", "missing"), ("open", "unlabelled")]
)
def test_what_became_of_a_target(state: str, elsewhere: str) -> None:
    target = Locator("acme/payments", 1)
    after = with_look_ups(make_snapshot(CATALOG), [target], {target: make_look_up(state)})

    assert after.repositories["acme/payments"].looked_up[1].elsewhere == elsewhere


def test_a_target_that_is_open_and_labelled_is_not_called_unlabelled() -> None:
    target, lags = Locator("acme/payments", 1), make_look_up(labels=frozenset({"preview", "x"}))

    assert with_look_ups(make_snapshot(CATALOG), [target], {target: lags}).repositories["acme/payments"].looked_up == {}


def test_a_target_is_asked_for_again_once_its_repository_has_changed() -> None:
    target = Locator("acme/payments", 1)

    def snapshot(token: str, known: LookedUp | None) -> Snapshot:
        payments = make_repository("acme/payments", mark=Mark(token, MONDAY, settled=True) if token else None)
        return make_snapshot(CATALOG, replace(payments, looked_up={1: known} if known else {}))

    assert stale_look_ups(snapshot("one", LookedUp(Elsewhere.MERGED, "one")), [target]) == []
    for stale in (
        snapshot("two", LookedUp(Elsewhere.MERGED, "one")),
        snapshot("one", None),
        snapshot("", LookedUp(Elsewhere.MERGED, "one")),
    ):
        assert stale_look_ups(stale, [target]) == [target]
        after = with_look_ups(stale, [target], {target: make_look_up("merged")}).repositories["acme/payments"]
        assert after.mark is None or after.looked_up[1].token == after.mark.token


def test_a_target_in_a_repository_that_was_never_read_is_not_asked_for() -> None:
    target, snapshot = Locator("acme/payments", 1), Snapshot({"acme/orders": make_repository("acme/orders")})

    assert stale_look_ups(snapshot, [target]) == []
    assert with_look_ups(snapshot, [target], {}) == snapshot
