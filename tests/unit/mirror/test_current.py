import json
from typing import Any

from plugin.core.answers.breaker import Departure, Emitted
from plugin.core.answers.filters import Filters
from plugin.core.config.catalog import Catalog
from plugin.core.config.references import Locator
from plugin.core.decision.preview import EmittedPreview
from plugin.core.facts.model import Hold, Repository
from plugin.mirror.current import (
    Current,
    decided,
    held_by_breaker,
    held_by_confirm,
    to_let_go,
    waits_for_human,
)
from plugin.state import NOTHING, Head, Known
from tests.builders import MONDAY, make_catalog, make_pull_request, make_repository, make_snapshot

CATALOG = make_catalog(
    {
        "orders": {"drafts": False},
        "reports": {"repository": "acme/orders", "labels": {"require": ["reports"]}},
        "payments": {},
    }
)
ALL, REPORTS = Filters(), Filters(services=frozenset({"reports"}))
BY_CATALOG = Departure("the catalog has no such preview any more", by_catalog=True)


def current(*repositories: Repository, catalog: Catalog = CATALOG, version: int = 3, **given: Any) -> Current:
    return decided(Known(Head(version, MONDAY), catalog, make_snapshot(catalog, *repositories), **given))


def emitted(*numbers: int, version: int = 3, **given: Any) -> Emitted:
    previews = {f"preview-orders-{number}": EmittedPreview("orders", "acme/orders", number) for number in numbers}
    return Emitted(version, CATALOG.fingerprint, previews, **given)


def names(body: bytes | None) -> list[str]:
    assert body is not None
    return [one["name"] for one in json.loads(body)["output"]["parameters"]]


ORDERS = make_repository("acme/orders", make_pull_request(1), make_pull_request(2))


def test_only_what_was_emitted_for_this_very_version_is_an_answer() -> None:
    assert names(current(ORDERS, emitted={ALL: emitted(1, 2)}).answer(ALL)) == ["preview-orders-1", "preview-orders-2"]
    assert current(ORDERS, emitted={ALL: emitted(1, 2, version=2)}).answer(ALL) is None
    assert current(ORDERS, emitted={ALL: emitted(1, 2)}).answer(REPORTS) is None


def test_while_the_breaker_holds_the_old_answer_is_the_answer() -> None:
    held = {"preview-orders-9": BY_CATALOG}

    assert current(ORDERS, emitted={ALL: emitted(9, body=b"old", held=held)}).answer(ALL) == b"old"
    assert current(ORDERS, emitted={ALL: emitted(9, held=held)}).answer(ALL) is None
    ready = Current(current(emitted={ALL: emitted()}).known, None, {ALL: b"ready"})
    assert ready.answer(ALL) == b"ready"


def test_an_input_that_the_catalog_does_not_know_has_no_answer() -> None:
    unknown = Filters(services=frozenset({"users"}))

    assert current(ORDERS, emitted={unknown: emitted()}).answer(unknown) is None
    assert current(ORDERS, emitted={unknown: emitted()}).complete_answer(unknown) is None


def test_a_complete_answer_leaves_out_nothing_that_was_emitted_whenever_that_was() -> None:
    older = current(ORDERS, emitted={ALL: emitted(1, version=2), REPORTS: emitted(1, version=2)})

    assert names(older.complete_answer(ALL)) == ["preview-orders-1", "preview-orders-2"]
    assert older.complete_answer(REPORTS) is None
    assert current(ORDERS, emitted={ALL: emitted(1, 9)}).complete_answer(ALL) is None
    assert Current(older.known, older.decision, {ALL: b"ready"}).complete_answer(ALL) == b"ready"
    assert Current(older.known, None).complete_answer(ALL) is None


def test_before_there_is_a_catalog_there_is_nothing() -> None:
    nothing = decided(NOTHING)

    assert nothing.decision is None
    assert nothing.previews == ()
    assert nothing.services_of(Locator("acme/orders", 1)) == ()
    assert (nothing.moment.live, nothing.moment.held) == ({}, {})
    assert to_let_go(nothing.known) == ""


def test_the_services_of_a_repository_in_any_case() -> None:
    found = current().services_of(Locator("ACME/Orders", 1))

    assert [service.name for service in found] == ["orders", "reports"]
    assert current().services_of(Locator("acme/else", 1)) == ()


def test_live_previews_of_a_pull_request_that_vanished_are_held_and_only_these() -> None:
    pull_requests = [make_pull_request(1), make_pull_request(2, draft=True), make_pull_request(3)]
    orders = make_repository("acme/orders", *pull_requests, held={1: Hold("not listed"), 2: Hold("not listed")})

    # 2 is a draft, and neither 1 nor 2 ever had a preview of reports.
    assert held_by_confirm(current(orders)) == {"orders/1": "not listed"}


def test_a_moment_holds_what_is_live_and_what_is_held_and_by_whom() -> None:
    orders = make_repository("acme/orders", make_pull_request(1), held={1: Hold("not listed")})
    moment = current(orders, emitted={ALL: emitted(1, 9, held={"preview-orders-9": BY_CATALOG})}).moment

    assert moment.live.keys() == {"orders/1"}
    assert moment.held == {
        "orders/1": "not listed",
        "orders/9": "the breaker holds it back: the catalog has no such preview any more",
    }


def test_what_any_input_is_kept_from_losing_is_held_by_the_breaker() -> None:
    emissions = {
        ALL: emitted(1, 2, held={"preview-orders-1": BY_CATALOG}),
        REPORTS: emitted(3, held={"preview-orders-3": Departure("it is a draft")}),
    }

    assert held_by_breaker(emissions) == {"orders/1": BY_CATALOG.reason, "orders/3": "it is a draft"}
    assert held_by_breaker({ALL: emitted(1)}) == {}


def test_the_command_that_lets_go_is_named_if_a_human_must_give_it() -> None:
    waiting = current(emitted={ALL: emitted(1), REPORTS: emitted(1, held={"preview-orders-1": BY_CATALOG})}).known
    confirmed = current(emitted={ALL: emitted(1, held={"preview-orders-1": Departure("it is a draft")})}).known

    assert waits_for_human(waiting)
    assert to_let_go(waiting) == f"preview-plugin acknowledge {CATALOG.fingerprint}"
    assert not waits_for_human(confirmed)
    assert to_let_go(confirmed) == ""
