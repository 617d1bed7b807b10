"""Promise 2: what was live is remembered once, so every input has a baseline, even a new one."""

import json
from typing import Any

import pytest

from plugin.errors import InvalidRequest
from tests.stage import Stage
from tests.unit.mirror.scenario import BOTH, TEN, acknowledge, begin, edit, held, keys, listing, names

SHOP: dict[str, dict[str, Any]] = {"orders": {}, "shop": {"profile": "frontend"}}
MOVED: dict[str, dict[str, Any]] = {"orders": {"profile": "frontend"}, "shop": {"profile": "frontend"}, "payments": {}}
INPUTS: list[dict[str, Any]] = [{}, {"origin": "any"}, {"services": ["orders"]}, {"profile": "backend"}]


def test_an_edit_is_held_for_all_inputs_or_for_none(stage: Stage) -> None:
    begin(stage)
    stage.source.listed["acme/payments"] = listing(*range(1, 41))
    stage.refresh()
    edit(stage, {"orders": {"target_branches": ["release/*"]}, "payments": {}})

    # Ten of fifty are not more than 20 %, whoever asks for only these ten.
    assert stage.known().hold is None
    assert [len(stage.answer(**each)) for each in INPUTS] == [40, 40, 0, 40]


@pytest.mark.parametrize("restart", [False, True])
def test_a_new_input_gets_the_old_answer_while_the_breaker_holds(stage: Stage, *, restart: bool) -> None:
    stage.source.listed["acme/orders"] = listing(*TEN)
    stage.refresh()  # nobody has asked for anything yet
    edit(stage, {"payments": {}})
    if restart:
        stage = stage.restarted()

    for each in INPUTS:
        assert stage.answer(**each) == names(*TEN)
    assert stage.answer(services=["payments"]) == stage.answer(origin="fork") == []


@pytest.mark.parametrize("restart", [False, True])
def test_a_new_input_has_the_baseline_of_all(stage: Stage, *, restart: bool) -> None:
    begin(stage)
    if restart:
        stage = stage.restarted()
    stage.source.listed["acme/orders"] = listing(*range(1, 6))
    stage.refresh()

    for each in INPUTS:
        assert stage.answer(**each) == names(*TEN)


def test_an_input_that_an_edit_makes_unknown_gets_the_old_answer(stage: Stage) -> None:
    begin(stage)
    assert stage.answer(services=["orders"]) == names(*TEN)
    edit(stage, {"payments": {}})
    assert stage.answer(services=["orders"]) == names(*TEN)
    acknowledge(stage)
    with pytest.raises(InvalidRequest):
        stage.answer(services=["orders"])

    edit(stage, BOTH)
    assert stage.answer(services=["orders"]) == names(*TEN)


def test_an_input_loses_nothing_while_the_catalog_does_not_know_it(stage: Stage) -> None:
    begin(stage)
    edit(stage, {"payments": {}})
    stage.source.listed["acme/orders"] = listing(1)  # the listing is short when the service comes back
    stage.refresh()
    edit(stage, BOTH)

    assert stage.answer(services=["orders"]) == names(*TEN)


# A service that moves from one input to another


@pytest.fixture(name="shop")
def _shop(stage: Stage) -> Stage:
    """Two ApplicationSets: one asks for the profile backend, with ten of orders, the other one for frontend."""
    stage.write_catalog(SHOP | {"payments": {}})
    stage.source.listed |= {"acme/orders": listing(*TEN), "acme/shop": listing(1)}
    stage.refresh()
    assert stage.answer(profile="backend") == names(*TEN)
    assert stage.answer(profile="frontend") == ["preview-shop-1"]
    return stage


def named_by_both(stage: Stage) -> set[str]:
    return {*stage.answer(profile="backend")} & {*stage.answer(profile="frontend")}


def test_a_moving_service_is_held_where_it_was(shop: Stage) -> None:
    edit(shop, MOVED)
    for _ in range(2):
        assert held(shop) == keys(*TEN)
        assert shop.answer(profile="backend") == names(*TEN)
        assert shop.answer(profile="frontend") == ["preview-shop-1"]
        shop.refresh()
        shop = shop.restarted()

    acknowledge(shop)
    assert shop.answer(profile="backend") == []
    assert shop.answer(profile="frontend") == [*names(*TEN), "preview-shop-1"]


def test_a_moving_service_is_never_named_by_both_inputs(shop: Stage) -> None:
    assert named_by_both(shop) == set()
    for services in (MOVED, SHOP | {"payments": {}}, MOVED):
        edit(shop, services)
        assert named_by_both(shop) == set()
        acknowledge(shop)
        assert named_by_both(shop) == set()


def test_few_previews_move_at_once_and_are_never_named_by_both_inputs(shop: Stage) -> None:
    for number in TEN[2:]:
        shop.source.close("acme/orders", number)
    shop.refresh()
    assert shop.answer(profile="backend") == names(1, 2)
    edit(shop, MOVED)

    assert shop.known().hold is None
    assert shop.answer(profile="backend") == []
    assert shop.answer(profile="frontend") == [*names(1, 2), "preview-shop-1"]


def test_a_removed_profile_counts_as_a_removal(stage: Stage) -> None:
    """Argo CD's selector in previews.yaml drops what has no profile, so its previews would be deleted."""
    begin(stage)
    edit(stage, {"orders": {"profile": None}, "payments": {}})

    assert held(stage) == keys(*TEN)
    assert {one["profile"] for one in json.loads(stage.answers.parameters({}))} == {"backend"}
    acknowledge(stage)
    assert {one["profile"] for one in json.loads(stage.answers.parameters({}))} == {""}


def test_a_profile_that_only_a_held_catalog_has_is_refused(stage: Stage) -> None:
    begin(stage)
    edit(stage, {"orders": {"profile": "frontend"}, "payments": {}})

    with pytest.raises(InvalidRequest, match="frontend"):
        stage.answer(profile="frontend")
    acknowledge(stage)
    assert stage.answer(profile="frontend") == names(*TEN)
