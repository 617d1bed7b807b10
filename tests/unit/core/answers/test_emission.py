"""Which previews an input gets, and what is remembered of all of them."""

import json
import sys
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugin.core.answers.emission import filtered, live_previews, missing, parameters
from plugin.core.answers.filters import EVERYTHING, ORIGINS, Filters
from plugin.core.answers.live import Live
from plugin.core.decision.decide import Decision, decide
from plugin.core.decision.preview import LivePreview
from plugin.core.decision.rules.active import active
from plugin.core.facts.model import Repository, Snapshot
from tests.builders import make_catalog, make_pull_request, make_repository, make_snapshot
from tests.strategies import EXAMPLES, SERVICES, World, worlds

CATALOG = make_catalog({"orders": {"drafts": False}, "payments": {}})
ORDERS = make_repository("acme/orders", make_pull_request(1), make_pull_request(2, draft=True), make_pull_request(11))
PAYMENTS = make_repository("acme/payments", make_pull_request(3), make_pull_request(4, fork=True))


@pytest.fixture
def _everything_is_live(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make forks and drafts live, too, so that every filter has something to let through."""
    monkeypatch.setattr("plugin.core.decision.judge.RULES", (active,))


def decided(*repositories: Repository, before: Decision | None = None) -> Decision:
    return decide(CATALOG, make_snapshot(CATALOG, *repositories), before)


def live(service: str, number: int) -> LivePreview:
    return LivePreview(service, number, f"preview-{service}-{number}", "backend", fork=False)


def names(answer: bytes) -> list[str]:
    return [one["name"] for one in json.loads(answer)]


def test_an_answer_is_the_bare_list_of_live_previews_in_their_order() -> None:
    answer = parameters(decided(ORDERS, PAYMENTS))

    assert answer.startswith(b'[{"number":"1",')
    assert names(answer) == ["preview-orders-1", "preview-orders-11", "preview-payments-3"]


@pytest.mark.usefixtures("_everything_is_live")
def test_filters_select_live_previews() -> None:
    decision = decide(CATALOG, make_snapshot(CATALOG, ORDERS, PAYMENTS))

    assert names(parameters(decision, Filters(services=frozenset({"orders"})))) == [
        "preview-orders-1",
        "preview-orders-2",
        "preview-orders-11",
    ]
    assert names(parameters(decision, Filters(origin="fork"))) == ["fork-preview-payments-4"]
    assert names(parameters(decision, Filters(profile="backend"))) == [
        *(f"preview-orders-{number}" for number in (1, 2, 11)),
        "preview-payments-3",
    ]


def test_an_answer_without_previews_is_an_empty_list() -> None:
    assert parameters(decided(ORDERS), Filters(origin="fork")) == b"[]"
    assert parameters(decided()) == b"[]"
    assert filtered(b"[]", Filters()) == b"[]"


filters = st.builds(
    Filters,
    services=st.none() | st.frozensets(st.sampled_from(SERVICES), min_size=1),
    profile=st.sampled_from([None, "backend", "frontend"]),
    origin=st.sampled_from(ORIGINS),
)


@pytest.mark.usefixtures("_everything_is_live")
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])  # it only sets a constant
@given(worlds(), st.sampled_from(SERVICES), filters)
def test_a_filtered_old_answer_equals_the_answer_to_the_filters(world: World, frontend: str, wanted: Filters) -> None:
    services = {
        name: {**entry, "profile": "frontend" if name == frontend else "backend"}
        for name, entry in world.services.items()
    }
    other = World(services, world.repositories)
    decision = decide(other.catalog, other.snapshot)

    assert filtered(parameters(decision, EVERYTHING), wanted) == parameters(decision, wanted)


def test_live_previews_are_remembered_by_repository() -> None:
    assert live_previews(decided(ORDERS, PAYMENTS), None) == Live(
        CATALOG.fingerprint,
        {"acme/orders": (live("orders", 1), live("orders", 11)), "acme/payments": (live("payments", 3),)},
    )
    assert live_previews(decided(ORDERS), None).by_repository.keys() == {"acme/orders"}


def test_unchanged_repositories_keep_their_remembered_objects() -> None:
    first = live_previews(decided(ORDERS, PAYMENTS), None)
    pushed = replace(ORDERS, pull_requests=tuple(replace(each, head_sha="f" * 40) for each in ORDERS.pull_requests))
    # Another decision from the start, as after a restart: all parts are new objects.
    same = live_previews(decided(pushed, PAYMENTS), first)
    closed = live_previews(decided(replace(ORDERS, pull_requests=ORDERS.pull_requests[:1]), PAYMENTS), first)

    assert all(same.by_repository[name] is first.by_repository[name] for name in first.by_repository)
    assert closed.by_repository["acme/payments"] is first.by_repository["acme/payments"]
    assert closed.by_repository["acme/orders"] == (live("orders", 1),)


def test_previews_that_a_decision_lacks_or_renames_are_missing() -> None:
    before = live_previews(decided(ORDERS, PAYMENTS), None)
    one = replace(ORDERS, pull_requests=ORDERS.pull_requests[:1])
    renamed = make_catalog({"orders": {}, "payments": {}}, prefix="env")
    frontend = make_catalog({"orders": {"profile": "frontend"}, "payments": {}})
    moved = make_catalog({"orders": {"repository": "acme/payments"}, "payments": {}})
    payments = [("acme/payments", live("payments", 3))]
    orders = [("acme/orders", live("orders", 1)), ("acme/orders", live("orders", 11))]

    assert list(missing(before, decided(ORDERS, PAYMENTS))) == []
    assert list(missing(before, decided(one, PAYMENTS))) == [("acme/orders", live("orders", 11))]
    assert list(missing(before, decide(CATALOG, Snapshot({"acme/orders": ORDERS})))) == payments
    for catalog, expected in ((renamed, orders + payments), (frontend, orders), (moved, orders)):
        assert list(missing(before, decide(catalog, make_snapshot(catalog, ORDERS, PAYMENTS)))) == expected


def test_thousands_of_previews_are_compared_in_linear_time() -> None:
    def cost(size: int) -> int:
        before = Live("x", {"acme/orders": tuple(live("orders", number) for number in range(size))})
        decision = decided(make_repository("acme/orders", *map(make_pull_request, range(1, size))))
        assert len(decision.parts["acme/orders"].remembered) == size - 1
        compared = 0

        def count(_: object, event: str, __: object) -> None:
            nonlocal compared
            compared += event == "call"

        sys.setprofile(count)
        try:
            assert len(list(missing(before, decision))) == 1
        finally:
            sys.setprofile(None)
        return compared

    assert cost(2000) < 15 * cost(200)
