import json
from dataclasses import replace
from typing import Any

import pytest

from plugin.core.answers.filters import EVERYTHING, Filters
from plugin.core.config.threshold import Threshold
from plugin.core.facts.model import Elsewhere, Snapshot
from plugin.mirror.current import Current
from plugin.state import Head
from tests.builders import make_catalog, make_pull_request, make_repository
from tests.unit.mirror.steps import (
    CATALOG,
    LATER,
    LOCATOR,
    NEW_PORT,
    ONE,
    SERVICES,
    TWO,
    WITHOUT_ORDERS,
    acknowledged,
    after,
    departures,
    first,
    live,
    names,
    snapshot,
    told,
)


def test_an_edit_that_removes_too_much_holds_the_old_answer_whole() -> None:
    before = first(snapshot(ONE, TWO))
    facts = snapshot(make_pull_request(1, head_sha="f" * 40), TWO, make_pull_request(3))
    current = after(before, facts, newest=WITHOUT_ORDERS)

    for filters in (EVERYTHING, Filters(), Filters(services=frozenset({"orders"}))):
        assert json.loads(current.parameters(filters) or b"") == json.loads(before.parameters(filters) or b"")
    assert current.known.catalog is CATALOG
    assert current.known.live is before.known.live
    assert current.known.hold
    assert current.known.hold.catalog == WITHOUT_ORDERS.fingerprint
    assert departures(current) == dict.fromkeys(
        ["orders/1", "orders/2"], "the catalog no longer has the service orders"
    )
    assert told(current)["orders/1"][-1] == (
        "held",
        "the breaker holds it back: the catalog no longer has the service orders",
    )


@pytest.mark.parametrize(
    ("services", "given", "expected"),
    [
        ({"payments": {}}, {}, "the catalog no longer has the service orders"),
        (
            {"orders": {"repository": "acme/payments"}, "payments": {}},
            {},
            "the catalog moved orders from acme/orders to acme/payments",
        ),
        (SERVICES, {"prefix": "env"}, "its name is now env-orders-1, which is a different environment"),
        (
            SERVICES | {"orders": {"profile": "web"}},
            {},
            "its profile is now web, so a different ApplicationSet may ask for it",
        ),
        (SERVICES | {"orders": {"labels": {"skip": ["old"]}}}, {}, 'it has the label "old"'),
        (SERVICES | {"orders": {"labels": {"require": ["env"]}}}, {}, "acme/orders#1 has no preview label"),
    ],
)
def test_a_hold_says_what_the_edit_would_remove(services: dict[str, Any], given: dict[str, Any], expected: str) -> None:
    facts = snapshot(make_pull_request(1, labels=("preview", "old")))
    held = after(first(facts), facts, newest=make_catalog(services, **given))

    assert departures(held) == {"orders/1": expected}
    assert names(held) == ["preview-orders-1"]


def test_a_hold_makes_a_new_version_only_if_something_changes() -> None:
    held = after(first(snapshot(ONE)), snapshot(ONE), newest=WITHOUT_ORDERS)
    again = after(held, replace(snapshot(ONE), read_at={"acme/orders": LATER}), newest=WITHOUT_ORDERS)

    assert held.known.head == again.known.head == Head(2, LATER)
    assert again.known.snapshot.read_at == {"acme/orders": LATER}
    assert again.known.hold is held.known.hold
    changed = after(again, snapshot(ONE, TWO), newest=WITHOUT_ORDERS)
    assert changed.known.head.version == 3
    assert changed.known.hold is held.known.hold  # so its megabytes are not stored again
    changed = after(changed, snapshot(ONE, TWO, make_pull_request(3)), newest=WITHOUT_ORDERS)
    assert names(changed) == ["preview-orders-1"]  # as answered before the edit, whatever happened since


def test_both_catalogs_start_from_their_previous_decisions() -> None:
    held = after(first(snapshot(ONE)), snapshot(ONE), newest=WITHOUT_ORDERS)
    orders = make_repository("acme/orders", ONE, TWO)
    facts = Snapshot({**held.known.snapshot.repositories, orders.name: orders})
    changed = after(held, facts, newest=WITHOUT_ORDERS)

    for old, new in ((held.decision, changed.decision), (held.edited, changed.edited)):
        assert old
        assert new
        assert new.catalog is old.catalog
        assert new.parts["acme/payments"] is old.parts["acme/payments"]


def test_an_acknowledged_edit_is_released_without_other_changes() -> None:
    held = after(first(snapshot(ONE)), snapshot(ONE), newest=WITHOUT_ORDERS)
    released = after(acknowledged(held, WITHOUT_ORDERS), snapshot(ONE), newest=WITHOUT_ORDERS)

    assert released.known.head.version == 3
    assert released.known.catalog is WITHOUT_ORDERS
    assert released.known.hold is None
    assert names(released) == live(released) == []
    assert told(released)["orders/1"][-1] == ("gone", "the catalog no longer has the service orders")


def test_an_acknowledgement_of_another_catalog_releases_nothing() -> None:
    held = after(first(snapshot(ONE)), snapshot(ONE), newest=WITHOUT_ORDERS)
    still = after(acknowledged(held, NEW_PORT), snapshot(ONE), newest=WITHOUT_ORDERS)

    assert still.known.hold is held.known.hold


