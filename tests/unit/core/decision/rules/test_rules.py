"""Each rule by itself: when it applies, and the sentence that it gives. `test_judge.py` has their order."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from plugin.core.config.catalog import Policy
from plugin.core.config.names import MAX_NUMBER
from plugin.core.decision.rules import RULES
from plugin.core.decision.rules.active import active
from plugin.core.decision.rules.base_branch import base_branch
from plugin.core.decision.rules.case import Case, make_case
from plugin.core.decision.rules.draft import draft
from plugin.core.decision.rules.fork import fork
from plugin.core.decision.rules.number import number
from plugin.core.decision.rules.skip_label import skip_label
from plugin.core.decision.verdicts import Verdict
from plugin.core.facts.lives import State
from tests.builders import make_pull_request

# The package has the function under the module's name.
BASE_BRANCH = import_module("plugin.core.decision.rules.base_branch")
Rule = Callable[[Case], Verdict | None]
FORK = "it comes from a fork, and a label does not approve a fork's code"


def case(pull_request: dict[str, Any], **policy: Any) -> Case:
    given: dict[str, Any] = {"require": ("preview",), "skip": (), "drafts": True, "same_branch": False}
    return make_case(Policy(**given | policy), make_pull_request(**pull_request))


@pytest.mark.parametrize(
    ("rule", "pull_request", "policy", "reason"),
    [
        (number, {"number": MAX_NUMBER + 1}, {}, "numbers above 9999999 do not fit into a name"),
        (fork, {"fork": True}, {}, FORK),
        (draft, {"draft": True}, {"drafts": False}, "it is a draft"),
        (skip_label, {"labels": ("preview", "no")}, {"skip": ("never", "no")}, 'it has the label "no"'),
        (skip_label, {"labels": ("preview", "No")}, {"skip": ("nO",)}, 'it has the label "nO"'),
        (
            skip_label,
            {"labels": ("VORSCHAU-GRÖSSE",)},
            {"skip": ("vorschau-größe",)},
            'it has the label "vorschau-größe"',
        ),
    ],
)
def test_a_rule_that_applies_skips_with_a_sentence(
    rule: Rule, pull_request: dict[str, Any], policy: dict[str, Any], reason: str
) -> None:
    assert rule(case(pull_request, **policy)) == Verdict(State.SKIPPED, reason)


@pytest.mark.parametrize(
    ("rule", "pull_request", "policy"),
    [
        (number, {"number": MAX_NUMBER}, {}),
        (fork, {"fork": False}, {}),
        (draft, {"draft": True}, {"drafts": True}),
        (draft, {"draft": False}, {"drafts": False}),
        (base_branch, {"target_branch": "topic"}, {"target_branches": ()}),
        (skip_label, {"labels": ("preview", "no")}, {}),
        (skip_label, {"labels": ("preview", "nope")}, {"skip": ("no",)}),
    ],
)
def test_a_rule_that_does_not_apply_says_nothing(
    rule: Rule, pull_request: dict[str, Any], policy: dict[str, Any]
) -> None:
    assert rule(case(pull_request, **policy)) is None


def test_the_base_branch_is_matched_with_target_branches(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[tuple[tuple[str, ...], str]]()

    def matches(patterns: tuple[str, ...], branch: str) -> bool:
        asked.append((patterns, branch))
        return branch == "main"

    monkeypatch.setattr(BASE_BRANCH, "matches_branch", matches)
    patterns = ("main", "release/*")
    topic = base_branch(case({"branch": "main", "target_branch": "topic"}, target_branches=patterns))

    assert base_branch(case({"branch": "topic", "target_branch": "main"}, target_branches=patterns)) is None
    assert topic == Verdict(State.SKIPPED, 'its base branch "topic" gets no previews')
    assert asked == [(patterns, "topic"), (patterns, "main")]


@pytest.mark.parametrize(
    ("require", "reason"),
    [
        (("preview",), 'it has the label "preview"'),
        (("preview", "reviewed"), 'it has the label "preview" and "reviewed"'),
        ((), "every open pull request gets a preview"),
    ],
)
def test_active_names_the_required_labels(require: tuple[str, ...], reason: str) -> None:
    assert active(case({}, require=require)) == Verdict(State.ACTIVE, reason)


def test_a_reason_is_one_bounded_line_whatever_people_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BASE_BRANCH, "matches_branch", lambda *_: False)
    odd = "a\n\u202eb" + "x" * 400
    labelled = case({"labels": (odd,), "target_branch": odd}, require=(odd,), skip=(odd,))
    verdicts = [rule(labelled) for rule in (active, skip_label, base_branch)]

    assert [verdict.reason[:26] for verdict in verdicts if verdict] == [
        'it has the label "a bxxxxx',
        'it has the label "a bxxxxx',
        'its base branch "a bxxxxxx',
    ]
    assert {len(verdict.reason) for verdict in verdicts if verdict} == {300}


@pytest.mark.parametrize(
    ("label", "same"),
    [
        ("Preview", True),
        ("PREVIEW", True),
        ("preview ", False),
        ("previews", False),
    ],
)
def test_labels_compare_in_any_case(label: str, *, same: bool) -> None:
    assert case({"labels": (label,)}).asks is same
    assert case({"labels": ("preview",)}, require=(label,)).asks is same


@pytest.mark.parametrize(("label", "other"), [("ÜBERSICHT", "übersicht"), ("ПРОСМОТР", "просмотр"), ("ΟΔΟΣ", "οδος")])
def test_labels_compare_in_any_case_of_unicode(label: str, other: str) -> None:
    assert case({"labels": (label,)}, require=(other,)).asks
    assert case({"labels": (other,)}, require=(label,)).asks


def test_every_rule_has_its_place() -> None:
    assert (number, fork, draft, base_branch, skip_label, active) == RULES
