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
from plugin.core.facts.confirm import NOT_YET_CONFIRMED
from plugin.core.facts.model import Elsewhere, Hold, LookedUp, LookUp, Mark, Repository, Snapshot
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
    snapshot: Snapshot, answers: Mapping[Locator, LookUp | None]
) -> tuple[Snapshot, dict[Locator, Elsewhere]]:
    return with_confirmations(snapshot, {}, answers, CATALOG)


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        ([{}], {"preview"}),
        ([{"labels": {"require": ["a", "b"]}}], {"a"}),  # a source finds what has any of them
        ([{"labels": {"require": ["a"]}}, {"labels": {"require": ["b"]}}], {"a", "b"}),
        ([{"labels": {"require": ["a"]}}, {"labels": {"require": []}}], set()),  # every open pull request
    ],
)
def test_labels_that_a_repository_is_listed_by(services: list[dict[str, Any]], expected: set[str]) -> None:
    catalog = make_catalog({f"s{n}": {"repository": "acme/one"} | own for n, own in enumerate(services)})

    assert labels_to_ask([catalog]) == {"acme/one": expected}


def test_two_catalogs_ask_for_the_union_of_their_labels() -> None:
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


def test_a_state_older_than_the_known_one_is_ignored() -> None:
    known = make_repository("acme/orders", make_pull_request(1, title="new", updated_at=MONDAY))
    older, newer = MONDAY - timedelta(seconds=1), MONDAY + timedelta(seconds=1)

    def title_after(**reading: Any) -> str:
        reread = make_repository("acme/orders", make_pull_request(1, **reading))
        return taken(known, reread).pull_requests[0].title

    assert title_after(title="old", updated_at=older) == "new"
    assert title_after(title="same second", updated_at=MONDAY) == "same second"
    assert title_after(title="newer", updated_at=newer) == "newer"


def test_unlisted_pull_requests_are_held_until_confirmed() -> None:
    known = make_repository("acme/orders", make_pull_request(1), make_pull_request(2))
    after = taken(known, make_repository("acme/orders", make_pull_request(2)))

    assert after.numbers == {1, 2}
    assert after.held == {1: NOT_YET_CONFIRMED}
    assert taken(after, known).held == {}  # it is back
    assert taken(after, make_repository("acme/orders")).numbers == {1, 2}


def test_a_hold_continues_until_it_ends() -> None:
    hold = Hold("there is no such pull request for now", first_missing_at=MONDAY, times_missing=1)
    known = make_repository("acme/orders", make_pull_request(1), make_pull_request(2), held={1: hold})

    after = taken(known, make_repository("acme/orders"), LATER)

    assert after.held == {1: hold, 2: NOT_YET_CONFIRMED}


def test_an_older_answer_does_not_bring_back_a_dropped_pull_request() -> None:
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
    # From now on no answer is as old as that; other sources never give older answers.
    assert taken(dropped, listed(newest=(before, since))).dropped == {}
    assert taken(dropped, make_repository("acme/orders")).dropped == {}
    assert taken(dropped, listed(closed_at, settled=False)).numbers == {1}  # reopened at once


def test_a_pull_request_dropped_as_missing_returns_once_listed() -> None:
    hold = Hold("there is no such pull request for now", first_missing_at=MONDAY, times_missing=2)
    snapshot = make_snapshot(CATALOG, make_repository("acme/orders", make_pull_request(1), held={1: hold}))
    answers = {order(1): make_look_up("missing", answered_at=LATER)}
    after, gone = confirmed(snapshot, answers)
    dropped = after.repositories["acme/orders"]

    assert gone == {order(1): Elsewhere.MISSING}
    assert (dropped.numbers, dropped.dropped) == (frozenset(), {})
    assert taken(dropped, make_repository("acme/orders", make_pull_request(1)), LATER).numbers == {1}


