"""Promise 2: an edit that removes too much holds the old answer whole until it is acknowledged."""

from typing import Any

import pytest

from tests.builders import make_pull_request
from tests.stage import Stage
from tests.unit.mirror.scenario import (
    BOTH,
    TEN,
    acknowledge,
    begin,
    confirm,
    confirm_open,
    edit,
    held,
    history,
    keys,
    listing,
    names,
)

EDITS: dict[str, tuple[dict[str, dict[str, Any]], dict[str, Any]]] = {
    "service removed": ({"payments": {}}, {}),
    "prefix": (BOTH, {"prefix": "env"}),
    "required label": ({"orders": {"labels": {"require": ["env"]}}, "payments": {}}, {}),
    "skip label": ({"orders": {"labels": {"skip": ["old"]}}, "payments": {}}, {}),
    "base branch": ({"orders": {"target_branches": ["release/*"]}, "payments": {}}, {}),
    "drafts": ({"orders": {"drafts": False}, "payments": {}}, {}),
    "repository": ({"orders": {"repository": "acme/payments"}, "payments": {}}, {}),
    "new repository": ({"orders": {"repository": "acme/shop"}, "payments": {}}, {}),
    "service renamed": ({"commands": {"repository": "acme/orders"}, "payments": {}}, {}),
    "profile": ({"orders": {"profile": "frontend"}, "payments": {}}, {}),
}
LABELS = ("preview", "old")


@pytest.fixture(name="ten")
def _ten(stage: Stage) -> Stage:
    """Ten live drafts with two labels, so that every edit can end them; the source confirms that they are open."""
    stage.source.listed["acme/orders"] = listing(*TEN, labels=LABELS, draft=True)
    stage.source.listed["acme/shop"] = []
    stage.refresh()
    confirm_open(stage, *TEN, labels=frozenset(LABELS), draft=True)
    assert stage.answer() == names(*TEN)
    return stage


def still_there(stage: Stage) -> list[str]:
    """Return which of the old environments Argo CD still gets, in the profile that they had."""
    return [name for name in stage.answer(profile="backend") if name in names(*TEN)]


@pytest.mark.parametrize(("services", "given"), EDITS.values(), ids=EDITS)
class TestEdits:
    def test_an_edit_deletes_nothing_until_it_is_acknowledged(
        self, ten: Stage, services: dict[str, Any], given: dict[str, Any]
    ) -> None:
        old = ten.answers.parameters({})
        edit(ten, services, **given)
        for _ in range(3):
            ten.refresh()
            assert ten.answer() == names(*TEN)
            ten = ten.restarted()
            assert ten.answers.parameters({}) == old
        ten.refresh()
        assert held(ten) == keys(*TEN)

        acknowledge(ten)
        assert still_there(ten) == []
        assert held(ten) == []
        assert ten.known().hold is None

    def test_an_edit_of_a_held_edit_must_be_acknowledged_itself(
        self, ten: Stage, services: dict[str, Any], given: dict[str, Any]
    ) -> None:
        edit(ten, services, **given)
        first = ten.known().hold
        assert first
        edit(ten, services, **given | {"domain": "other.example.com"})
        ten.acknowledge(first.catalog)
        ten.refresh()
        assert ten.answer() == names(*TEN)

        acknowledge(ten)
        assert still_there(ten) == []

    def test_an_edit_that_is_undone_ends_its_hold(
        self, ten: Stage, services: dict[str, Any], given: dict[str, Any]
    ) -> None:
        edit(ten, services, **given)
        ten.refresh()
        edit(ten, BOTH)

        assert ten.known().hold is None
        assert held(ten) == []
        assert ten.answer() == names(*TEN)

    def test_an_undone_edit_does_not_excuse_a_short_listing(
        self, ten: Stage, services: dict[str, Any], given: dict[str, Any]
    ) -> None:
        edit(ten, services, **given)
        ten.refresh()
        ten.source.listed["acme/orders"] = []
        ten.refresh()
        edit(ten, BOTH)
        ten.refresh()
        assert ten.answer() == names(*TEN)

        confirm(ten, *TEN)
        ten.refresh()
        assert ten.answer() == []

    def test_facts_that_change_during_a_hold_count_once_it_is_undone(
        self, ten: Stage, services: dict[str, Any], given: dict[str, Any]
    ) -> None:
        edit(ten, services, **given)
        ten.source.listed["acme/orders"] = listing(*range(2, 12), labels=LABELS, draft=True)
        confirm(ten, 1)
        ten.refresh()
        assert ten.answer() == names(*TEN)
        edit(ten, BOTH)

        assert ten.answer() == names(*range(2, 12))
        assert history(ten, "orders/1")[-1] == ("gone", "acme/orders#1 was closed")


# Whole


