"""What holds for every preview of every world, and which parts of an earlier decision are reused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.core.config.catalog import Catalog, load_catalog
from plugin.core.decision.decide import Decision, decide
from plugin.core.decision.part import CONFIG_ERRORS
from plugin.core.decision.rules.active import active
from plugin.core.decision.verdicts import Verdict
from plugin.core.facts.lives import Life, Lives, State
from plugin.core.facts.model import Hold, Snapshot
from tests.builders import MONDAY, make_catalog, make_pull_request, make_repository, make_snapshot, previews_of
from tests.strategies import EXAMPLES, World, moved_on, shuffled, worlds


@settings(max_examples=EXAMPLES)
@given(worlds())
def test_a_link_never_points_at_a_preview_that_is_not_live(world: World) -> None:
    previews = list(decide(world.catalog, world.snapshot).previews)
    live = {
        (preview.service.name, preview.locator): preview.name
        for preview in previews
        if preview.verdict.live and not preview.pull_request.fork
    }

    for preview in previews:
        for dependency in preview.dependencies:
            if dependency.target == "preview":
                assert live[dependency.service, dependency.locator] == dependency.namespace
            else:
                assert (dependency.namespace, dependency.locator) == ("", "")


@settings(max_examples=EXAMPLES)
@given(worlds())
def test_a_fork_links_only_to_staging(world: World) -> None:
    for preview in decide(world.catalog, world.snapshot).previews:
        if preview.pull_request.fork:
            assert {dependency.target for dependency in preview.dependencies} <= {"staging"}


@settings(max_examples=EXAMPLES)
@given(worlds())
def test_every_dependency_has_a_rule_and_a_sentence(world: World) -> None:
    for preview in decide(world.catalog, world.snapshot).previews:
        assert [dependency.service for dependency in preview.dependencies] == [
            call.service for call in preview.service.dependencies
        ]
        for dependency in preview.dependencies:
            assert dependency.url
            sentences = [dependency.reason, *(rejected.reason for rejected in dependency.rejected)]
            for sentence in [*sentences, preview.verdict.reason]:
                assert sentence
                assert len(sentence) <= 300
                assert sentence.isprintable()


@settings(max_examples=EXAMPLES)
@given(worlds())
def test_no_two_previews_share_a_name_or_a_host(world: World) -> None:
    previews = list(decide(world.catalog, world.snapshot).previews)

    assert len({preview.name for preview in previews}) == len(previews)
    assert len({preview.host for preview in previews}) == len(previews)


@settings(max_examples=EXAMPLES)
@given(worlds().flatmap(lambda world: st.tuples(st.just(world), shuffled(world))))
def test_the_order_of_the_input_changes_nothing(both: tuple[World, World]) -> None:
    one, other = both

    def facts(world: World) -> list[object]:
        return [
            (preview.name, preview.verdict, preview.dependencies, preview.config_error, preview.warnings)
            for preview in decide(world.catalog, world.snapshot).previews
        ]

    assert facts(one) == facts(other)


def test_previews_are_in_the_order_of_service_and_number() -> None:
    catalog = make_catalog({"reports": {"repository": "acme/office"}, "admin": {"repository": "acme/office"}, "b": {}})
    office = make_repository(
        "acme/office", make_pull_request(2), make_pull_request(10), make_pull_request(9, fork=True)
    )
    b = make_repository("acme/b", make_pull_request(1), make_pull_request(3, labels=()))

    assert list(previews_of(catalog, office, b)) == [
        "preview-admin-2",
        "fork-preview-admin-9",
        "preview-admin-10",
        "preview-b-1",
        "preview-reports-2",
        "fork-preview-reports-9",
        "preview-reports-10",
    ]


def test_one_bad_pull_request_harms_no_other() -> None:
    catalog = make_catalog({"orders": {"depends_on": ["payments"]}, "payments": {}})
    good = make_pull_request(1, config="version: 1\ndependencies: {payments: pr:5}")
    bad = make_pull_request(
        2,
        title="\ud800\x00",
        branch="\u202e",
        author="ghost",
        labels=("preview", *(f"label-{n}" for n in range(300))),
        body="Depends-On: \x00\n" * 100,
        config="[" * 60_000,
    )
    payments = make_repository("acme/payments", make_pull_request(5))
    alone = previews_of(catalog, make_repository("acme/orders", good), payments)
    together = previews_of(catalog, make_repository("acme/orders", good, bad), payments)

    assert together["preview-orders-1"].dependencies == alone["preview-orders-1"].dependencies
    assert together["preview-orders-2"].config_error == ".preview.yaml:1: is nested more than 20 levels deep"
    assert together["preview-orders-2"].verdict.live


@settings(max_examples=EXAMPLES)
@given(worlds().flatmap(lambda world: st.tuples(st.just(world), moved_on(world))))
def test_an_incremental_decision_equals_a_new_one(both: tuple[World, Snapshot]) -> None:
    world, later = both
    before = decide(world.catalog, world.snapshot)
    after, anew = decide(world.catalog, later, before), decide(world.catalog, later)

    assert list(after.previews) == list(anew.previews)
    for name, part in after.parts.items():
        assert part.parameters == anew.parts[name].parameters
        assert (part.remembered, part.held) == (anew.parts[name].remembered, anew.parts[name].held)
    assert after.wishes.wanted == anew.wishes.wanted
    assert (after.live, after.remembered, after.held) == (anew.live, anew.remembered, anew.held)
    assert +after.counts == +anew.counts


# Orders calls payments, which calls users; nobody calls shop.
CATALOG = make_catalog(
    {"orders": {"depends_on": ["payments"]}, "payments": {"depends_on": ["users"]}, "users": {}, "shop": {}}
)
LINKED = make_pull_request(1, config="version: 1\ndependencies: {payments: pr:1}")
SNAPSHOT = make_snapshot(
    CATALOG,
    make_repository("acme/orders", LINKED),
    *(make_repository(f"acme/{name}", make_pull_request(1)) for name in ("payments", "users", "shop")),
)


def made_again(before: Decision, after: Decision) -> set[str]:
    return {name.removeprefix("acme/") for name, part in after.parts.items() if part is not before.parts[name]}


def test_a_push_makes_only_its_own_part_and_its_callers_again() -> None:
    before = decide(CATALOG, SNAPSHOT)

    def pushed(name: str, of: Catalog = CATALOG) -> set[str]:
        repository = make_repository(name, make_pull_request(1, head_sha="f" * 40))
        return made_again(before, decide(of, Snapshot({**SNAPSHOT.repositories, name: repository}), before))

    assert pushed("acme/orders") == {"orders"}
    assert pushed("acme/payments") == {"orders", "payments"}
    assert pushed("acme/users") == {"payments", "users"}
    assert pushed("acme/shop") == {"shop"}
    again = load_catalog(CATALOG.text, "catalog.yaml")
    assert pushed("acme/users", again) == {"orders", "payments", "users", "shop"}


def test_the_same_objects_make_the_same_parts() -> None:
    before = decide(CATALOG, SNAPSHOT)

    assert made_again(before, decide(CATALOG, Snapshot(dict(SNAPSHOT.repositories)), before)) == set()


def in_state(state: State, reason: str) -> Lives:
    """Lives in which the preview payments/1 is in some state."""
    return {"acme/payments": {"payments/1": Life(state, reason)}}


def test_a_life_relinks_callers_and_no_others() -> None:
    before = decide(CATALOG, SNAPSHOT)
    after = decide(CATALOG, SNAPSHOT, before, lives=in_state(State.QUEUED, "a limit is reached"))
    reasons = [
        {preview.key: [call.reason for call in preview.dependencies] for preview in decision.previews}["orders/1"]
        for decision in (before, after)
    ]

    assert made_again(before, after) == {"orders", "payments"}
    assert reasons == [["acme/payments#1 is live"], ["acme/payments#1 is queued: a limit is reached"]]
    assert set(after.parts["acme/payments"].live) == set()
    assert made_again(after, decide(CATALOG, SNAPSHOT, after)) == {"orders", "payments"}  # and back again


def test_the_same_lives_keep_all_parts() -> None:
    paused = in_state(State.PAUSED, "nobody works at night")
    before = decide(CATALOG, SNAPSHOT)
    night = decide(CATALOG, SNAPSHOT, before, lives=paused)

    assert made_again(before, night) == {"orders", "payments"}
    assert made_again(night, decide(CATALOG, SNAPSHOT, night, lives=dict(paused))) == set()


def test_no_life_brings_back_what_the_facts_rule_out() -> None:
    catalog = make_catalog({"orders": {"drafts": False}})
    draft = make_repository("acme/orders", make_pull_request(1, draft=True))
    (preview,) = decide(
        catalog, make_snapshot(catalog, draft), lives={"acme/orders": {"orders/1": Life(State.ACTIVE, "it was active")}}
    ).previews

    assert preview.verdict == Verdict(State.SKIPPED, "it is a draft")


def test_links_to_an_unread_repository_go_to_staging_until_it_is_read() -> None:
    unread = Snapshot({name: each for name, each in SNAPSHOT.repositories.items() if name != "acme/payments"})
    before = decide(CATALOG, unread)
    (orders,) = (preview for preview in before.previews if preview.key == "orders/1")
    (call,) = orders.dependencies

    assert set(before.parts) == {"acme/orders", "acme/shop", "acme/users"}
    assert {preview.service.name for preview in before.previews} == {"orders", "shop", "users"}
    assert (call.target, call.reason) == ("staging", "acme/payments#1 could not be looked up yet")

    after = decide(CATALOG, SNAPSHOT, before)
    (orders,) = (preview for preview in after.previews if preview.key == "orders/1")
    assert orders.dependencies[0].locator == "acme/payments#1"
    assert {name for name in before.parts if after.parts[name] is before.parts[name]} == {"acme/shop", "acme/users"}


def test_a_repository_that_the_catalog_does_not_name_has_no_part() -> None:
    removed = make_repository("acme/removed", make_pull_request(1))

    assert "acme/removed" not in decide(CATALOG, make_snapshot(CATALOG, removed)).parts


def test_a_part_says_what_is_live_and_what_is_held() -> None:
    catalog = make_catalog({"orders": {"drafts": False}, "reports": {"repository": "acme/orders"}})
    orders = make_repository(
        "acme/orders",
        make_pull_request(1, config="["),
        make_pull_request(2, draft=True),
        held={1: Hold("not listed"), 2: Hold("not listed either")},
    )
    part = decide(catalog, make_snapshot(catalog, orders)).parts["acme/orders"]

    assert list(part.live) == ["orders/1", "reports/1", "reports/2"]
    assert [one.key for one in part.remembered] == list(part.live)
    assert part.held == {
        "orders/1": "not listed",
        "reports/1": "not listed",
        "reports/2": "not listed either",
    }
    assert part.counts == {State.ACTIVE: 3, State.SKIPPED: 1, CONFIG_ERRORS: 2}


def test_a_live_preview_is_remembered_with_what_filters_look_at() -> None:
    catalog = make_catalog({"orders": {"profile": "frontend"}})
    orders = make_repository("acme/orders", make_pull_request(1), make_pull_request(2, fork=True))
    (one,) = decide(catalog, make_snapshot(catalog, orders)).parts["acme/orders"].remembered

    assert (one.key, one.service, one.number) == ("orders/1", "orders", 1)
    assert (one.name, one.profile, one.fork) == ("preview-orders-1", "frontend", False)


def test_a_fork_that_is_live_is_rendered_among_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugin.core.decision.judge.RULES", (active,))
    catalog = make_catalog({"orders": {}})
    orders = make_repository("acme/orders", make_pull_request(1), make_pull_request(2, fork=True))
    part = decide(catalog, make_snapshot(catalog, orders)).parts["acme/orders"]

    assert list(part.parameters) == [("orders", "same-repository"), ("orders", "fork")]
    assert [one.fork for one in part.remembered] == [False, True]


def test_previews_of_an_archived_repository_say_when_they_end() -> None:
    archived = make_repository("acme/orders", make_pull_request(1), archived_at=MONDAY)
    (preview,) = decide(CATALOG, make_snapshot(CATALOG, archived)).previews

    assert preview.warnings == ("acme/orders is archived, so this preview ends at 2026-11-17T09:00:00Z",)


def test_labels_that_a_repository_lacks_are_collected() -> None:
    lacking = make_repository("acme/orders", missing_labels=frozenset({"preview"}))
    decision = decide(CATALOG, make_snapshot(CATALOG, lacking))

    assert decision.missing_labels == {"acme/orders": {"preview"}}
    assert decide(CATALOG, make_snapshot(CATALOG), decision).missing_labels == {}