def test_an_edit_of_a_held_edit_keeps_the_old_answer() -> None:
    before = first(snapshot(ONE))
    held = after(before, snapshot(ONE), newest=WITHOUT_ORDERS)
    other = make_catalog(SERVICES, prefix="env")
    again = after(acknowledged(held, WITHOUT_ORDERS), snapshot(ONE, TWO), newest=other)

    assert names(again) == ["preview-orders-1"]
    assert again.known.hold
    assert again.known.hold.catalog == other.fingerprint
    assert departures(again) == {"orders/1": "its name is now env-orders-1, which is a different environment"}
    assert again.known.acts == {}  # of a catalog that nobody asks for any longer
    assert again.known.catalog is CATALOG


def test_an_edit_that_is_undone_ends_the_hold_with_the_newest_facts() -> None:
    held = after(first(snapshot(ONE)), snapshot(ONE), newest=WITHOUT_ORDERS)
    undone = after(held, snapshot(ONE, TWO), newest=CATALOG)

    assert undone.known.hold is None
    assert undone.known.catalog is CATALOG
    assert names(undone) == live(undone) == ["preview-orders-1", "preview-orders-2"]


def test_a_preview_closed_during_a_hold_says_so_after_the_edit_is_undone() -> None:
    held = after(first(snapshot(ONE, TWO)), snapshot(ONE, TWO), newest=WITHOUT_ORDERS)
    closed = after(held, snapshot(TWO), newest=WITHOUT_ORDERS, gone={LOCATOR: Elsewhere.CLOSED})
    assert departures(closed)["orders/1"] == "acme/orders#1 was closed"
    assert names(closed) == ["preview-orders-1", "preview-orders-2"]
    later = after(closed, snapshot(TWO, make_pull_request(3)), newest=WITHOUT_ORDERS)
    assert departures(later)["orders/1"] == "acme/orders#1 was closed"

    undone = after(later, snapshot(TWO, make_pull_request(3)))
    assert names(undone) == ["preview-orders-2", "preview-orders-3"]
    assert told(undone)["orders/1"][-1] == ("gone", "acme/orders#1 was closed")


def test_a_preview_that_is_closed_when_the_edit_is_undone_says_so() -> None:
    held = after(first(snapshot(ONE, TWO)), snapshot(ONE, TWO), newest=WITHOUT_ORDERS)
    undone = after(held, snapshot(TWO), gone={LOCATOR: Elsewhere.MERGED})

    assert told(undone)["orders/1"][-1] == ("gone", "acme/orders#1 was merged")


def test_an_edit_of_a_held_edit_says_what_it_removes_itself() -> None:
    held = after(first(snapshot(ONE)), snapshot(ONE), newest=WITHOUT_ORDERS)
    other = make_catalog(SERVICES | {"orders": {"target_branches": ["release/*"]}})
    released = after(acknowledged(held, other), snapshot(ONE), newest=other)

    assert told(released)["orders/1"][-1] == ("gone", 'its base branch "main" gets no previews')


def test_an_edit_below_the_threshold_is_not_held() -> None:
    before = first(snapshot(*(make_pull_request(number, draft=False) for number in range(1, 11))))
    skipping = make_catalog({"orders": {"labels": {"skip": ["no"]}}, "payments": {}})
    labelled = [make_pull_request(number, labels=("preview", "no")[: 1 + (number <= 5)]) for number in range(1, 11)]
    known = after(before, snapshot(*labelled))
    assert len(names(known)) == 10

    assert len(names(after(known, snapshot(*labelled), newest=skipping, threshold=Threshold(5, 20)))) == 5
    assert after(known, snapshot(*labelled), newest=skipping, threshold=Threshold(4, 20)).known.hold
    assert not after(known, snapshot(*labelled), newest=skipping, threshold=Threshold(4, 50)).known.hold


# Without the catalog that was answered with


def without_catalog(current: Current) -> Current:
    """As after a start of a program of another version, or with a state that lost an entry."""
    return Current(replace(current.known, catalog=None), None)


def test_a_lost_catalog_comes_back_as_the_same_one() -> None:
    current = after(without_catalog(first(snapshot(ONE))), snapshot(ONE))

    assert current.known.catalog is CATALOG
    assert current.known.hold is None
    assert names(current) == ["preview-orders-1"]


def test_without_the_old_catalog_an_edit_is_held_without_an_answer() -> None:
    lost = without_catalog(first(snapshot(ONE)))
    held = after(lost, snapshot(ONE), newest=WITHOUT_ORDERS)

    assert departures(held) == {"orders/1": "the catalog no longer has the service orders"}
    assert held.parameters(EVERYTHING) is None  # nobody has the old answer
    assert held.known.catalog is WITHOUT_ORDERS
    again = after(held, snapshot(ONE), newest=WITHOUT_ORDERS)
    assert again.known.head == held.known.head
    assert again.known.hold is held.known.hold

    released = after(acknowledged(again, WITHOUT_ORDERS), snapshot(ONE), newest=WITHOUT_ORDERS)
    assert released.known.hold is None
    assert names(released) == []


def test_without_the_old_catalog_a_confirmed_departure_counts_as_a_fact() -> None:
    lost = without_catalog(first(snapshot(ONE, TWO)))
    current = after(lost, snapshot(TWO), newest=NEW_PORT, gone={LOCATOR: Elsewhere.CLOSED})

    assert current.known.hold is None
    assert names(current) == ["preview-orders-2"]
