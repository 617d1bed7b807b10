from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from plugin.core.config.references import Locator
from plugin.core.facts.absorb import (
    absorb,
    covers,
    labels_to_ask,
    stale_look_ups,
    unconfirmed,
    unread,
    with_confirmations,
    with_look_ups,
)
from plugin.core.facts.confirm import NOT_YET_CONFIRMED
from plugin.core.facts.model import Elsewhere, Hold, LookedUp, Mark, Newest, Repository, Snapshot
from tests.builders import MONDAY, make_catalog, make_look_up, make_pull_request, make_repository, make_snapshot

CATALOG = make_catalog({"orders": {"depends_on": ["payments"]}, "payments": {}})
LATER = MONDAY + timedelta(hours=1)
GOOD = "version: 1\ndependencies: {payments: pr:5}\n"


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        ([{}], {"preview"}),
        ([{"labels": {"require": ["a", "b"]}}], {"a"}),  # GitHub finds what has any of them; one is enough
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


@pytest.mark.parametrize(
    ("asked", "needed", "enough"),
    [
        (["preview"], ["preview"], True),
        (["preview", "old"], ["preview"], True),
        (["old"], ["preview"], False),
        ([], ["preview"], True),  # listed without labels: every open pull request
        ([], [], True),
        (["preview"], [], False),
    ],
)
def test_a_reading_covers_a_catalog_if_it_was_listed_by_its_labels(
    asked: list[str], needed: list[str], *, enough: bool
) -> None:
    catalog = make_catalog({"orders": {"labels": {"require": needed}}})
    snapshot = make_snapshot(catalog, make_repository("acme/orders", labels=frozenset(asked)))

    assert covers(snapshot, catalog) is enough
    assert unread(snapshot, catalog) == ([] if enough else ["acme/orders"])


def test_a_repository_that_was_never_read_is_named() -> None:
    snapshot = Snapshot({"acme/orders": make_repository("acme/orders")})

    assert unread(snapshot, CATALOG) == ["acme/payments"]
    assert unread(Snapshot({}), CATALOG) == ["acme/orders", "acme/payments"]


def test_an_older_state_of_a_pull_request_than_the_known_one_tells_nothing() -> None:
    known = make_repository("acme/orders", make_pull_request(1, title="new", updated_at=MONDAY))
    older, newer = MONDAY - timedelta(seconds=1), MONDAY + timedelta(seconds=1)

    def title_after(**reading: Any) -> str:
        reread = make_repository("acme/orders", make_pull_request(1, **reading))
        return absorb(known, reread, CATALOG, MONDAY).pull_requests[0].title

    assert title_after(title="old", updated_at=older) == "new"
    assert title_after(title="same second", updated_at=MONDAY) == "same second"
    assert title_after(title="newer", updated_at=newer) == "newer"


def test_what_a_good_reading_leaves_out_is_held_until_it_is_confirmed() -> None:
    known = make_repository("acme/orders", make_pull_request(1), make_pull_request(2))
    after = absorb(known, make_repository("acme/orders", make_pull_request(2)), CATALOG, MONDAY)

    assert after.numbers == {1, 2}
    assert after.held == {1: NOT_YET_CONFIRMED}
    assert absorb(after, known, CATALOG, MONDAY).held == {}  # it is back
    assert absorb(after, make_repository("acme/orders"), CATALOG, MONDAY).numbers == {1, 2}


def test_a_hold_goes_on_until_it_ends() -> None:
    hold = Hold("there is no such pull request for now", first_missing_at=MONDAY, times_missing=1)
    known = make_repository("acme/orders", make_pull_request(1), make_pull_request(2), held={1: hold})

    after = absorb(known, make_repository("acme/orders"), CATALOG, LATER)

    assert after.held == {1: hold, 2: NOT_YET_CONFIRMED}


