from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from plugin.core.answers.breaker import Emitted
from plugin.core.answers.emission import emission
from plugin.core.answers.filters import Filters
from plugin.core.config.catalog import Catalog
from plugin.core.config.references import Locator
from plugin.core.config.threshold import Threshold
from plugin.core.facts.model import Elsewhere, Hold, LookUp, PullRequest, Snapshot
from plugin.mirror.current import Current, decided
from plugin.mirror.gather import Gathered
from plugin.mirror.publish import publish
from plugin.state import NOTHING, Head, Known
from tests.builders import MONDAY, make_catalog, make_look_up, make_pull_request, make_repository, make_snapshot

SERVICES: dict[str, dict[str, Any]] = {"orders": {"drafts": False}, "payments": {}}
CATALOG = make_catalog(SERVICES)
ALL, ORDERS, PAYMENTS = Filters(), Filters(services=frozenset({"orders"})), Filters(services=frozenset({"payments"}))
LATER = MONDAY + timedelta(minutes=1)
STRICT = Threshold(0, 0)  # whatever leaves must be confirmed


@dataclass
class LookingUp:
    """Answers by number, and remembers what was asked."""

    answers: Mapping[Locator, LookUp] = field(default_factory=dict)
    asked: list[list[Locator]] = field(default_factory=list)

    def __call__(self, locators: Sequence[Locator]) -> Mapping[Locator, LookUp]:
        self.asked.append(list(locators))
        return self.answers


def snapshot(*pull_requests: PullRequest, **given: Any) -> Snapshot:
    return make_snapshot(CATALOG, make_repository("acme/orders", *pull_requests, **given))


def first(known: Snapshot, *inputs: Filters, catalog: Catalog = CATALOG) -> Current:
    """Version 1, in which these inputs were answered."""
    current = decided(Known(Head(1, MONDAY), catalog, known))
    assert current.decision
    emitted = {filters: emission(1, current.decision, filters) for filters in inputs}
    return replace(current, known=replace(current.known, emitted=emitted))


def published(
    before: Current,
    after: Snapshot,
    *,
    catalog: Catalog | None = CATALOG,
    gone: Mapping[Locator, Elsewhere] | None = None,
    fresh: bool = True,
    threshold: Threshold = STRICT,
    look_up: LookingUp | None = None,
) -> Current:
    gathered = Gathered(catalog or CATALOG, catalog is not None, after, gone or {}, fresh)
    return publish(before, gathered, LATER, threshold, look_up or LookingUp())


def told(current: Current) -> dict[str, list[tuple[str, str]]]:
    return {
        name: [(event.kind.value, event.reason) for event in events] for name, events in current.known.histories.items()
    }


ONE, TWO, DRAFT = make_pull_request(1), make_pull_request(2), make_pull_request(1, draft=True)
LOCATOR = Locator("acme/orders", 1)


def test_where_nothing_changed_the_version_and_everything_decided_stay() -> None:
    before = first(snapshot(ONE), ALL)
    after = published(before, replace(snapshot(ONE), doubts={"acme/orders": "x"}, read_at={"acme/orders": LATER}))

    assert after.known.head == Head(1, LATER)
    assert after.decision is before.decision
    assert after.known.emitted is before.known.emitted
    assert after.known.snapshot.doubts == {"acme/orders": "x"}
    assert after.known.snapshot.read_at == {"acme/orders": LATER}


def test_only_doubts_leave_the_age_as_it_is() -> None:
    before = first(snapshot(ONE), ALL)

    assert published(before, snapshot(ONE), fresh=False).known.head == Head(1, MONDAY)
    assert published(before, snapshot(ONE, TWO), fresh=False).known.head == Head(2, MONDAY)
    assert published(before, snapshot(ONE, TWO)).known.head == Head(2, LATER)


def test_a_change_makes_a_new_version_with_the_answers_that_were_given_before_ready() -> None:
    after = published(first(snapshot(ONE), ALL, ORDERS), snapshot(ONE, TWO))

    assert after.bodies.keys() == {ALL, ORDERS}
    assert [emitted.version for emitted in after.known.emitted.values()] == [2, 2]
    assert list(after.known.emitted[ORDERS].previews) == ["preview-orders-1", "preview-orders-2"]
    assert after.bodies[ALL] == after.answer(ALL)
    assert told(after) == {"orders/2": [("created", 'it has the label "preview"')]}
    assert after.known.histories["orders/2"][0].at == LATER


def test_an_edited_catalog_makes_a_new_version_even_if_nothing_else_changed() -> None:
    edited = make_catalog(SERVICES | {"payments": {"port": 9}})
    after = published(first(snapshot(ONE), ALL), snapshot(ONE), catalog=edited)

    assert after.known.head.version == 2
    assert after.known.catalog is edited
    assert after.known.emitted[ALL].catalog == edited.fingerprint