def test_a_hold_keeps_every_byte_and_its_end_changes_everything_at_once(stage: Stage) -> None:
    begin(stage)
    old = stage.answers.parameters({})
    edit(stage, {"payments": {}})
    stage.source.listed["acme/payments"] = listing(1)
    stage.source.listed["acme/orders"] = listing(*TEN, head_sha="f" * 40)
    stage.refresh()
    assert stage.answers.parameters({}) == old
    assert stage.restarted().answers.parameters({}) == old

    acknowledge(stage)
    assert stage.answer() == ["preview-payments-1"]


def test_the_old_catalog_stays_in_force_during_a_hold(stage: Stage) -> None:
    begin(stage)
    old = stage.catalog()
    edit(stage, {"payments": {}})
    stage.refresh()

    assert stage.catalog() is old
    assert stage.current().to_release.startswith("preview-plugin acknowledge ")
    acknowledge(stage)
    assert list(stage.catalog().services) == ["payments"]


def test_links_go_where_the_answer_says_during_a_hold(stage: Stage) -> None:
    stage.source.listed = {
        "acme/orders": listing(*TEN, config="version: 1\ndependencies: {payments: pr:9}"),
        "acme/payments": listing(9),
    }
    stage.refresh()
    old = stage.answers.parameters({})
    edit(stage, {"orders": {"depends_on": ["payments"], "target_branches": ["release/*"]}, "payments": {}})
    stage.source.close("acme/payments", 9)
    stage.refresh()

    assert stage.answers.parameters({}) == old  # its target is held too
    assert "preview-payments-9" in stage.answer()


def test_an_edit_that_removes_little_takes_effect_at_once(stage: Stage) -> None:
    begin(stage)
    stage.source.listed["acme/payments"] = listing(*range(1, 6))
    stage.refresh()
    edit(stage, {"orders": {}})

    assert stage.answer() == names(*TEN)
    assert stage.known().hold is None


def test_departures_by_facts_do_not_add_to_those_of_an_edit(stage: Stage) -> None:
    begin(stage)
    stage.source.listed["acme/payments"] = listing(*range(1, 6))
    stage.refresh()
    stage.source.listed["acme/orders"] = listing(*range(6, 11))
    confirm(stage, *range(1, 6))
    edit(stage, {"orders": {}})  # which removes five

    assert stage.answer() == names(*range(6, 11))
    assert stage.known().hold is None


# Acknowledgements


def test_the_history_records_an_acknowledged_departure(stage: Stage) -> None:
    begin(stage)
    edit(stage, {"payments": {}})
    hold = stage.known().hold
    assert hold
    stage.acknowledge(hold.catalog)
    assert stage.answer() == names(*TEN)  # somebody asks before the next refresh
    stage.refresh()

    assert stage.answer() == []
    assert history(stage, "orders/3") == [
        ("created", 'it has the label "preview"'),
        ("held", "the breaker holds it back: the catalog no longer has the service orders"),
        ("gone", "the catalog no longer has the service orders"),
    ]


def test_an_acknowledgement_covers_only_what_the_edit_removes(stage: Stage) -> None:
    begin(stage)
    stage.source.listed["acme/payments"] = listing(*TEN)
    stage.refresh()
    edit(stage, {"orders": {}})
    assert held(stage) == keys(*TEN, service="payments")
    stage.source.listed["acme/orders"] = []  # and nobody has looked them up
    acknowledge(stage)

    assert stage.answer() == names(*TEN)


def test_an_acknowledgement_of_something_else_releases_nothing(stage: Stage) -> None:
    begin(stage)
    stage.acknowledge("0123456789ab")
    edit(stage, {"payments": {}})
    stage.acknowledge("ba9876543210")
    stage.refresh()

    assert stage.answer() == names(*TEN)


def test_an_undone_edit_must_be_acknowledged_again_when_it_returns(stage: Stage) -> None:
    begin(stage)
    original = stage.path.read_text("utf-8")
    edit(stage, {"payments": {}})
    acknowledge(stage)
    stage.refresh()
    assert stage.answer() == []
    stage.path.write_text(original, "utf-8")
    stage.refresh()
    assert stage.answer() == names(*TEN)

    edit(stage, {"payments": {}})
    stage.refresh()
    assert stage.answer() == names(*TEN)


def test_an_acknowledgement_is_void_once_its_edit_was_undone(stage: Stage) -> None:
    begin(stage)
    edit(stage, {"payments": {}})
    hold = stage.known().hold
    assert hold
    stage.acknowledge(hold.catalog)
    edit(stage, BOTH)
    edit(stage, {"payments": {}})

    assert stage.answer() == names(*TEN)
    assert held(stage) == keys(*TEN)


def test_a_new_pull_request_of_a_new_catalog_waits_until_the_hold_ends(stage: Stage) -> None:
    begin(stage)
    stage.source.listed["acme/users"] = [make_pull_request(3)]
    edit(stage, {"payments": {}, "users": {}})
    assert stage.answer() == names(*TEN)
    assert history(stage, "users/3") == []

    acknowledge(stage)
    assert stage.answer() == ["preview-users-3"]
    assert [kind for kind, _ in history(stage, "users/3")] == ["created"]
