from collections.abc import Mapping
from typing import Any

import pytest

from plugin.core.answers.breaker import Departure, Emitted
from plugin.core.answers.departures import Departures, unconfirmed
from plugin.core.config.references import Locator
from plugin.core.decision.decide import decide
from plugin.core.decision.preview import EmittedPreview
from plugin.core.facts.model import Elsewhere, LookUp, PullRequest
from tests.builders import (
    MONDAY,
    make_catalog,
    make_look_up,
    make_pull_request,
    make_repository,
    make_snapshot,
)

SERVICES: dict[str, dict[str, Any]] = {
    "orders": {"drafts": False, "labels": {"skip": ["no-preview"]}},
    "reports": {"repository": "acme/orders", "labels": {"require": ["reports"]}},
}
CATALOG = make_catalog(SERVICES)
ONE = Locator("acme/orders", 1)
EMITTED = EmittedPreview("orders", "acme/orders", 1)


def why(
    *pull_requests: PullRequest,
    emitted_with: str = CATALOG.fingerprint,
    left: EmittedPreview = EMITTED,
    gone: Mapping[Locator, Elsewhere] | None = None,
    look_up: LookUp | None = None,
    acknowledged: frozenset[str] = frozenset(),
) -> Departure:
    snapshot = make_snapshot(CATALOG, make_repository("acme/orders", *pull_requests))
    look_ups = {ONE: look_up} if look_up else {}
    departures = Departures(decide(CATALOG, snapshot), snapshot, gone or {}, look_ups, acknowledged)
    return departures.why(emitted_with, f"preview-{left.service}-{left.number}", left)


@pytest.mark.parametrize(
    ("elsewhere", "words"),
    [
        (Elsewhere.CLOSED, "was closed"),
        (Elsewhere.MERGED, "was merged"),
        (Elsewhere.UNLABELLED, "has no preview label"),
        (Elsewhere.MISSING, "does not exist"),
    ],
)
def test_what_was_confirmed_by_number_is_confirmed(elsewhere: Elsewhere, words: str) -> None:
    assert why(gone={ONE: elsewhere}) == Departure(f"acme/orders#1 {words}", confirmed=True)


def by_catalog(*, confirmed: bool = False) -> Departure:
    reason = f"with the catalog {CATALOG.fingerprint} there is no such preview any more"
    return Departure(reason, confirmed=confirmed, by_catalog=True)


def test_what_a_new_catalog_lets_go_a_human_must_confirm() -> None:
    assert why(emitted_with="before") == by_catalog()
    assert why(emitted_with="before", left=EmittedPreview("gone", "acme/gone", 1)) == by_catalog()
    assert why(emitted_with="") == by_catalog()
    assert why(emitted_with="before", acknowledged=frozenset({CATALOG.fingerprint})) == by_catalog(confirmed=True)
    assert why(emitted_with="before", acknowledged=frozenset({"before"})) == by_catalog()
    assert why(make_pull_request(1), emitted_with="before", look_up=make_look_up("closed")) == by_catalog()


def test_under_a_new_catalog_a_closed_one_is_confirmed_but_a_missing_label_may_be_the_catalogs_doing() -> None:
    assert why(emitted_with="before", gone={ONE: Elsewhere.MERGED}).confirmed
    assert why(emitted_with="before", gone={ONE: Elsewhere.UNLABELLED}) == by_catalog()


def test_what_is_not_known_any_more_was_confirmed_when_it_left() -> None:
    assert why(make_pull_request(2)) == Departure("acme/orders#1 is gone", confirmed=True)


DRAFT = make_pull_request(1, draft=True)
SKIPPED = make_pull_request(1, labels=("no-preview", "preview"))


@pytest.mark.parametrize(
    ("listed", "answer", "reason", "confirmed"),
    [
        (DRAFT, None, "it is a draft", False),
        (DRAFT, {"draft": True, "labels": {"preview"}}, "it is a draft", True),
        (DRAFT, {"draft": False, "labels": {"preview"}}, "it is a draft", False),
        (DRAFT, {"draft": True, "labels": {"preview", "x"}}, "it is a draft", False),
        (DRAFT, {"draft": True, "labels": {"preview"}, "updated_at": None}, "it is a draft", False),
        (DRAFT, {"draft": True, "labels": {"preview"}, "updated_at": MONDAY.replace(hour=8)}, "it is a draft", False),
        (DRAFT, {"draft": True, "labels": {"preview"}, "updated_at": MONDAY.replace(hour=10)}, "it is a draft", True),
        (DRAFT, {"state": "closed"}, "it is a draft", True),
        (DRAFT, {"state": "merged"}, "it is a draft", True),
        (DRAFT, {"state": "closed", "updated_at": MONDAY.replace(hour=8)}, "it is a draft", False),
        (DRAFT, {"state": "missing"}, "it is a draft", False),
        (SKIPPED, {"labels": {"no-preview", "preview"}}, 'it has the label "no-preview"', True),
        (SKIPPED, {"labels": {"preview"}}, 'it has the label "no-preview"', False),
        (
            make_pull_request(1, labels=("reports",)),
            {"labels": {"reports"}},
            "acme/orders#1 has no preview label",
            True,
        ),
    ],
)
def test_what_a_listing_says_is_confirmed_by_the_same_answer_by_number(
    listed: PullRequest, answer: dict[str, Any] | None, reason: str, *, confirmed: bool
) -> None:
    look_up = make_look_up(**answer | {"labels": frozenset(answer.get("labels", ()))}) if answer else None
    departure = why(listed, look_up=look_up)

    assert departure == Departure(reason, confirmed=confirmed)


def test_that_it_turned_into_a_forks_is_never_confirmed_as_long_as_it_is_open() -> None:
    fork, same = make_pull_request(1, fork=True), make_look_up(labels=frozenset({"preview"}))

    assert not why(fork, look_up=same).confirmed
    assert why(fork, look_up=make_look_up("closed")).confirmed


def test_those_that_an_answer_by_number_can_confirm_are_named() -> None:
    previews = {name: EmittedPreview("orders", "acme/orders", number) for number, name in enumerate("abc", 1)}
    held = {
        "a": Departure("it is a draft"),
        "b": Departure("it was closed", confirmed=True),
        "c": Departure("the catalog", by_catalog=True),
    }

    assert unconfirmed(Emitted(1, "one", previews, None, held)) == [ONE]
    assert unconfirmed(Emitted(1, "one", previews)) == []
