"""The verdict on each preview by itself: who asks for one, and which rule comes first."""

from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

from plugin.core.decision.judge import asks, judge, judge_all
from plugin.core.decision.verdicts import Verdict
from plugin.core.facts.lives import State
from plugin.core.facts.model import PullRequest, Snapshot
from tests.builders import make_catalog, make_pull_request, make_repository, make_snapshot

ACTIVE = Verdict(State.ACTIVE, 'it has the label "preview"')
FORK = "it comes from a fork, and a label does not approve a fork's code"


def judged(pull_request: PullRequest, **own: Any) -> Verdict | None:
    return judge(make_catalog({"orders": own}).services["orders"], pull_request)


@pytest.mark.parametrize(
    ("require", "labels"),
    [
        (["preview"], []),
        (["preview"], ["preview "]),
        (["preview"], ["previews", "pre"]),
        (["preview", "reviewed"], ["preview"]),
        (["preview", "reviewed"], ["reviewed"]),
    ],
)
def test_without_all_required_labels_there_is_no_verdict(require: list[str], labels: list[str]) -> None:
    pull_request, service = make_pull_request(labels=tuple(labels)), {"labels": {"require": require}}

    assert judged(pull_request, **service) is None
    assert not asks(make_catalog({"orders": service}).services["orders"], pull_request)


def test_with_all_required_labels_it_is_active() -> None:
    pull_request = make_pull_request(9_999_999, labels=("other", "Reviewed", "preview"))
    verdict = judged(pull_request, labels={"require": ["preview", "reviewed"]})

    assert verdict == Verdict(State.ACTIVE, 'it has the label "preview" and "reviewed"')
    assert verdict.live


def test_without_required_labels_every_pull_request_is_active() -> None:
    verdict = judged(make_pull_request(labels=()), labels={"require": []})

    assert verdict == Verdict(State.ACTIVE, "every open pull request gets a preview")


EVERYTHING: dict[str, Any] = {"number": 10_000_000, "fork": True, "draft": True, "labels": ("preview", "no")}


@pytest.mark.parametrize(
    ("harmless", "reason"),
    [
        ({}, "numbers above 9999999 do not fit into a name"),
        ({"number": 1}, FORK),
        ({"number": 1, "fork": False}, "it is a draft"),
        ({"number": 1, "fork": False, "draft": False}, 'its base branch "main" gets no previews'),
        ({"number": 1, "fork": False, "draft": False, "target_branch": "any"}, 'it has the label "no"'),
    ],
)
def test_the_first_rule_that_applies_decides(
    monkeypatch: pytest.MonkeyPatch, harmless: dict[str, Any], reason: str
) -> None:
    monkeypatch.setattr(
        import_module("plugin.core.decision.rules.base_branch"), "matches_branch", lambda _, branch: branch != "main"
    )
    verdict = judged(make_pull_request(**EVERYTHING | harmless), labels={"skip": ["never", "no"]}, drafts=False)

    assert verdict == Verdict(State.SKIPPED, reason)
    assert not verdict.live


def test_drafts_get_previews_by_default() -> None:
    assert judged(make_pull_request(draft=True)) == ACTIVE


def test_a_paused_preview_is_live() -> None:
    assert Verdict(State.PAUSED, "nobody works at night").live


CATALOG = make_catalog(
    {"orders": {}, "reports": {"repository": "acme/orders", "labels": {"require": ["r"]}}, "users": {}}
)


def test_verdicts_are_by_number_and_service_of_each_repository() -> None:
    orders = make_repository("acme/orders", make_pull_request(1), make_pull_request(2, labels=("r",), draft=True))
    verdicts = judge_all(CATALOG, make_snapshot(CATALOG, orders, make_repository("acme/removed")), {}, {})

    assert {name: dict(each.verdicts) for name, each in verdicts.items()} == {
        "acme/orders": {(1, "orders"): ACTIVE, (2, "reports"): Verdict(State.ACTIVE, 'it has the label "r"')},
        "acme/users": {},
    }
    assert verdicts["acme/orders"].repository is orders


def test_an_unread_repository_has_no_verdicts() -> None:
    assert list(judge_all(CATALOG, Snapshot({"acme/users": make_repository("acme/users")}), {}, {})) == ["acme/users"]


def test_a_repository_that_is_the_same_object_is_not_judged_again() -> None:
    snapshot = make_snapshot(CATALOG, make_repository("acme/orders", make_pull_request(1)))
    before = judge_all(CATALOG, snapshot, {}, {})
    draft = make_repository("acme/orders", make_pull_request(1, labels=()))
    after = judge_all(
        CATALOG, replace(snapshot, repositories={**snapshot.repositories, "acme/orders": draft}), {}, before
    )

    assert after["acme/users"] is before["acme/users"]
    assert (before["acme/orders"].verdicts, after["acme/orders"].verdicts) == ({(1, "orders"): ACTIVE}, {})
