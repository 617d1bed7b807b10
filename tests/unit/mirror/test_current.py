import json
from dataclasses import replace

import pytest

from plugin.core.answers.emission import live_previews, parameters
from plugin.core.answers.filters import EVERYTHING, Filters
from plugin.core.answers.live import Hold as BreakerHold
from plugin.core.answers.live import Live
from plugin.core.config.references import Locator
from plugin.core.decision.preview import LivePreview
from plugin.core.facts.model import Hold, PullRequest, Repository, Snapshot
from plugin.mirror.current import Current, answers_differ, decided
from plugin.state import NOTHING, Head, Known
from tests.builders import MONDAY, make_catalog, make_pull_request, make_repository, make_snapshot

CATALOG = make_catalog(
    {
        "orders": {"drafts": False},
        "reports": {"repository": "acme/orders", "labels": {"require": ["reports"]}},
        "payments": {},
    }
)
SAME_REPOSITORY, REPORTS = Filters(), Filters(services=frozenset({"reports"}))
ORDERS = make_repository("acme/orders", make_pull_request(1), make_pull_request(2))


def current(*repositories: Repository, live: Live | None = None, hold: BreakerHold | None = None) -> Current:
    return decided(Known(Head(3, MONDAY), CATALOG, make_snapshot(CATALOG, *repositories), live=live, hold=hold))


def live(*numbers: int, name: str = "preview-orders-{}") -> Live:
    previews = tuple(LivePreview("orders", number, name.format(number), "backend", fork=False) for number in numbers)
    return Live(CATALOG.fingerprint, {"acme/orders": previews})


def hold(*pull_requests: PullRequest) -> BreakerHold:
    """Hold back orders/9; the old answer is that of these pull requests."""
    decision = current(make_repository("acme/orders", *pull_requests)).decision
    assert decision
    return BreakerHold("0123456789ab", {"orders/9": "it is a draft"}, parameters(decision))


def names(body: bytes | None) -> list[str]:
    assert body is not None
    return [one["name"] for one in json.loads(body)]


# What may be answered


def test_a_decision_with_every_live_preview_is_the_answer() -> None:
    for remembered in (None, live(), live(1), live(1, 2)):
        assert current(ORDERS, live=remembered).complete
        assert names(current(ORDERS, live=remembered).parameters(SAME_REPOSITORY)) == [
            "preview-orders-1",
            "preview-orders-2",
        ]
    assert current(ORDERS, live=live(1)).parameters(REPORTS) == b"[]"


@pytest.mark.parametrize("remembered", [live(1, 9), live(1, name="other-{}")], ids=["missing", "another name"])
def test_a_decision_that_lacks_a_live_preview_is_not_an_answer(remembered: Live) -> None:
    assert not current(ORDERS, live=remembered).complete
    assert current(ORDERS, live=remembered).parameters(SAME_REPOSITORY) is None
    assert current(ORDERS, live=remembered).parameters(REPORTS) is None  # no input is answered without the others


def test_a_live_preview_of_a_repository_without_a_decision_is_missing() -> None:
    gone = Live(CATALOG.fingerprint, {"acme/gone": (LivePreview("gone", 1, "preview-gone-1", "", fork=False),)})

    assert not current(ORDERS, live=gone).complete


def test_the_old_answer_is_the_answer_while_the_breaker_holds() -> None:
    holding = current(ORDERS, live=live(1, 9), hold=hold(make_pull_request(1), make_pull_request(9)))

    assert names(holding.parameters(SAME_REPOSITORY)) == ["preview-orders-1", "preview-orders-9"]
    assert holding.parameters(REPORTS) == b"[]"
    lost = replace(hold(), parameters=None)
    assert current(ORDERS, live=live(1), hold=lost).parameters(SAME_REPOSITORY) is None


