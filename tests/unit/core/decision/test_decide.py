"""What holds for every preview of every world."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.core.config.catalog import Catalog, load_catalog
from plugin.core.config.references import Locator
from plugin.core.decision.decide import Decision, decide, wanted_lookups
from plugin.core.facts.model import Elsewhere, Snapshot
from tests.builders import make_catalog, make_pull_request, make_repository, make_snapshot, previews_of
from tests.strategies import EXAMPLES, World, moved_on, shuffled, worlds


@settings(max_examples=EXAMPLES)
@given(worlds())
def test_a_link_never_points_at_a_preview_that_is_not_live(world: World) -> None:
    previews = decide(world.catalog, world.snapshot).previews
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
def test_every_call_of_the_catalog_is_answered_with_a_rule_and_a_sentence(world: World) -> None:
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
    previews = decide(world.catalog, world.snapshot).previews

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


@settings(max_examples=EXAMPLES)
@given(worlds())
def test_whatever_is_wanted_and_not_listed_gets_looked_up(world: World) -> None:
    catalog, snapshot = world.catalog, world.snapshot
    wanted = wanted_lookups(catalog, snapshot)

    assert not [locator for locator in wanted if locator.number in snapshot.repositories[locator.repository].numbers]
    # A fork's pull request links only to staging, so nothing is looked up for it.
    for preview in (preview for preview in decide(catalog, snapshot).previews if not preview.pull_request.fork):
        for dependency in preview.dependencies:
            locator, _, reason = dependency.reason.partition(" ")
            if reason in ("could not be looked up yet", "was merged", "was closed", "does not exist"):
                repository, _, number = locator.partition("#")
                assert Locator(repository, int(number)) in wanted


def test_previews_are_in_the_order_of_service_and_number_skipped_ones_among_them() -> None:
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
    )
    payments = make_repository("acme/payments", make_pull_request(5), looked_up={7: Elsewhere.MERGED})

    assert wanted_lookups(catalog, make_snapshot(catalog, orders, payments)) == {
        Locator("acme/users", 6),
        Locator("acme/payments", 7),  # again: it may have been reopened
    }


def test_of_each_dependency_the_first_line_of_the_description_is_looked_up() -> None:
    catalog = make_catalog({"orders": {"depends_on": ["payments", "users"]}, "payments": {}, "users": {}})
    body = "Depends-On: acme/payments#5\nDepends-On: acme/users#6\nDepends-On: acme/users#7\n"
    orders = make_repository("acme/orders", make_pull_request(1, body=body))

    assert wanted_lookups(catalog, make_snapshot(catalog, orders)) == {
        Locator("acme/payments", 5),
        Locator("acme/users", 6),
    }


@settings(max_examples=EXAMPLES)
@given(worlds().flatmap(lambda world: st.tuples(st.just(world), moved_on(world))))
def test_a_decision_that_goes_on_from_an_older_one_is_the_same_as_a_new_one(both: tuple[World, Snapshot]) -> None:
    world, later = both
    before = decide(world.catalog, world.snapshot)
    after, anew = decide(world.catalog, later, before), decide(world.catalog, later)

    assert after.previews == anew.previews
    assert [each.parameters for each in after.decided] == [each.parameters for each in anew.decided]
    assert wanted_lookups(world.catalog, later, before) == wanted_lookups(world.catalog, later)


def test_only_a_changed_repository_and_its_callers_are_decided_anew() -> None:
    catalog = make_catalog({"orders": {"depends_on": ["payments"]}, "payments": {"depends_on": ["users"]}, "users": {}})
    snapshot = make_snapshot(catalog)
    before = decide(catalog, snapshot)

    def anew(name: str, of: Catalog = catalog) -> set[str]:
        later = Snapshot({**snapshot.repositories, name: make_repository(name)})
        after = decide(of, later, before)
        return {name.removeprefix("acme/") for name, part in after.parts.items() if part is not before.parts[name]}

    assert anew("acme/orders") == {"orders"}
    assert anew("acme/payments") == {"orders", "payments"}
    assert anew("acme/users") == {"payments", "users"}
    again = load_catalog(catalog.text, "catalog.yaml")
    assert anew("acme/users", again) == {"orders", "payments", "users"}


def test_files_of_an_unchanged_repository_are_not_searched_for_links_again() -> None:
    catalog = make_catalog({"orders": {"depends_on": ["payments"]}, "payments": {}})
    snapshot = make_snapshot(catalog)
    found = Locator("acme/payments", 7)  # what nobody would find: no file names it
    parts = {name: replace(part, links=frozenset({found})) for name, part in decide(catalog, snapshot).parts.items()}

    def wanted(*changed: str, of: Catalog = catalog) -> set[Locator]:
        later = {**snapshot.repositories, **{name: make_repository(name) for name in changed}}
        return set(wanted_lookups(of, Snapshot(later), Decision(catalog, parts)))

    assert wanted() == {found}
    assert wanted("acme/orders") == {found}
    assert wanted("acme/orders", "acme/payments") == set()
    assert wanted(of=load_catalog(catalog.text, "catalog.yaml")) == set()