def test_before_there_is_a_catalog_nothing_is_decided() -> None:
    after = published(Current(NOTHING, None), snapshot(ONE), catalog=None)

    assert (after.known.head, after.known.catalog, after.decision, after.bodies) == (Head(1, LATER), None, None, {})
    assert after.known.emitted == {}


def test_what_the_listing_says_is_looked_up_if_it_is_too_much_and_then_it_may_leave() -> None:
    look_up = LookingUp({LOCATOR: make_look_up(draft=True, labels=frozenset({"preview"}))})
    after = published(first(snapshot(ONE, TWO), ALL, ORDERS), snapshot(DRAFT, TWO), look_up=look_up)

    assert look_up.asked == [[LOCATOR]]  # once for both inputs
    assert list(after.known.emitted[ALL].previews) == list(after.known.emitted[ORDERS].previews) == ["preview-orders-2"]
    assert told(after) == {"orders/1": [("gone", "it is a draft")]}


def test_nothing_is_looked_up_if_little_leaves_or_all_of_it_is_known() -> None:
    look_up = LookingUp()
    published(first(snapshot(ONE), ALL), snapshot(DRAFT), threshold=Threshold(1, 0), look_up=look_up)
    closed = published(first(snapshot(ONE), ALL), snapshot(), gone={LOCATOR: Elsewhere.CLOSED}, look_up=look_up)

    assert look_up.asked == []
    assert told(closed) == {"orders/1": [("gone", "acme/orders#1 was closed")]}


def test_what_is_confirmed_to_be_elsewhere_may_leave_in_the_very_refresh_that_brings_another_catalog() -> None:
    edited, look_up = make_catalog(SERVICES, allowed_hosts=["users.dev.example.com"]), LookingUp()
    before = first(snapshot(ONE, TWO), ALL)
    after = published(before, snapshot(TWO), catalog=edited, gone={LOCATOR: Elsewhere.MERGED}, look_up=look_up)

    assert list(after.known.emitted[ALL].previews) == ["preview-orders-2"]
    assert look_up.asked == []


def test_a_change_of_one_repository_leaves_what_was_decided_on_the_others() -> None:
    before = first(snapshot(ONE), ALL)
    orders = make_repository("acme/orders", ONE, TWO)
    after = published(before, Snapshot({**before.known.snapshot.repositories, orders.name: orders}))

    assert before.decision
    assert after.decision
    assert after.decision.parts["acme/orders"] is not before.decision.parts["acme/orders"]
    assert after.decision.parts["acme/payments"] is before.decision.parts["acme/payments"]


def test_what_is_not_confirmed_stays_and_the_whole_answer_with_it() -> None:
    before = first(snapshot(ONE, TWO), ALL, PAYMENTS)
    after = published(before, snapshot(DRAFT, make_pull_request(2, head_sha="f" * 40), make_pull_request(3)))

    assert after.bodies[ALL] == before.complete_answer(ALL)
    assert after.known.emitted[ALL].body == after.bodies[ALL]
    assert after.known.emitted[ALL].held.keys() == {"preview-orders-1"}
    assert after.known.emitted[PAYMENTS].held == {}  # other inputs move on
    assert told(after)["orders/1"] == [("held", "the breaker holds it back: it is a draft")]


def test_while_its_repository_is_doubtful_nothing_is_looked_up() -> None:
    look_up = LookingUp({LOCATOR: make_look_up(draft=True, labels=frozenset({"preview"}))})
    doubtful = replace(snapshot(DRAFT), doubts={"acme/orders": "no answer"})
    after = published(first(snapshot(ONE), ALL), doubtful, look_up=look_up)

    assert look_up.asked == []
    assert after.known.emitted[ALL].held


def test_while_it_holds_each_refresh_asks_again_and_a_new_version_comes_only_if_something_changes() -> None:
    held = published(first(snapshot(ONE), ALL), snapshot(DRAFT))
    look_up = LookingUp()
    same = published(held, replace(snapshot(DRAFT), read_at={"acme/orders": LATER}), look_up=look_up)

    assert look_up.asked == [[LOCATOR]]
    assert same.known.head == Head(2, LATER)
    assert same.known.snapshot.read_at == {"acme/orders": LATER}
    assert same.bodies == held.bodies

    look_up.answers = {LOCATOR: make_look_up("merged")}
    released = published(same, snapshot(DRAFT), look_up=look_up)
    assert released.known.head.version == 3
    assert released.known.emitted[ALL] == Emitted(3, CATALOG.fingerprint, {})
    assert released.bodies[ALL] == b'{"output":{"parameters":[]}}'
    assert told(released)["orders/1"][-1] == ("gone", "it is a draft")


