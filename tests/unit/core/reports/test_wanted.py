"""Which previews get what: each target by itself, and a comment only where there is something to say."""

from typing import Any

import pytest

from plugin.core.facts.lives import Announcement, Life, State
from plugin.core.reports.content import Kind
from tests.builders import MONDAY, make_pull_request, make_repository
from tests.unit.core.reports.reports import EVERYTHING, catalog, in_life, of, said, told


def kinds(report: dict[str, Any] | None, **given: Any) -> set[str]:
    found = said(
        catalog(report=report),
        make_repository("acme/orders", make_pull_request(12, title="PAY-1", **given), public=False),
        reported={"preview-orders-12": (told(),)},
    )
    return {target.kind.value for target in found}


def test_without_the_key_nothing_is_said() -> None:
    assert kinds(None) == set()
    assert kinds({}) == set()


@pytest.mark.parametrize(
    ("key", "kind"), [("deployments", "deployment"), ("status", "status"), ("comment", "comment"), ("jira", "link")]
)
def test_each_target_is_switched_on_by_itself(key: str, kind: str) -> None:
    assert kinds({key: EVERYTHING[key]}) == {kind}


def worth(life: Life | None = None, reported: Any = (), held: str = "", **given: Any) -> bool:
    report = given.pop("report", EVERYTHING)
    services: dict[str, Any] = given.pop("services", {"orders": {"depends_on": ["payments"]}, "payments": {}})
    found = said(
        catalog(services, report=report),
        make_repository("acme/orders", make_pull_request(12, **given), public=False),
        make_repository("acme/payments", make_pull_request(123), public=False),
        reported={"preview-orders-12": reported},
        lives=in_life("acme/orders", "orders/12", life) if life else None,
        held={"orders/12": held} if held else {},
    )
    return bool(of("comment", found).create)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"reported": (told(),)},
        {"reported": (told("failed", message="no such image"),)},  # a status can say that
        {"life": Life(State.PAUSED, "nobody uses it")},
        {"life": Life(State.WAITING, "its image is not there yet")},  # a status can say that
        {"services": {"orders": {"labels": {"require": []}}}, "draft": True},
        {"services": {"orders": {"labels": {"require": []}}}, "fork": True},  # nobody asked
    ],
    ids=str,
)
def test_what_a_deployment_can_say_is_not_worth_a_comment(given: Any) -> None:
    assert not worth(**given)


@pytest.mark.parametrize(
    "given",
    [
        {"config": "version: 1\ndependencies: {payments: pr:123}\n"},
        {"config": "version: 1\ndependencies: {payments: pr:124}\n"},  # falls back
        {"config": "version: 2\n"},
        {"body": "Depends-On: acme/payments#123"},
        {"body": "Depends-On: acme/nothing#1"},
        {"held": "it is no longer listed"},
        {"reported": (told("failed", message="x" * 200),)},
        {"life": Life(State.QUEUED, "40 previews are live")},
        {"life": Life(State.EXPIRED, "nobody used it for 7 days")},
        {"life": Life(State.ACTIVE, "it is used", announced=Announcement(MONDAY, MONDAY))},
        {"life": Life(State.WAITING, "no image yet"), "report": {"deployments": True, "comment": "auto"}},
        {"fork": True},
        {"draft": True, "services": {"orders": {"drafts": False}}},
        {"report": {"comment": "auto"}},  # nothing else says it
        {"report": {"deployments": True, "comment": "always"}},
    ],
    ids=str,
)
def test_what_a_deployment_cannot_say_is_worth_a_comment(given: Any) -> None:
    given = {"services": {"orders": {"depends_on": ["payments"]}, "payments": {}}} | given
    assert worth(**given)


def test_who_is_called_gets_a_comment() -> None:
    linked = make_pull_request(12, config="version: 1\ndependencies: {payments: pr:123}\n")
    found = said(
        catalog(), make_repository("acme/orders", linked), make_repository("acme/payments", make_pull_request(123))
    )

    assert of("comment", found, "acme/payments").create


def test_calls_within_one_pull_request_are_not_worth_a_comment() -> None:
    both: dict[str, Any] = {
        "api": {"repository": "acme/orders"},
        "web": {"repository": "acme/orders", "depends_on": ["api"]},
    }
    found = said(catalog(both), make_repository("acme/orders", make_pull_request(12)))

    assert not of("comment", found).create


def test_never_means_never() -> None:
    assert Kind.COMMENT not in kinds(EVERYTHING | {"comment": "never"}, config="version: 2\n")


def test_a_pull_request_without_the_label_gets_nothing() -> None:
    assert kinds(EVERYTHING, labels=()) == set()
