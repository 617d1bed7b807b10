from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from plugin.core.answers.history import KEPT, KEPT_FOR, Event, EventKind, Moment, continued
from plugin.core.decision.preview import Preview
from plugin.core.decision.verdicts import State
from plugin.core.facts.model import Elsewhere
from tests.builders import MONDAY, SHA, make_catalog, make_pull_request, make_repository, previews_of

SERVICES: dict[str, dict[str, Any]] = {
    "orders": {
        "depends_on": ["payments"],
        "drafts": False,
        "seed": {"image": "ghcr.io/acme/seed", "datasets": {"default": "1", "minimal": "2"}},
    },
    "payments": {},
}
CATALOG = make_catalog(SERVICES, allowed_hosts=["users.dev.example.com"])
LATER = MONDAY + timedelta(hours=1)
NOTHING = Moment({}, {})


def wish(text: str) -> str:
    return f"version: 1\ndependencies: {{payments: {text}}}\n"


def moment(held: Mapping[str, str] | None = None, catalog: Any = CATALOG, **pull_request: Any) -> Moment:
    """Pull request 1 of orders, with 5 of payments beside it, which is live, and 6, which was merged."""
    payments = make_repository("acme/payments", make_pull_request(5), looked_up={6: Elsewhere.MERGED})
    orders = make_repository("acme/orders", make_pull_request(1, **pull_request))
    previews = previews_of(catalog, orders, payments).values()
    live = {preview.key: preview for preview in previews if preview.verdict.live and preview.service.name == "orders"}
    return Moment(live, held or {})


def happened(before: Moment, after: Moment, **departed: str) -> list[tuple[str, str]]:
    histories = continued({}, before, after, {"orders/1": departed["why"]} if departed else {}, LATER)
    assert all(event.at == LATER for events in histories.values() for event in events)
    return [(event.kind.value, event.reason) for event in histories.get("orders/1", ())]


def test_a_preview_is_created_because_of_its_verdict() -> None:
    assert happened(NOTHING, moment()) == [("created", 'it has the label "preview"')]


def test_nothing_happens_where_nothing_changes() -> None:
    one = moment()

    assert continued({}, one, one, {}, LATER) == {}
    assert happened(moment(), moment(title="another one", updated_at=LATER)) == []


def test_an_update_says_what_changed() -> None:
    minimal = "version: 1\ndataset: minimal\n"
    for after, told in (
        (moment(head_sha="f" * 40), "commit ffffffff"),
        (moment(config=minimal), "dataset minimal"),
        (moment(config="dataset: minimal\n"), ".preview.yaml:1: version: is missing"),
        (moment(head_sha="f" * 40, config=minimal), "commit ffffffff, dataset minimal"),
    ):
        assert happened(moment(), after) == [("updated", told)]
    assert happened(moment(config="[", head_sha=SHA), moment()) == [("updated", "its .preview.yaml is good again")]


def test_an_edited_catalog_is_an_update() -> None:
    for told, edited in {
        "the catalog's entry": make_catalog(SERVICES | {"orders": SERVICES["orders"] | {"port": 9000}}),
        "moved to https://orders-1.preview.example.com, namespace env-orders-1": make_catalog(SERVICES, prefix="env"),
        "moved to https://orders-1.other.example.com, namespace preview-orders-1": make_catalog(
            SERVICES, domain="other.example.com"
        ),
        "dataset none, the catalog's entry": make_catalog(
            SERVICES | {"orders": {key: value for key, value in SERVICES["orders"].items() if key != "seed"}}
        ),
    }.items():
        assert happened(moment(), moment(catalog=edited)) == [("updated", told)]


def test_a_change_of_state_is_an_update() -> None:
    before, after = moment(), moment()
    preview = after.live["orders/1"]
    paused = replace(preview, verdict=replace(preview.verdict, state=State.PAUSED, reason="it is night"))

    assert happened(before, Moment({"orders/1": paused}, {})) == [("updated", "paused: it is night")]


def test_a_link_to_another_target_is_told_with_its_reason() -> None:
    linked, url = wish("pr:5"), wish("url:https://users.dev.example.com/v2")

    assert happened(moment(), moment(config=linked)) == [
        ("relinked", "payments goes to acme/payments#5: acme/payments#5 is live")
    ]
    assert happened(moment(config=linked), moment(config=url)) == [
        ("relinked", "payments goes to https://users.dev.example.com/v2: this URL was asked for")
    ]
    assert happened(moment(config=linked), moment(config=wish("staging"))) == [
        ("relinked", "payments goes to staging: staging was asked for")
    ]