def test_what_was_dropped_does_not_come_back_by_an_answer_from_before_that() -> None:
    def listed(*updated_at: datetime, settled: bool = True, newest: tuple[str, ...] = ()) -> Repository:
        pull_requests = (make_pull_request(1, updated_at=moment) for moment in updated_at)
        mark = Mark(tuple(enumerate(newest, start=1)), ("id",), settled=settled)
        return make_repository("acme/orders", *pull_requests, mark=mark)

    closed_at = MONDAY + timedelta(seconds=5)
    missing = absorb(listed(MONDAY), listed(), CATALOG, MONDAY)
    answers = {order(1): make_look_up("closed", updated_at=closed_at)}
    snapshot, _ = with_confirmations(make_snapshot(CATALOG, missing), [order(1)], answers)
    dropped = snapshot.repositories["acme/orders"]
    still_dropped = absorb(dropped, listed(MONDAY), CATALOG, MONDAY)  # from the past, and so it looks settled

    assert dropped.dropped == still_dropped.dropped == {1: closed_at}
    assert (still_dropped.pull_requests, still_dropped.held) == ((), {})
    before, since = "2026-11-16T09:00:04Z", "2026-11-16T09:00:05Z"
    for tells_nothing in (
        listed(settled=False, newest=(since, before)),
        listed(newest=(before,)),  # from before it was dropped, or it is hidden since
        listed(),
        listed(MONDAY, newest=(before, since)),  # its list lags behind
    ):
        assert absorb(dropped, tells_nothing, CATALOG, MONDAY).dropped == {1: closed_at}
    # From now on no answer is as old as that.
    assert absorb(dropped, listed(newest=(before, since)), CATALOG, MONDAY).dropped == {}
    assert absorb(dropped, make_repository("acme/orders"), CATALOG, MONDAY).dropped == {}
    assert absorb(dropped, listed(closed_at, settled=False), CATALOG, MONDAY).numbers == {1}  # reopened at once


def test_what_was_dropped_as_missing_comes_back_once_it_is_listed_again() -> None:
    hold = Hold("there is no such pull request for now", first_missing_at=MONDAY, times_missing=2)
    snapshot = make_snapshot(CATALOG, make_repository("acme/orders", make_pull_request(1), held={1: hold}))
    answers = {order(1): make_look_up("missing", answered_at=LATER)}
    after, gone = with_confirmations(snapshot, [order(1)], answers)
    dropped = after.repositories["acme/orders"]

    assert gone == {order(1): Elsewhere.MISSING}
    assert (dropped.numbers, dropped.dropped) == (frozenset(), {})
    assert absorb(dropped, make_repository("acme/orders", make_pull_request(1)), CATALOG, LATER).numbers == {1}


def test_a_head_is_as_old_as_its_first_reading() -> None:
    first = absorb(None, make_repository("acme/orders", make_pull_request(1)), CATALOG, MONDAY)
    second = absorb(first, make_repository("acme/orders", make_pull_request(1)), CATALOG, LATER)
    pushed = make_repository("acme/orders", make_pull_request(1, head_sha="f" * 40))

    assert second.pull_requests[0].head_seen_at == MONDAY
    assert absorb(second, pushed, CATALOG, LATER).pull_requests[0].head_seen_at == LATER
    assert second.listed_at == LATER


def held(*numbers: int, labels: frozenset[str] = frozenset({"preview"})) -> Snapshot:
    """Orders with pull requests 1 to 3, of which these are held."""
    pull_requests = [make_pull_request(number) for number in (1, 2, 3)]
    holds = dict.fromkeys(numbers, NOT_YET_CONFIRMED)
    mark = Mark(((3, "monday"),), ("id",), settled=True)
    orders = make_repository("acme/orders", *pull_requests, held=holds, mark=mark, labels=labels)
    return make_snapshot(CATALOG, orders)


def order(number: int) -> Locator:
    return Locator("acme/orders", number)


def test_held_pull_requests_are_looked_up_where_their_repository_can_be_read() -> None:
    snapshot = held(1, 3)

    assert unconfirmed(snapshot) == [order(1), order(3)]
    assert unconfirmed(replace(snapshot, doubts={"acme/orders": "no answer"})) == []


