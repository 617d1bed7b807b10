from dataclasses import replace
from typing import Any

import pytest

from plugin.core.config.references import Locator
from plugin.core.config.threshold import Threshold
from plugin.core.facts.model import Elsewhere, Hold, Snapshot
from plugin.mirror.current import Current
from plugin.state import NOTHING, Head
from tests.builders import MONDAY, make_pull_request, make_repository
from tests.unit.mirror.steps import (
    CATALOG,
    DRAFT,
    LATER,
    LOCATOR,
    NEW_PORT,
    ONE,
    TWO,
    WITHOUT_ORDERS,
    advanced,
    after,
    first,
    live,
    names,
    snapshot,
    told,
)

# Versions


def test_without_a_change_the_version_and_the_decision_stay() -> None:
    before = first(snapshot(ONE))
    doubtful = replace(snapshot(ONE), doubts={"acme/orders": "x"}, read_at={"acme/orders": LATER})
    current = after(before, doubtful)

    assert current.known.head == Head(1, LATER)
    assert current.decision is before.decision
    assert current.known.live is before.known.live
    assert current.known.snapshot.doubts == {"acme/orders": "x"}
    assert current.known.snapshot.read_at == {"acme/orders": LATER}


def test_doubts_alone_leave_the_age_as_it_is() -> None:
    before = first(snapshot(ONE))

    assert after(before, snapshot(ONE), fresh=False).known.head == Head(1, MONDAY)
    assert after(before, snapshot(ONE, TWO), fresh=False).known.head == Head(2, MONDAY)
    assert after(before, snapshot(ONE, TWO)).known.head == Head(2, LATER)


def test_a_change_makes_a_new_version_that_remembers_what_is_live() -> None:
    step = advanced(first(snapshot(ONE)), snapshot(ONE, TWO))

    assert step.current.known.head.version == 2
    assert names(step.current) == live(step.current) == ["preview-orders-1", "preview-orders-2"]
    assert told(step.current) == {"orders/2": [("created", 'it has the label "preview"')]}
    assert step.events == step.current.known.histories
    assert step.events["orders/2"][0].at == LATER


def test_an_edited_catalog_makes_a_new_version_without_new_facts() -> None:
    current = after(first(snapshot(ONE)), snapshot(ONE), newest=NEW_PORT)

    assert current.known.head.version == 2
    assert current.known.catalog is NEW_PORT
    assert current.known.live
    assert current.known.live.catalog == NEW_PORT.fingerprint


def test_a_catalog_that_may_not_take_effect_yet_changes_nothing() -> None:
    before = first(snapshot(ONE))
    current = after(before, snapshot(ONE), newest=WITHOUT_ORDERS, may_take_effect=False)

    assert current.known.catalog is CATALOG
    assert current.known.head.version == 1
    moved_on = after(before, snapshot(ONE, TWO), newest=WITHOUT_ORDERS, may_take_effect=False)
    assert names(moved_on) == ["preview-orders-1", "preview-orders-2"]


def test_before_a_catalog_takes_effect_nothing_is_decided() -> None:
    current = after(Current(NOTHING, None), snapshot(ONE), may_take_effect=False)

    assert (current.known.head, current.known.catalog, current.decision) == (Head(1, LATER), None, None)
    assert current.known.live is None
    again = after(current, replace(snapshot(ONE), doubts={"acme/payments": "x"}), may_take_effect=False)
    assert again.known.head == Head(1, LATER)
    assert again.known.snapshot.doubts == {"acme/payments": "x"}


def test_the_first_catalog_is_never_held() -> None:
    current = after(Current(NOTHING, None), snapshot(ONE))

    assert names(current) == live(current) == ["preview-orders-1"]
    assert told(current) == {"orders/1": [("created", 'it has the label "preview"')]}


def test_a_change_of_one_repository_keeps_the_decision_on_the_others() -> None:
    before = first(snapshot(ONE))
    orders = make_repository("acme/orders", ONE, TWO)
    current = after(before, Snapshot({**before.known.snapshot.repositories, orders.name: orders}))

    assert before.decision
    assert current.decision
    assert current.decision.parts["acme/orders"] is not before.decision.parts["acme/orders"]
    assert current.decision.parts["acme/payments"] is before.decision.parts["acme/payments"]


def test_a_repository_whose_live_previews_stay_keeps_their_record() -> None:
    before = first(snapshot(ONE))
    current = after(before, snapshot(make_pull_request(1, head_sha="f" * 40)))

    assert before.known.live
    assert current.known.live
    assert current.known.live.by_repository["acme/orders"] is before.known.live.by_repository["acme/orders"]


# Facts are never held: what ends a preview was confirmed before it became a fact


def test_confirmed_departures_are_released_however_many_they_are() -> None:
    forty = [make_pull_request(number) for number in range(1, 41)]
    gone = {Locator("acme/orders", number): Elsewhere.CLOSED for number in range(1, 41)}
    current = after(first(snapshot(*forty)), snapshot(), gone=gone)

    assert names(current) == live(current) == []
    assert told(current)["orders/7"] == [("gone", "acme/orders#7 was closed")]


def test_a_draft_by_the_catalog_in_force_leaves_without_a_hold() -> None:
    current = after(first(snapshot(ONE, TWO)), snapshot(DRAFT, TWO))

    assert names(current) == ["preview-orders-2"]
    assert told(current) == {"orders/1": [("gone", "it is a draft")]}


def test_departures_by_facts_are_released_together_with_an_edit() -> None:
    before = first(snapshot(ONE, TWO))
    current = after(before, snapshot(TWO), newest=NEW_PORT, gone={LOCATOR: Elsewhere.MERGED})
    assert current.known.hold is None
    assert names(current) == ["preview-orders-2"]

    drafted = after(before, snapshot(DRAFT, TWO), newest=NEW_PORT)
    assert drafted.known.hold is None
    assert names(drafted) == ["preview-orders-2"]


@pytest.mark.parametrize(
    ("facts", "given", "expected"),
    [
        (snapshot(), {"gone": {LOCATOR: Elsewhere.MISSING}}, "acme/orders#1 does not exist"),
        (snapshot(), {"gone": {LOCATOR: Elsewhere.MERGED}, "newest": WITHOUT_ORDERS}, "acme/orders#1 was merged"),
        (snapshot(DRAFT), {}, "it is a draft"),
        (snapshot(make_pull_request(1, labels=())), {}, "acme/orders#1 has no preview label"),
        (snapshot(ONE), {"newest": WITHOUT_ORDERS}, "the catalog no longer has the service orders"),
    ],
)
def test_a_departure_says_why(facts: Snapshot, given: dict[str, Any], expected: str) -> None:
    current = after(first(snapshot(ONE)), facts, threshold=Threshold(99, 0), **given)

    assert told(current) == {"orders/1": [("gone", expected)]}


def test_a_held_pull_request_is_recorded_once_until_its_hold_ends() -> None:
    before = first(snapshot(ONE))
    held = after(before, snapshot(ONE, held={1: Hold("it is no longer listed")}))
    assert told(held) == {"orders/1": [("held", "it is no longer listed")]}

    gone = after(held, snapshot(), gone={LOCATOR: Elsewhere.MERGED})
    assert told(gone)["orders/1"][1:] == [("gone", "acme/orders#1 was merged")]
    assert told(after(held, snapshot(ONE)))["orders/1"][1:] == []
