"""A preview of orders, which calls payments, for the tests of links.

The pull request of orders is #1, those of payments are #5, #6 and so on.
"""

from typing import Any

from plugin.core.decision.links import Dependency, LinkRule
from plugin.core.facts.model import Elsewhere, PullRequest
from tests.builders import make_catalog, make_pull_request, make_repository, previews_of

STAGING = "http://app.staging-payments.svc.cluster.local"
FORK = "a fork's pull request links only to staging"


def resolve(
    ours: dict[str, Any],
    *others: PullRequest,
    link: str = "none",
    looked_up: dict[int, Elsewhere] | None = None,
    same_repository: bool = False,
    **payments: Any,
) -> Dependency:
    """Resolve payments for the pull request acme/orders#1."""
    if same_repository:
        payments["repository"] = "acme/orders"
    catalog = make_catalog(
        {"orders": {"depends_on": ["payments"], "link": link}, "payments": payments},
        allowed_hosts=["users.dev.example.com"],
    )
    pull_request = make_pull_request(1, **ours)
    repositories = [make_repository("acme/orders", pull_request, *(others if same_repository else ()))]
    if not same_repository:
        repositories.append(make_repository("acme/payments", *others, looked_up=looked_up))
    name = f"{'fork-' if pull_request.fork else ''}preview-orders-1"
    (dependency,) = previews_of(catalog, *repositories)[name].dependencies
    return dependency


def wish(target: str) -> str:
    return f"version: 1\ndependencies: {{payments: '{target}'}}\n"


def why(dependency: Dependency) -> tuple[str, str, str]:
    return dependency.locator or dependency.target, dependency.rule.value, dependency.reason


# What makes each rule apply, and the target that it gives. Each rule asks for a different pull request.
SPEAKS: dict[LinkRule, dict[str, Any]] = {
    LinkRule.DEPENDS_ON: {"body": "Depends-On: acme/payments#5"},
    LinkRule.CONFIG: {"config": wish("pr:6")},
    LinkRule.SAME_BRANCH: {"branch": "shared"},
}
GIVES = {
    LinkRule.DEPENDS_ON: "acme/payments#5",
    LinkRule.CONFIG: "acme/payments#6",
    LinkRule.SAME_BRANCH: "acme/payments#7",
}
THREE = (make_pull_request(5), make_pull_request(6), make_pull_request(7, branch="shared"))
WISHES = {LinkRule.DEPENDS_ON: "Depends-On: acme/payments#5", LinkRule.CONFIG: "pr:6", LinkRule.SAME_BRANCH: ""}
