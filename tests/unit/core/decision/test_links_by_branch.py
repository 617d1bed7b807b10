"""Links by branch: `branch:NAME`, `same-branch`, and the catalog's `link: same-branch`."""

from typing import Any

import pytest

from plugin.core.decision.links import LinkRule, Rejected
from tests.builders import make_pull_request
from tests.unit.core.decision.calls import resolve, why, wish


@pytest.mark.parametrize("how", ["catalog", "branch:shared", "same-branch"])
@pytest.mark.parametrize(
    ("others", "target", "reason"),
    [
        ([{}], "acme/payments#5", "acme/payments#5 is live"),
        ([{}, {"fork": True}], "acme/payments#5", "acme/payments#5 is live"),
        ([{}, {"labels": ("other",)}], "acme/payments#5", "acme/payments#5 is live"),
        ([{}, {"branch": "Shared"}], "acme/payments#5", "acme/payments#5 is live"),
        ([{"draft": True}], "staging", "acme/payments#5 is skipped: it is a draft"),
        ([{}, {}], "staging", '2 pull requests of acme/payments have the branch "shared"'),
        ([{}, {"draft": True}], "staging", '2 pull requests of acme/payments have the branch "shared"'),
    ],
)
def test_a_branch_links_to_the_only_pull_request_that_has_it(
    how: str, others: list[dict[str, Any]], target: str, reason: str
) -> None:
    theirs = [make_pull_request(5 + n, **{"branch": "shared"} | other) for n, other in enumerate(others)]
    ours: dict[str, Any] = {"branch": "shared"}
    if how == "catalog":
        dependency = resolve(ours, *theirs, link="same-branch", drafts=False)
    else:
        dependency = resolve(ours | {"config": wish(how)}, *theirs, drafts=False)
    rule = "same-branch" if how == "catalog" else "config"
    words = "" if how == "catalog" else how

    assert why(dependency) == (target, rule, reason)
    assert dependency.rejected == (() if target != "staging" else (Rejected(LinkRule(rule), words, reason),))


@pytest.mark.parametrize("others", [[], [{"fork": True}], [{"labels": ("other",)}], [{"branch": "else"}]])
def test_a_branch_without_a_pull_request_falls_back_only_if_asked_for(
    others: list[dict[str, Any]],
) -> None:
    theirs = [make_pull_request(5 + n, **{"branch": "shared"} | other) for n, other in enumerate(others)]
    nothing = 'no labelled pull request of acme/payments has the branch "shared"'

    assert why(resolve({"branch": "shared"}, *theirs, link="same-branch")) == (
        "staging",
        "default",
        "nothing else was asked for",
    )
    assert why(resolve({"branch": "shared", "config": wish("same-branch")}, *theirs)) == ("staging", "config", nothing)
    assert why(resolve({"config": wish("branch:shared")}, *theirs)) == ("staging", "config", nothing)


def test_the_default_branch_is_never_a_link() -> None:
    theirs = make_pull_request(5, branch="main")  # for example a pull request from main into a release branch
    reason = '"main" is the default branch of acme/payments, which staging runs'

    assert why(resolve({"branch": "main"}, theirs, link="same-branch")) == (
        "staging",
        "default",
        "nothing else was asked for",
    )
    for words in ("same-branch", "branch:main"):
        asked = resolve({"branch": "main", "config": wish(words)}, theirs)
        assert why(asked) == ("staging", "config", reason)
        assert asked.rejected == (Rejected(LinkRule.CONFIG, words, reason),)


def test_the_catalog_must_allow_equal_branches_to_link() -> None:
    theirs = make_pull_request(5, branch="shared")

    assert why(resolve({"branch": "shared"}, theirs)) == ("staging", "default", "nothing else was asked for")