def test_a_link_whose_target_is_gone_fell_back() -> None:
    assert happened(moment(config=wish("pr:5")), moment(config=wish("pr:6"))) == [
        ("fell-back", "payments goes to staging: acme/payments#6 was merged")
    ]
    assert happened(moment(), moment(config=wish("pr:6"))) == []  # it went to staging before


def test_a_new_dependency_is_no_relinking() -> None:
    without = make_catalog(SERVICES | {"orders": SERVICES["orders"] | {"depends_on": []}})

    assert happened(moment(catalog=without), moment()) == [("updated", "the catalog's entry")]


def test_it_is_held_once_and_gone_once_it_is_held_no_more() -> None:
    held, live = {"orders/1": "it is not listed any more"}, moment()
    still = Moment(live.live, held)

    assert happened(live, still) == [("held", "it is not listed any more")]
    assert happened(still, still) == []
    assert happened(still, live) == []  # it is back
    assert happened(still, NOTHING, why="it was closed") == [("gone", "it was closed")]
    assert happened(live, Moment({}, held)) == [("held", "it is not listed any more")]  # by the breaker
    assert happened(Moment({}, held), Moment({}, held)) == []
    assert happened(Moment({}, held), live) == []  # it was there all the time
    assert happened(Moment({}, held), NOTHING) == [("gone", "it lost its preview")]


def test_what_leaves_is_gone_and_says_why() -> None:
    assert happened(moment(), moment(draft=True), why="it is a draft") == [("gone", "it is a draft")]
    assert happened(NOTHING, NOTHING) == []


def test_reasons_are_one_line() -> None:
    assert happened(moment(), NOTHING, why="a\nb" + "x" * 400) == [("gone", "a b" + "x" * 296 + "…")]


def event(at: datetime) -> Event:
    return Event(at, EventKind.CREATED, "")


def test_events_are_kept_for_thirty_days() -> None:
    limit = LATER - KEPT_FOR
    too_old = limit - timedelta(microseconds=1)
    histories = {
        "orders/1": (event(too_old), event(limit)),
        "a": (event(too_old),),
        "b": (event(too_old), event(limit)),
    }
    after = continued(histories, NOTHING, moment(), {}, LATER)

    assert KEPT_FOR.days == 30
    assert [one.at for one in after["orders/1"]] == [limit, LATER]
    assert after.keys() == {"orders/1", "b"}
    assert after["b"] is histories["b"]  # what has not changed need not be stored again


def test_of_many_events_the_newest_are_kept() -> None:
    histories = {"orders/1": tuple(event(MONDAY) for _ in range(KEPT))}
    after = continued(histories, NOTHING, moment(), {}, LATER)["orders/1"]

    assert len(after) == KEPT == 200
    assert (after[0].at, after[-1].at) == (MONDAY, LATER)


def test_each_preview_has_its_own_history() -> None:
    (preview,) = moment().live.values()
    other = replace(preview, pull_request=replace(preview.pull_request, number=2))
    after = continued({}, Moment({"a/1": preview}, {}), Moment({"b/1": other}, {}), {"a/1": "left"}, LATER)

    assert {name: [one.kind for one in events] for name, events in after.items()} == {
        "a/1": [EventKind.GONE],
        "b/1": [EventKind.CREATED],
    }


PREVIEWS: tuple[Preview | None, ...] = (None, *moment().live.values(), *moment(head_sha="f" * 40).live.values())
moments = st.lists(st.tuples(st.sampled_from(PREVIEWS), st.booleans()), max_size=8)


@given(moments)
def test_a_history_is_a_life(steps: list[tuple[Preview | None, bool]]) -> None:
    """Between its creation and its end it is there, and outside it is not."""
    histories: Mapping[str, tuple[Event, ...]] = {}
    before, there = NOTHING, False
    for number, (preview, held) in enumerate(steps):
        # Only what exists can be held.
        holds = {"orders/1": "held"} if held and (preview or there) else {}
        after = Moment({"orders/1": preview} if preview else {}, holds)
        histories = continued(histories, before, after, {}, MONDAY + timedelta(minutes=number))
        before, there = after, bool(preview or holds)
    kinds = [one.kind for one in histories.get("orders/1", ())]
    lives = [kind for kind in kinds if kind in (EventKind.CREATED, EventKind.GONE)]

    assert lives == ([EventKind.CREATED, EventKind.GONE] * len(lives))[: len(lives)]
    assert there is bool(len(lives) % 2)
    assert not kinds or kinds[0] is EventKind.CREATED
    assert bool(steps) >= bool(kinds)
