from typing import Any

import pytest

from plugin.core.decision.verdicts import State, Verdict, verdict
from plugin.core.facts.model import PullRequest
from tests.builders import make_catalog, make_pull_request


def judge(pull_request: PullRequest, **own: Any) -> Verdict | None:
    return verdict(make_catalog({"orders": own}).services["orders"], pull_request)


@pytest.mark.parametrize(
    ("require", "labels"),
    [
        (["preview"], []),
        (["preview"], ["Preview"]),
        (["preview"], ["preview "]),
        (["preview", "reviewed"], ["preview"]),
    ],
)
def test_without_all_required_labels_nobody_asked_for_a_preview(require: list[str], labels: list[str]) -> None:
    assert judge(make_pull_request(labels=tuple(labels)), labels={"require": require}) is None


@pytest.mark.parametrize(
    ("require", "reason"),
    [
        (["preview"], 'it has the label "preview"'),
        (["preview", "reviewed"], 'it has the label "preview" and "reviewed"'),
        ([], "every open pull request gets a preview"),
    ],
)
def test_with_all_required_labels_it_is_active(require: list[str], reason: str) -> None:
    pull_request = make_pull_request(9_999_999, labels=("other", "reviewed", "preview"))

    assert judge(pull_request, labels={"require": require}) == Verdict(State.ACTIVE, reason)


@pytest.mark.parametrize(
    ("pull_request", "reason"),
    [
        ({"labels": ("preview", "no")}, 'it has the label "no"'),
        ({"draft": True}, "it is a draft"),
        ({"fork": True}, "it comes from a fork, and a label is no approval of a fork's code"),
        ({"number": 10_000_000}, "numbers above 9999999 do not fit into a name"),
        (
            {"fork": True, "draft": True, "labels": ("preview", "no")},
            "it comes from a fork, and a label is no approval of a fork's code",
        ),
    ],
)
def test_what_keeps_a_labelled_pull_request_from_a_preview(pull_request: dict[str, Any], reason: str) -> None:
    judged = judge(make_pull_request(**pull_request), labels={"skip": ["never", "no"]}, drafts=False)

    assert judged == Verdict(State.SKIPPED, reason)
    assert not judged.live


def test_drafts_get_previews_where_the_catalog_says_so_which_is_the_default() -> None:
    judged = judge(make_pull_request(draft=True))

    assert judged == Verdict(State.ACTIVE, 'it has the label "preview"')
    assert judged.live


def test_a_reason_is_one_bounded_line_whatever_the_label_is() -> None:
    label = "a\nb" + "x" * 400
    judged = judge(make_pull_request(labels=(label,)), labels={"require": [label]})

    assert judged
    assert judged.reason.startswith('it has the label "a bxxx')
    assert len(judged.reason) == 300
