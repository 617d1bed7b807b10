"""What happened to previews between two moments, and how long it is remembered."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from plugin.core.answers.history import KEPT, KEPT_FOR, Event, EventKind, Moment, happened, recorded, without_old
from plugin.core.decision.decide import decide
from plugin.core.decision.preview import Preview
from plugin.core.decision.verdicts import Verdict
from plugin.core.facts.lives import State
from plugin.core.facts.model import Elsewhere
from tests.builders import MONDAY, SHA, make_catalog, make_pull_request, make_repository, make_snapshot

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
    part = decide(catalog, make_snapshot(catalog, orders, payments)).parts["acme/orders"]
    return Moment({"acme/orders": part.live}, held or {})


def orders(live: Mapping[str, Preview], held: Mapping[str, str] | None = None) -> Moment:
    return Moment({"acme/orders": live}, held or {})


def told(before: Moment, after: Moment, **departed: str) -> list[tuple[str, str]]:
    """Return what happened to orders/1, if that left for a reason."""
    histories = happened(before, after, {"orders/1": departed["why"]} if departed else {}, LATER)
    assert all(event.at == LATER for events in histories.values() for event in events)
    assert all(histories.values())
    return [(event.kind.value, event.reason) for event in histories.get("orders/1", ())]


def test_a_preview_is_created_because_of_its_verdict() -> None:
    assert told(NOTHING, moment()) == [("created", 'it has the label "preview"')]


def test_nothing_happens_while_nothing_changes() -> None:
    one = moment()

    assert happened(one, one, {}, LATER) == {}
    assert told(moment(), moment(title="another one", updated_at=LATER)) == []


def test_an_update_says_what_changed() -> None:
    minimal = "version: 1\ndataset: minimal\n"
    for after, words in (
        (moment(head_sha="f" * 40), "commit ffffffff"),
        (moment(config=minimal), "dataset minimal"),
        (moment(config="dataset: minimal\n"), ".preview.yaml:1: version: is missing"),
        (moment(head_sha="f" * 40, config=minimal), "commit ffffffff, dataset minimal"),
    ):
        assert told(moment(), after) == [("updated", words)]
    assert told(moment(config="[", head_sha=SHA), moment()) == [("updated", "its .preview.yaml is valid again")]


def test_an_edited_catalog_is_an_update() -> None:
    for words, edited in {
        "its catalog entry changed": make_catalog(SERVICES | {"orders": SERVICES["orders"] | {"port": 9000}}),
        "moved to https://orders-1.preview.example.com, namespace env-orders-1": make_catalog(SERVICES, prefix="env"),
        "moved to https://orders-1.other.example.com, namespace preview-orders-1": make_catalog(
            SERVICES, domain="other.example.com"
        ),
        "dataset none, its catalog entry changed": make_catalog(
            SERVICES | {"orders": {key: value for key, value in SERVICES["orders"].items() if key != "seed"}}
        ),
    }.items():
        assert told(moment(), moment(catalog=edited)) == [("updated", words)]


def test_a_change_of_state_is_an_update() -> None:
    preview = moment().live["acme/orders"]["orders/1"]
    paused = replace(preview, verdict=Verdict(State.PAUSED, "nobody works at night"))

    assert told(moment(), orders({"orders/1": paused})) == [("updated", "paused: nobody works at night")]


def test_a_link_to_another_target_is_an_event_with_its_reason() -> None:
    linked, url = wish("pr:5"), wish("url:https://users.dev.example.com/v2")

    assert told(moment(), moment(config=linked)) == [
        ("relinked", "payments goes to acme/payments#5: acme/payments#5 is live")
    ]
    assert told(moment(config=linked), moment(config=url)) == [
        ("relinked", "payments goes to https://users.dev.example.com/v2: this URL was asked for")
    ]
    assert told(moment(config=linked), moment(config=wish("staging"))) == [
        ("relinked", "payments goes to staging: staging was asked for")
    ]


def test_a_link_whose_target_is_gone_fell_back() -> None:
    assert told(moment(config=wish("pr:5")), moment(config=wish("pr:6"))) == [
        ("fell-back", "payments goes to staging: acme/payments#6 was merged")
    ]
    assert told(moment(), moment(config=wish("pr:6"))) == []  # it went to staging before


def test_a_new_dependency_is_not_a_relink() -> None:
    without = make_catalog(SERVICES | {"orders": SERVICES["orders"] | {"depends_on": []}})

    assert told(moment(catalog=without), moment()) == [("updated", "its catalog entry changed")]


def test_a_hold_is_one_event_and_its_end_is_not_an_event() -> None:
    held, live = {"orders/1": "it is no longer listed"}, moment()
    still = Moment(live.live, held)

    assert told(live, still) == [("held", "it is no longer listed")]
    assert told(still, still) == []
    assert told(still, Moment(live.live, {"orders/1": "it could not be looked up"})) == []
    assert told(still, live) == []
    assert told(still, NOTHING, why="it was closed") == [("gone", "it was closed")]


def test_a_preview_that_the_breaker_holds_back_is_held_and_not_gone() -> None:
    held, live = {"orders/1": "the breaker holds it back: the catalog"}, moment()

    assert told(live, Moment({}, held)) == [("held", held["orders/1"])]
    assert told(Moment({}, held), Moment({}, held)) == []
    assert told(Moment({}, held), live) == []  # the edit was undone: it was there all the time
    assert told(Moment({}, held), NOTHING, why="the catalog") == [("gone", "the catalog")]


def test_a_preview_that_leaves_is_gone_and_says_why() -> None:
    assert told(moment(), moment(draft=True), why="it is a draft") == [("gone", "it is a draft")]
    assert told(NOTHING, NOTHING) == []


def test_a_preview_that_an_upgrade_of_the_program_removes_is_gone() -> None:
    """The previous decision, which the new program has made too, lacks it as well."""
    both = moment(draft=True)

    assert told(both, both, why="it is a draft") == [("gone", "it is a draft")]
    assert told(NOTHING, NOTHING, why="it is a draft") == [("gone", "it is a draft")]
    live = moment()
    assert told(live, live, why="its name is now env-orders-1") == []  # it only has another name


def test_reasons_are_one_line() -> None:
    assert told(moment(), NOTHING, why="a\nb" + "x" * 400) == [("gone", "a b" + "x" * 296 + "…")]


class Counting(dict[str, Preview]):
    """Live previews that count how often they are looked through."""

    looks = 0

    def items(self) -> Any:
        self.looks += 1
        return super().items()


def test_only_repositories_whose_objects_changed_are_looked_through() -> None:
    (preview,) = moment().live["acme/orders"].values()
    same, old, new = Counting(a=preview), Counting(b=preview), Counting(b=replace(preview, dataset="minimal"))
    before = Moment({"acme/same": same, "acme/orders": old}, {})
    after = Moment({"acme/same": same, "acme/orders": new}, {})

    assert happened(before, after, {}, LATER).keys() == {"b"}
    assert (same.looks, old.looks, new.looks) == (0, 1, 1)


def test_each_preview_has_its_own_events() -> None:
    (preview,) = moment().live["acme/orders"].values()
    one, two, three = (replace(preview, pull_request=replace(preview.pull_request, number=n)) for n in (1, 2, 3))
    before = Moment({"acme/a": {"a/1": one}, "acme/c": {"c/3": three}}, {})
    after = Moment({"acme/b": {"b/2": two}, "acme/c": {"c/3": replace(three, dataset="minimal")}}, {"c/3": "held"})
    events = happened(before, after, {"a/1": "left"}, LATER)

    assert {key: [one.kind for one in each] for key, each in events.items()} == {
        "a/1": [EventKind.GONE],
        "b/2": [EventKind.CREATED],
        "c/3": [EventKind.UPDATED, EventKind.HELD],
    }


def event(at: datetime) -> Event:
    return Event(at, EventKind.CREATED, "")


def test_events_are_kept_for_thirty_days() -> None:
    limit = LATER - KEPT_FOR
    too_old = limit - timedelta(microseconds=1)
    histories = {"orders/1": (event(too_old), event(limit)), "b": (event(too_old), event(limit))}
    after = recorded(histories, {"orders/1": (event(LATER),)}, LATER)

    assert KEPT_FOR.days == 30
    assert [one.at for one in after["orders/1"]] == [limit, LATER]
    assert after["b"] is histories["b"]  # what has not changed need not be stored again
    assert recorded(histories, {}, LATER) is histories


def test_histories_without_a_young_event_are_dropped() -> None:
    limit = LATER - KEPT_FOR
    too_old = limit - timedelta(microseconds=1)
    histories = {"a": (event(too_old),), "b": (event(too_old), event(limit))}

    assert without_old(histories, LATER) == {"b": histories["b"]}


def test_the_newest_of_many_events_are_kept() -> None:
    histories = {"orders/1": tuple(event(MONDAY) for _ in range(KEPT))}
    after = recorded(histories, {"orders/1": (event(LATER),)}, LATER)["orders/1"]

    assert len(after) == KEPT == 200
    assert (after[0].at, after[-1].at) == (MONDAY, LATER)


PREVIEWS: tuple[Preview | None, ...] = (
    None,
    *moment().live["acme/orders"].values(),
    *moment(head_sha="f" * 40).live["acme/orders"].values(),
)
moments = st.lists(st.tuples(st.sampled_from(PREVIEWS), st.booleans()), max_size=8)


@given(moments)
def test_a_preview_exists_between_its_events_created_and_gone(steps: list[tuple[Preview | None, bool]]) -> None:
    """Between its creation and its end it is there, and outside it is not."""
    histories: Mapping[str, tuple[Event, ...]] = {}
    before, there = NOTHING, False
    for number, (preview, held) in enumerate(steps):
        # Only what exists can be held.
        holds = {"orders/1": "held"} if held and (preview or there) else {}
        after = orders({"orders/1": preview} if preview else {}, holds)
        is_there, now = bool(preview or holds), MONDAY + timedelta(minutes=number)
        departed = {"orders/1": "it was closed"} if there and not is_there else {}
        histories = recorded(histories, happened(before, after, departed, now), now)
        before, there = after, is_there
    kinds = [one.kind for one in histories.get("orders/1", ())]
    lives = [kind for kind in kinds if kind in (EventKind.CREATED, EventKind.GONE)]

    assert lives == ([EventKind.CREATED, EventKind.GONE] * len(lives))[: len(lives)]
    assert there is bool(len(lives) % 2)
    assert not kinds or kinds[0] is EventKind.CREATED
    assert bool(steps) >= bool(kinds)
