"""A case: what the rules look at."""

from dataclasses import dataclass

from plugin.core.config.catalog import Policy
from plugin.core.config.names import folded
from plugin.core.facts.model import PullRequest


@dataclass(frozen=True, slots=True)
class Case:
    """One pull request and the policy of one service."""

    policy: Policy
    pull_request: PullRequest
    labels: frozenset[str]  # of the pull request, folded

    @property
    def asks(self) -> bool:
        """Whether the pull request has every label that asks for a preview."""
        return all(self.has(label) for label in self.policy.require)

    def has(self, label: str) -> bool:
        """Tell whether the pull request has a label, in any case."""
        return folded(label) in self.labels


def make_case(policy: Policy, pull_request: PullRequest) -> Case:
    """Return the case of one pull request under one policy."""
    return Case(policy, pull_request, folded_labels(pull_request))


def folded_labels(pull_request: PullRequest) -> frozenset[str]:
    """Return the labels of a pull request in the form in which they are compared."""
    return frozenset(map(folded, pull_request.labels))
