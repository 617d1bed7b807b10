"""The breaker is for edits: what an edit removes is counted, what facts end is not."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.core.answers.breaker import Removal, removed_by_edit
from plugin.core.answers.emission import live_previews
from plugin.core.answers.live import Live
from plugin.core.config.catalog import Catalog
from plugin.core.config.threshold import Threshold
from plugin.core.decision.decide import Decision, decide
from plugin.core.facts.model import Repository, Snapshot
from tests.builders import make_catalog, make_pull_request, make_repository, make_snapshot
from tests.strategies import EXAMPLES

SERVICES: dict[str, dict[str, Any]] = {"orders": {}, "payments": {}}
CATALOG = make_catalog(SERVICES)


def repositories(*numbers: int, **given: Any) -> list[Repository]:
    pull_requests = [make_pull_request(number, **given) for number in numbers]
    return [make_repository(f"acme/{name}", *pull_requests) for name in SERVICES]


LIVE = live_previews(decide(CATALOG, make_snapshot(CATALOG, *repositories(1, 2, 3))), None)


def removed(edited: Catalog, *now: Repository, live: Live = LIVE, program_changed: bool = False) -> list[str]:
    """Return the names that an edit removes, on what is known now."""
    snapshot = make_snapshot(edited, *now)
    before = None if program_changed else decide(CATALOG, snapshot)
    return [preview.name for _, preview in removed_by_edit(live, before, decide(edited, snapshot), snapshot).previews]


def named(*names: str) -> list[str]:
    return [f"preview-{name}-{number}" for name in names for number in (1, 2, 3)]


@pytest.mark.parametrize(
    ("services", "given_too", "names"),
    [
        pytest.param({"payments": {}}, {}, named("orders"), id="a removed service"),
        pytest.param(SERVICES | {"orders": {"labels": {"require": ["y"]}}}, {}, named("orders"), id="a required label"),
        pytest.param(SERVICES | {"orders": {"labels": {"skip": ["x"]}}}, {}, named("orders"), id="a skip label"),
        pytest.param(SERVICES, {"prefix": "env"}, named("orders", "payments"), id="a changed prefix"),
        pytest.param(SERVICES | {"orders": {"profile": "frontend"}}, {}, named("orders"), id="a changed profile"),
        pytest.param(SERVICES | {"orders": {"repository": "acme/shop"}}, {}, named("orders"), id="a moved repository"),
        pytest.param(
            SERVICES | {"orders": {"repository": "acme/payments"}}, {}, named("orders"), id="a repository of another"
        ),
        pytest.param(SERVICES | {"orders": {"port": 9000}}, {}, [], id="another port"),
        pytest.param(SERVICES | {"shop": {}}, {"domain": "other.example.com"}, [], id="another domain"),
    ],
)
@pytest.mark.parametrize("program_changed", [False, True])
def test_what_an_edit_removes_counts(
    services: Mapping[str, Mapping[str, Any]], given_too: dict[str, Any], names: list[str], *, program_changed: bool
) -> None:
    edited, now = make_catalog(services, **given_too), repositories(1, 2, 3, labels=("preview", "x"))

    assert removed(edited, *now, program_changed=program_changed) == names


def test_what_facts_end_never_counts() -> None:
    edited = make_catalog(SERVICES | {"orders": {"drafts": False}})
    draft = [make_repository("acme/orders", make_pull_request(1), make_pull_request(2, draft=True))]

    # Of orders, 3 was closed and 2 became a draft, which only the edit forbids; of payments, all were closed.
    assert removed(edited, *draft) == ["preview-orders-2"]
    unlabelled = make_repository("acme/orders", make_pull_request(1), make_pull_request(2, labels=()))
    assert removed(edited, unlabelled) == []


def test_without_the_old_catalog_every_known_preview_counts() -> None:
    edited = make_catalog(SERVICES | {"orders": {"drafts": False}})
    # The edit may have caused the draft and the missing label; only that 3 has left is confirmed.
    known = make_repository("acme/orders", make_pull_request(1, draft=True), make_pull_request(2, labels=()))

    assert removed(edited, known, program_changed=True) == ["preview-orders-1", "preview-orders-2"]


def test_an_unread_repository_proves_nothing_about_its_previews() -> None:
    edited, snapshot = make_catalog({"payments": {}}), Snapshot({})
    live = Live("another version", {"acme/orders": LIVE.by_repository["acme/orders"]})

    assert len(removed_by_edit(live, None, decide(edited, snapshot), snapshot).previews) == 3


def test_a_decision_by_a_third_catalog_is_not_the_baseline() -> None:
    """The catalog of no answer says nothing about what facts ended."""
    edited, snapshot = make_catalog({"payments": {}}), make_snapshot(CATALOG, *repositories(1, 2, 3))
    third = decide(make_catalog({"payments": {}, "shop": {}}), snapshot)

    assert len(removed_by_edit(LIVE, third, decide(edited, snapshot), snapshot).previews) == 3


def test_the_catalog_of_the_last_answer_removes_nothing() -> None:
    snapshot = make_snapshot(CATALOG, *repositories(1, 2, 3, labels=()))

    assert removed_by_edit(LIVE, None, decide(CATALOG, snapshot), snapshot).previews == ()


def test_another_version_of_the_program_is_an_edit() -> None:
    draft, snapshot = repositories(1, 2, 3, labels=()), make_snapshot(CATALOG, *repositories(1, 2, 3, labels=()))
    live = Live("another version", LIVE.by_repository)
    decision = decide(CATALOG, snapshot)

    assert removed(CATALOG, *draft) == []
    assert len(removed_by_edit(live, decision, decision, snapshot).previews) == 6
    assert len(removed_by_edit(live, None, decision, snapshot).previews) == 6


def test_the_breaker_holds_above_the_threshold_until_acknowledged() -> None:
    snapshot, edited = make_snapshot(CATALOG, *repositories(1, 2, 3)), make_catalog({"payments": {}})
    three = removed_by_edit(LIVE, decide(CATALOG, snapshot), decide(edited, snapshot), snapshot)

    assert three.holds(Threshold(2, 49), acknowledged=False)
    assert not three.holds(Threshold(3, 0), acknowledged=False)  # three of six are not more than three
    assert not three.holds(Threshold(0, 50), acknowledged=False)  # nor more than half
    assert not three.holds(Threshold(2, 49), acknowledged=True)
    assert not Removal((), LIVE.count).holds(Threshold(0, 0), acknowledged=False)


NAMES = ("orders", "payments")
edits = st.builds(
    lambda services, prefix: make_catalog(services, prefix=prefix),
    st.dictionaries(
        st.sampled_from(NAMES),
        st.fixed_dictionaries(
            {},
            optional={
                "drafts": st.booleans(),
                "profile": st.sampled_from(["backend", "frontend"]),
                "repository": st.sampled_from(["acme/orders", "acme/payments"]),
                "labels": st.sampled_from([{"require": ["preview", "x"]}, {"skip": ["x"]}]),
            },
        ),
        min_size=1,
    ),
    st.sampled_from(["preview", "preview", "env"]),
)
pull_requests = st.fixed_dictionaries(
    {"draft": st.booleans(), "labels": st.sampled_from([("preview",), ("preview", "x"), ("x",)])}
)
facts = st.builds(
    lambda known: [
        make_repository(f"acme/{name}", *(make_pull_request(n, **each) for n, each in sorted(pulls.items())))
        for name, pulls in known.items()
    ],
    st.fixed_dictionaries({name: st.dictionaries(st.integers(1, 5), pull_requests) for name in NAMES}),
)
Identities = dict[tuple[str, str, int], tuple[str, str]]  # service, repository and number; name and profile


def identities(decision: Decision) -> Identities:
    """What Argo CD would be given, without anything that the breaker itself uses."""
    return {
        (each.service.name, each.repository.name, each.pull_request.number): (each.name, each.service.profile)
        for each in decision.previews
        if each.verdict.live
    }


@settings(max_examples=EXAMPLES * 2)
@given(
    facts,
    st.lists(st.tuples(st.none() | edits, st.none() | facts, st.booleans()), min_size=1, max_size=5),
    st.builds(Threshold, st.integers(0, 4), st.sampled_from([0, 30, 60])),
)
def test_what_an_edit_removes_beyond_the_threshold_is_never_released(
    known: list[Repository], steps: list[tuple[Catalog | None, list[Repository] | None, bool]], threshold: Threshold
) -> None:
    """Whatever facts and edits come, and in whatever order, unless it is acknowledged."""
    in_force = CATALOG
    live = live_previews(decide(in_force, make_snapshot(in_force, *known)), None)
    given_out = identities(decide(in_force, make_snapshot(in_force, *known)))
    edited = in_force
    for catalog, now, acknowledged in steps:
        edited, known = catalog or edited, known if now is None else now
        snapshot = Snapshot({repository.name: repository for repository in known})
        as_before, after = decide(in_force, snapshot), decide(edited, snapshot)
        gone = removed_by_edit(live, as_before, after, snapshot)

        old, new = identities(as_before), identities(after)
        lost = {key for key, what in given_out.items() if new.get(key) != what and old.get(key) == what}
        assert {(each.service, name, each.number) for name, each in gone.previews} == lost
        if gone.holds(threshold, acknowledged=acknowledged):
            assert lost
            continue  # the old answer stays, whole
        staying = sum(old.get(key) == what for key, what in given_out.items())
        assert acknowledged or not threshold.exceeded(len(lost), staying)
        in_force, live, given_out = edited, live_previews(after, live), new


@settings(max_examples=EXAMPLES)
@given(facts, facts)
def test_facts_alone_never_trip_the_breaker(known: list[Repository], now: list[Repository]) -> None:
    live = live_previews(decide(CATALOG, make_snapshot(CATALOG, *known)), None)
    snapshot = make_snapshot(CATALOG, *now)
    decision = decide(CATALOG, snapshot)

    assert removed_by_edit(live, decision, decision, snapshot).previews == ()
