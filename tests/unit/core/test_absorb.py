from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from plugin.core.absorb import absorb, covers, labels_to_ask, unread, with_look_ups
from plugin.core.model import Elsewhere, Snapshot
from plugin.core.references import Locator
from tests.builders import MONDAY, make_catalog, make_pull_request, make_repository, make_snapshot

CATALOG = make_catalog({"orders": {"depends_on": ["payments"]}, "payments": {}})
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
        return absorb(known, reread, CATALOG).pull_requests[0].title

    assert title_after(title="old", updated_at=older) == "new"
    assert title_after(title="same second", updated_at=MONDAY) == "same second"
    assert title_after(title="newer", updated_at=newer) == "newer"


def test_what_a_good_reading_leaves_out_is_gone() -> None:
    known = make_repository("acme/orders", make_pull_request(1), make_pull_request(2))
    reading = make_repository("acme/orders", make_pull_request(2))

    assert absorb(known, reading, CATALOG) == reading


def test_a_reading_keeps_last_good_files_and_what_was_looked_up() -> None:
    known = make_repository("acme/orders", make_pull_request(1, config=GOOD), looked_up={9: Elsewhere.MERGED})
    first = absorb(known, known, CATALOG)
    second = absorb(first, make_repository("acme/orders", make_pull_request(1, config="[")), CATALOG)

    assert first.pull_requests[0].last_good_config == GOOD
    assert second.pull_requests[0].last_good_config == GOOD
    assert second.looked_up == {9: Elsewhere.MERGED}


def test_a_new_head_commit_keeps_the_last_good_file_of_the_old_one() -> None:
    known = absorb(None, make_repository("acme/orders", make_pull_request(1, config=GOOD)), CATALOG)
    pushed = make_pull_request(1, config="[", head_sha="f" * 40, updated_at=MONDAY + timedelta(hours=1))

    (after,) = absorb(known, make_repository("acme/orders", pushed), CATALOG).pull_requests

    assert after == replace(pushed, last_good_config=GOOD)


def test_looked_up_targets_are_kept_until_something_else_is_found_or_nobody_wants_them() -> None:
    payments = make_repository(
        "acme/payments", looked_up={1: Elsewhere.UNLABELLED, 2: Elsewhere.UNLABELLED, 3: Elsewhere.CLOSED}
    )
    snapshot = make_snapshot(CATALOG, payments)
    wanted = [Locator("acme/payments", number) for number in (1, 2, 4)]

    after = with_look_ups(snapshot, wanted, {Locator("acme/payments", 2): Elsewhere.MERGED})

    assert after.repositories["acme/payments"].looked_up == {
        1: Elsewhere.UNLABELLED,  # could not be looked up this time
        2: Elsewhere.MERGED,
    }
    assert after.repositories["acme/orders"] == snapshot.repositories["acme/orders"]
