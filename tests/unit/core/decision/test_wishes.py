"""What pull requests ask for, and which link targets must be looked up to answer."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from plugin.core.config.catalog import Catalog
from plugin.core.config.references import Locator
from plugin.core.decision import wishes
from plugin.core.decision.decide import decide
from plugin.core.decision.wishes import Wish, read_wishes
from plugin.core.facts.model import Elsewhere, Snapshot
from tests.builders import make_catalog, make_pull_request, make_repository, make_snapshot
from tests.strategies import EXAMPLES, World, worlds

CATALOG = make_catalog({"orders": {"depends_on": ["payments"]}, "payments": {}})


def wanted(catalog: Catalog, snapshot: Snapshot) -> frozenset[Locator]:
    return read_wishes(catalog, snapshot.repositories, None).wanted


def wish(**pull_request: Any) -> Wish:
    orders = make_repository("acme/orders", make_pull_request(1, **pull_request))
    repositories = make_snapshot(CATALOG, orders).repositories
    return read_wishes(CATALOG, repositories, None).by_repository["acme/orders"].by_number[1]


def test_the_first_line_for_each_repository_counts() -> None:
    body = "Depends-On: acme/Payments#5\ndepends-on: acme/payments#6\nDepends-On: acme/users#7\n"
    found = wish(body=body).depends_on

    assert {name: line.number for name, line in found.items()} == {"acme/payments": 5, "acme/users": 7}
    assert found["acme/payments"].text == "Depends-On: acme/Payments#5"


def test_a_forks_description_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(*_: object) -> None:
        raise AssertionError("a stranger wrote it")

    monkeypatch.setattr(wishes, "read_description", parse)
    found = wish(body="Depends-On: acme/payments#5", fork=True)

    assert found.depends_on == {}
    with pytest.raises(AssertionError):
        wish(body="Depends-On: acme/payments#5")


def test_a_broken_file_leaves_the_last_good_one_in_force() -> None:
    good = "version: 1\ndependencies: {payments: pr:5}"
    found = wish(config="[", last_good_config=good)

    assert found.config.error.startswith(".preview.yaml:")
    assert str(found.config.of("orders").dependencies["payments"]) == "pr:5"


def test_only_link_targets_by_number_that_count_are_looked_up() -> None:
    catalog = make_catalog(
        {
            "orders": {"depends_on": ["payments", "users"]},
            "payments": {},
            "users": {},
            "shop": {"depends_on": ["users"]},
        }
    )
    orders = make_repository(
        "acme/orders",
        make_pull_request(1, config="version: 1\ndependencies: {payments: pr:5, users: pr:6}"),
        make_pull_request(2, body="Depends-On: acme/payments#7\nDepends-On: acme/payments#8"),
        make_pull_request(3, body="Depends-On: acme/shop#9", config="version: 1\ndependencies: {users: branch:x}"),
        make_pull_request(4, fork=True, body="Depends-On: acme/users#10"),
        make_pull_request(5, labels=(), body="Depends-On: acme/users#11"),
        make_pull_request(6, fork=True, config="version: 1\ndependencies: {users: pr:12}"),
    )
    payments = make_repository("acme/payments", make_pull_request(5), looked_up={7: Elsewhere.MERGED})

    assert wanted(catalog, make_snapshot(catalog, orders, payments)) == {
        Locator("acme/users", 6),
        Locator("acme/payments", 7),  # again: it may have been reopened
    }


def test_the_first_line_for_each_dependency_is_looked_up() -> None:
    catalog = make_catalog({"orders": {"depends_on": ["payments", "users"]}, "payments": {}, "users": {}})
    body = "Depends-On: acme/payments#5\nDepends-On: acme/users#6\nDepends-On: acme/users#7\n"
    orders = make_repository("acme/orders", make_pull_request(1, body=body))

    assert wanted(catalog, make_snapshot(catalog, orders)) == {Locator("acme/payments", 5), Locator("acme/users", 6)}


def test_nothing_is_looked_up_in_an_unread_repository() -> None:
    orders = make_repository("acme/orders", make_pull_request(1, body="Depends-On: acme/payments#5"))

    assert wanted(CATALOG, Snapshot({"acme/orders": orders})) == frozenset()


@settings(max_examples=EXAMPLES)
@given(worlds())
def test_unlisted_link_targets_are_looked_up(world: World) -> None:
    catalog, snapshot = world.catalog, world.snapshot
    names = wanted(catalog, snapshot)

    assert not [locator for locator in names if locator.number in snapshot.repositories[locator.repository].numbers]
    # A fork's pull request links only to staging, so nothing is looked up for it.
    for preview in (preview for preview in decide(catalog, snapshot).previews if not preview.pull_request.fork):
        for dependency in preview.dependencies:
            locator, _, reason = dependency.reason.partition(" ")
            if reason in ("could not be looked up yet", "was merged", "was closed", "does not exist"):
                repository, _, number = locator.partition("#")
                assert Locator(repository, int(number)) in names


def test_unchanged_pull_requests_are_not_read_again() -> None:
    snapshot = make_snapshot(CATALOG, make_repository("acme/orders", make_pull_request(1)))
    orders = snapshot.repositories["acme/orders"]
    before = read_wishes(CATALOG, snapshot.repositories, None)

    def again(name: str, pull_requests: Any) -> dict[str, bool]:
        changed = replace(snapshot.repositories[name], pull_requests=pull_requests)
        after = read_wishes(CATALOG, {**snapshot.repositories, name: changed}, before).by_repository
        return {name: each is not before.by_repository[name] for name, each in after.items()}

    # A new object for the repository, as after a look-up of a link's target, changes no wish.
    assert again("acme/orders", orders.pull_requests) == {"acme/orders": False, "acme/payments": False}
    assert again("acme/orders", (make_pull_request(2),)) == {"acme/orders": True, "acme/payments": False}


def test_a_decision_uses_the_wishes_that_it_is_given() -> None:
    snapshot = make_snapshot(CATALOG, make_repository("acme/orders", make_pull_request(1)))
    given = read_wishes(CATALOG, snapshot.repositories, None)

    assert decide(CATALOG, snapshot, wishes=given).wishes is given


@given(worlds())
def test_incremental_wishes_equal_new_ones(world: World) -> None:
    catalog, repositories = world.catalog, world.snapshot.repositories
    for name in repositories:
        fewer = {other: repository for other, repository in repositories.items() if other != name}
        emptied = {**repositories, name: replace(repositories[name], pull_requests=())}
        for before in (fewer, emptied):
            on = read_wishes(catalog, repositories, read_wishes(catalog, before, None))
            back = read_wishes(catalog, before, on)

            assert on.wanted == read_wishes(catalog, repositories, None).wanted
            assert back.wanted == read_wishes(catalog, before, None).wanted
            assert on.by_repository.keys() == repositories.keys()
            assert back.by_repository.keys() == before.keys()