def test_before_a_catalog_is_in_force_nothing_is_known() -> None:
    nothing = decided(NOTHING)

    assert nothing.decision is None
    assert not nothing.complete
    assert list(nothing.previews) == []
    assert nothing.parameters(EVERYTHING) is None
    assert nothing.services_of(Locator("acme/orders", 1)) == ()
    assert (nothing.moment.live, nothing.moment.held) == ({}, {})
    assert (nothing.to_release, nothing.unread) == ("", ())
    assert nothing.wishes(CATALOG) is None


# What people are shown


def test_the_services_of_a_repository_are_found_in_any_case() -> None:
    found = current().services_of(Locator("ACME/Orders", 1))

    assert [service.name for service in found] == ["orders", "reports"]
    assert current().services_of(Locator("acme/else", 1)) == ()


def test_live_previews_of_a_doubtful_pull_request_are_in_doubt() -> None:
    pull_requests = [make_pull_request(1), make_pull_request(2, draft=True), make_pull_request(3)]
    orders = make_repository("acme/orders", *pull_requests, held={1: Hold("not listed"), 2: Hold("not listed")})

    # 2 is a draft, and neither 1 nor 2 ever had a preview of reports.
    assert current(orders).in_doubt == {"orders/1": "not listed"}
    assert current(ORDERS).in_doubt == {}


def test_a_moment_has_what_is_live_and_what_is_held_with_the_reason() -> None:
    orders = make_repository("acme/orders", make_pull_request(1), held={1: Hold("not listed")})
    moment = current(orders, live=live(1, 9), hold=hold()).moment

    assert {name: list(previews) for name, previews in moment.live.items()} == {"acme/orders": ["orders/1"]}
    assert moment.held == {"orders/1": "not listed", "orders/9": "the breaker holds it back: it is a draft"}


def test_the_command_that_releases_is_named_while_the_breaker_holds() -> None:
    assert current(live=live(9), hold=hold()).to_release == "preview-plugin acknowledge 0123456789ab"
    assert current(live=live(9), hold=hold()).held_back.keys() == {"orders/9"}
    assert current().to_release == ""
    assert current().held_back == {}


def test_unread_repositories_of_the_catalog_in_force_are_named() -> None:
    known = Known(Head(1, MONDAY), CATALOG, Snapshot({"acme/orders": ORDERS}))

    assert decided(known).unread == ("acme/payments",)
    assert current(ORDERS).unread == ()


# Reusing what was decided


def test_wishes_are_reused_with_the_catalog_that_read_them() -> None:
    before, other = current(ORDERS), make_catalog({"orders": {}})
    assert before.decision

    assert before.wishes(CATALOG) is before.decision.wishes
    assert before.wishes(other) is None
    edited = decided(replace(before.known, catalog=other)).decision
    assert edited
    with_edited = replace(before, edited=edited)
    assert with_edited.wishes(other) is edited.wishes


def test_answers_differ_only_if_some_input_may_get_another_one() -> None:
    before = current(ORDERS)
    same = decided(before.known, before.decision)
    more = current(make_repository("acme/orders", *ORDERS.pull_requests, make_pull_request(3)))
    unlabelled = current(make_repository("acme/orders", *ORDERS.pull_requests, make_pull_request(3, labels=())))

    assert not answers_differ(before, same)
    assert answers_differ(before, more)
    assert answers_differ(more, before)
    assert not answers_differ(before, unlabelled)
    assert answers_differ(decided(NOTHING), before)
    assert not answers_differ(decided(NOTHING), decided(NOTHING))


def test_answers_differ_when_a_hold_ends_and_not_when_it_begins() -> None:
    before = current(ORDERS)
    holding = current(make_repository("acme/orders"), live=live(1, 2), hold=hold(*ORDERS.pull_requests))

    assert not answers_differ(before, holding)
    assert answers_differ(holding, current(make_repository("acme/orders")))


def test_a_repository_that_left_the_decision_makes_a_difference() -> None:
    before = current(ORDERS)
    without = decided(replace(before.known, catalog=make_catalog({"payments": {}})))

    assert answers_differ(before, without)
    assert before.decision
    assert live_previews(before.decision, None) == live(1, 2)