def test_what_was_decided_is_not_decided_again_where_nothing_changed() -> None:
    before = first(snapshot(ONE), ALL)
    known = before.known.snapshot.repositories
    orders = snapshot(DRAFT).repositories["acme/orders"]
    held = published(before, replace(before.known.snapshot, repositories={**known, "acme/orders": orders}))

    assert before.decision
    assert held.decision
    assert held.decision.parts["acme/payments"] is before.decision.parts["acme/payments"]
    released = published(held, held.known.snapshot, look_up=LookingUp({LOCATOR: make_look_up("closed")}))
    assert released.known.head.version == 3
    assert released.decision is held.decision


def test_what_was_closed_while_the_catalog_was_edited_needs_no_human() -> None:
    edited = make_catalog(SERVICES | {"payments": {"port": 9}})
    after = published(first(snapshot(ONE), ALL), snapshot(), catalog=edited, gone={LOCATOR: Elsewhere.CLOSED})

    assert after.known.emitted[ALL] == Emitted(2, edited.fingerprint, {})


def test_an_acknowledged_catalog_lets_go_although_nothing_else_changed() -> None:
    edited = make_catalog({"payments": {}})
    held = published(first(snapshot(ONE), ALL), snapshot(), catalog=edited)
    assert held.known.emitted[ALL].waits_for_human
    assert held.known.emitted[ALL].body

    known = replace(held.known, acknowledged=frozenset({edited.fingerprint}))
    released = published(replace(held, known=known), snapshot(), catalog=edited)
    assert released.known.emitted[ALL] == Emitted(3, edited.fingerprint, {})
    assert told(released)["orders/1"][-1] == (
        "gone",
        f"with the catalog {edited.fingerprint} there is no such preview any more",
    )


def test_an_input_that_the_catalog_does_not_know_is_set_aside_and_compared_once_it_does_again() -> None:
    before = first(snapshot(ONE, TWO), ORDERS)
    aside = published(before, snapshot(ONE, TWO), catalog=make_catalog({"payments": {}}))
    assert aside.known.emitted[ORDERS] == before.known.emitted[ORDERS].set_aside()
    assert aside.bodies == {}

    look_up = LookingUp()
    back = published(aside, snapshot(TWO), look_up=look_up)  # 1 is not listed: nobody knows why
    assert back.known.emitted[ORDERS].held.keys() == {"preview-orders-1"}
    assert back.known.emitted[ORDERS].waits_for_human
    assert look_up.asked == []
    assert back.bodies == {}  # and nobody has the old answer


def test_a_hold_of_an_input_that_the_catalog_does_not_know_any_more_asks_nobody_for_anything() -> None:
    held = published(first(snapshot(ONE), ORDERS), snapshot(), catalog=make_catalog(SERVICES, prefix="env"))
    assert held.known.emitted[ORDERS].waits_for_human

    aside = published(held, snapshot(), catalog=make_catalog({"payments": {}}))
    assert not aside.known.emitted[ORDERS].held
    assert told(aside)["orders/1"][-1][0] == "gone"


def test_an_answer_of_an_older_version_is_held_whole_too_as_long_as_it_can_be_made() -> None:
    before = first(snapshot(ONE), ALL)
    acknowledged = replace(before, known=replace(before.known, head=Head(5, MONDAY)))
    after = published(acknowledged, snapshot(DRAFT))

    assert after.known.emitted[ALL].body == before.answer(ALL) is not None


def test_what_left_says_why() -> None:
    before = first(snapshot(ONE), ALL)
    whatever = Threshold(99, 0)

    def reason(after: Snapshot, **given: Any) -> str:
        ((kind, reason),) = told(published(before, after, threshold=whatever, **given))["orders/1"]
        assert kind == "gone"
        return reason

    assert reason(snapshot(), catalog=make_catalog({"payments": {}})) == "the catalog has no such service any more"
    assert reason(snapshot(), gone={LOCATOR: Elsewhere.MISSING}) == "acme/orders#1 does not exist"
    assert reason(snapshot(DRAFT)) == "it is a draft"
    assert reason(snapshot(make_pull_request(1, labels=()))) == "acme/orders#1 has no preview label"


def test_what_vanished_is_held_in_the_history_until_it_is_back_or_gone() -> None:
    before = first(snapshot(ONE), ALL)
    held = published(before, snapshot(ONE, held={1: Hold("it is not listed any more")}))
    assert told(held) == {"orders/1": [("held", "it is not listed any more")]}

    gone = published(held, snapshot(), gone={LOCATOR: Elsewhere.MERGED})
    assert told(gone)["orders/1"][1:] == [("gone", "acme/orders#1 was merged")]
    assert told(published(held, snapshot(ONE)))["orders/1"][1:] == []