def test_what_is_confirmed_is_dropped_and_links_to_it_need_not_ask_again() -> None:
    snapshot, gone = with_confirmations(
        held(1, 3), [order(1), order(3)], {order(1): make_look_up("merged"), order(3): make_look_up("missing")}
    )
    orders = snapshot.repositories["acme/orders"]

    assert gone == {order(1): Elsewhere.MERGED}
    assert orders.numbers == {2, 3}
    assert list(orders.held) == [3]
    assert orders.looked_up == {1: LookedUp(Elsewhere.MERGED)}
    assert stale_look_ups(snapshot, [order(1), order(9)]) == [order(9)]


def test_an_open_one_is_dropped_only_if_it_lacks_the_labels_that_its_repository_is_listed_by() -> None:
    answers = {order(1): make_look_up(labels=frozenset({"old"}))}

    def gone(*labels: str) -> dict[Locator, Elsewhere]:
        return with_confirmations(held(1, labels=frozenset(labels)), [order(1)], answers)[1]

    assert gone("preview") == {order(1): Elsewhere.UNLABELLED}
    assert gone("preview", "old") == {}
    assert gone() == {}


def test_a_listing_that_left_out_an_open_one_is_made_again() -> None:
    labelled, other = make_look_up(labels=frozenset({"preview"})), make_look_up(all_labels=False)

    for answer in (labelled, other):
        snapshot, gone = with_confirmations(held(1), [order(1)], {order(1): answer})
        assert gone == {}
        assert snapshot.repositories["acme/orders"].numbers == {1, 2, 3}
        assert snapshot.repositories["acme/orders"].mark is None
    snapshot, _ = with_confirmations(held(1), [order(1)], {})
    assert snapshot.repositories["acme/orders"].mark


def test_a_reading_keeps_last_good_files_and_what_was_looked_up() -> None:
    known = make_repository("acme/orders", make_pull_request(1, config=GOOD), looked_up={9: Elsewhere.MERGED})
    first = absorb(known, known, CATALOG, MONDAY)
    second = absorb(first, make_repository("acme/orders", make_pull_request(1, config="[")), CATALOG, MONDAY)

    assert first.pull_requests[0].last_good_config == GOOD
    assert second.pull_requests[0].last_good_config == GOOD
    assert second.looked_up == {9: LookedUp(Elsewhere.MERGED)}


def test_a_new_head_commit_keeps_the_last_good_file_of_the_old_one() -> None:
    known = absorb(None, make_repository("acme/orders", make_pull_request(1, config=GOOD)), CATALOG, MONDAY)
    pushed = make_pull_request(1, config="[", head_sha="f" * 40, updated_at=MONDAY + timedelta(hours=1))

    (after,) = absorb(known, make_repository("acme/orders", pushed), CATALOG, MONDAY).pull_requests

    assert after == replace(pushed, last_good_config=GOOD)


def test_looked_up_targets_are_kept_until_something_else_is_found_or_nobody_wants_them() -> None:
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


def test_a_target_that_is_open_and_labelled_will_be_listed_so_it_is_not_called_unlabelled() -> None:
    target, lags = Locator("acme/payments", 1), make_look_up(labels=frozenset({"preview", "x"}))

    assert with_look_ups(make_snapshot(CATALOG), [target], {target: lags}).repositories["acme/payments"].looked_up == {}


def test_a_target_is_asked_for_again_once_its_repository_has_changed() -> None:
    target, one, two = Locator("acme/payments", 1), ((1, "monday"),), ((1, "tuesday"),)

    def snapshot(mark: Newest | None, known: LookedUp | None) -> Snapshot:
        payments = make_repository("acme/payments", mark=Mark(mark, (), settled=True) if mark else None)
        return make_snapshot(CATALOG, replace(payments, looked_up={1: known} if known else {}))

    assert stale_look_ups(snapshot(one, LookedUp(Elsewhere.MERGED, one)), [target]) == []
    for stale in (
        snapshot(two, LookedUp(Elsewhere.MERGED, one)),
        snapshot(one, None),
        snapshot(None, LookedUp(Elsewhere.MERGED, one)),
    ):
        assert stale_look_ups(stale, [target]) == [target]
        after = with_look_ups(stale, [target], {target: make_look_up("merged")}).repositories["acme/payments"]
        assert after.mark is None or after.looked_up[1].newest == after.mark.newest