def test_a_new_head_waits_to_be_stamped_unless_the_whole_repository_is_new() -> None:
    first = taken(None, make_repository("acme/orders", make_pull_request(1)))
    second = taken(first, make_repository("acme/orders", make_pull_request(1), make_pull_request(2)), LATER)
    pushed = make_repository("acme/orders", make_pull_request(1, head_sha="f" * 40))

    assert [each.unstamped for each in first.pull_requests] == [False]
    assert [each.unstamped for each in second.pull_requests] == [False, True]
    assert [each.unstamped for each in taken(first, pushed).pull_requests] == [True]
    assert second.listed_at == LATER


def test_a_confirmed_head_waits_to_be_stamped_too() -> None:
    suspect = make_pull_request(1, head_sha="f" * 40, draft=True)
    answers = {order(1): make_look_up(draft=True, labels=frozenset({"preview"}))}
    snapshot, _ = with_confirmations(held(1), {order(1): suspect}, answers, CATALOG)

    assert [each.unstamped for each in snapshot.repositories["acme/orders"].pull_requests] == [True, False, False]


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


def test_confirmed_pull_requests_are_dropped_and_not_looked_up_again() -> None:
    snapshot, gone = confirmed(held(1, 3), {order(1): make_look_up("merged"), order(3): make_look_up("missing")})
    orders = snapshot.repositories["acme/orders"]

    assert gone == {order(1): Elsewhere.MERGED}
    assert orders.numbers == {2, 3}
    assert list(orders.held) == [3]
    assert orders.looked_up == {1: LookedUp(Elsewhere.MERGED)}
    assert stale_look_ups(snapshot, [order(1), order(9)]) == [order(9)]


def test_an_open_pull_request_is_dropped_only_without_the_labels() -> None:
    answers = {order(1): make_look_up(labels=frozenset({"old"}))}

    def gone(*labels: str) -> dict[Locator, Elsewhere]:
        return confirmed(held(1, labels=frozenset(labels)), answers)[1]

    assert gone("preview") == {order(1): Elsewhere.UNLABELLED}
    assert gone("preview", "old") == {}
    assert gone() == {}


def test_a_listing_that_lacked_an_open_pull_request_is_repeated() -> None:
    snapshot, gone = confirmed(held(1), {order(1): make_look_up(labels=frozenset({"preview"}))})
    assert gone == {}
    assert snapshot.repositories["acme/orders"].numbers == {1, 2, 3}
    assert snapshot.repositories["acme/orders"].mark is None

    snapshot, _ = confirmed(held(1), {order(1): None})
    assert snapshot.repositories["acme/orders"].mark


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


def test_looked_up_targets_are_kept_while_they_are_wanted() -> None:
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


def test_a_target_is_looked_up_again_once_its_repository_changes() -> None:
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


def test_a_target_is_asked_for_again_until_its_repository_has_settled() -> None:
    target = Locator("acme/payments", 1)
    unsettled = Mark("one", MONDAY, settled=False)
    snapshot = make_snapshot(CATALOG, make_repository("acme/payments", mark=unsettled))
    lagging = with_look_ups(snapshot, [target], {target: make_look_up()})
    later = replace(lagging.repositories["acme/payments"], mark=replace(unsettled, settled=True))
    snapshot = make_snapshot(CATALOG, later)

    assert stale_look_ups(snapshot, [target]) == [target]
    after = with_look_ups(snapshot, [target], {target: make_look_up("merged")})
    assert after.repositories["acme/payments"].looked_up == {1: LookedUp(Elsewhere.MERGED)}
    assert stale_look_ups(after, [target]) == []


def test_targets_in_unread_repositories_are_not_looked_up() -> None:
    target, snapshot = Locator("acme/payments", 1), Snapshot({"acme/orders": make_repository("acme/orders")})

    assert stale_look_ups(snapshot, [target]) == []
    assert with_look_ups(snapshot, [target], {}) == snapshot
