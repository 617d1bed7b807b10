"""Links of forks: staging only, whatever a stranger writes."""

from typing import Any

import pytest

from plugin.core.decision.links import LinkRule, Rejected
from tests.builders import make_catalog, make_pull_request, make_repository, previews_of
from tests.unit.core.decision.calls import FORK, STAGING, THREE, resolve, why, wish


@pytest.mark.parametrize(
    ("ours", "target", "rule", "reason", "rejected"),
    [
        ({}, "staging", "default", "nothing else was asked for", ()),
        (
            {"body": "Depends-On: acme/payments#5"},
            "staging",
            "default",
            "nothing else was asked for",
            (),
        ),
        ({"config": wish("staging")}, "staging", "config", "staging was asked for", ()),
        ({"config": wish("pr:5")}, "staging", "config", FORK, (Rejected(LinkRule.CONFIG, "pr:5", FORK),)),
        ({"config": wish("pr:404")}, "staging", "config", FORK, (Rejected(LinkRule.CONFIG, "pr:404", FORK),)),
        (
            {"config": wish("url:https://users.dev.example.com")},
            "staging",
            "config",
            FORK,
            (Rejected(LinkRule.CONFIG, "url:https://users.dev.example.com", FORK),),
        ),
        ({"branch": "shared"}, "staging", "same-branch", FORK, (Rejected(LinkRule.SAME_BRANCH, "", FORK),)),
    ],
)
def test_a_fork_links_only_to_staging(
    ours: dict[str, Any], target: str, rule: str, reason: str, rejected: tuple[Rejected, ...]
) -> None:
    dependency = resolve(ours | {"fork": True}, *THREE, link="same-branch")

    assert why(dependency) == (target, rule, reason)
    assert dependency.rejected == rejected
    assert dependency.url == STAGING


def test_a_fork_does_not_even_link_to_itself() -> None:
    dependency = resolve({"fork": True}, same_repository=True)

    assert why(dependency) == ("staging", "same-pull-request", FORK)


def test_depends_on_of_a_fork_never_links_and_never_warns() -> None:
    catalog = make_catalog({"orders": {"depends_on": ["payments"]}, "payments": {}})
    body = "Depends-On: acme/payments#5\nDepends-On: acme/nothing#1\nDepends-On: nonsense"
    orders = make_repository("acme/orders", make_pull_request(1, fork=True, body=body))
    payments = make_repository("acme/payments", make_pull_request(5))
    fork = previews_of(catalog, orders, payments)["fork-preview-orders-1"]

    assert [why(call) for call in fork.dependencies] == [("staging", "default", "nothing else was asked for")]
    assert fork.dependencies[0].rejected == ()
    assert fork.warnings == ()


def test_a_fork_is_never_a_target_even_on_the_same_branch() -> None:
    fork = make_pull_request(5, fork=True, branch="shared")

    assert why(resolve({"config": wish("pr:5")}, fork)) == ("staging", "config", "acme/payments#5 is a fork's")
    assert resolve({"branch": "shared"}, fork, link="same-branch").rule is LinkRule.DEFAULT
