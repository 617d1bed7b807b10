"""Skipped: the base branch is not among those that get previews."""

from plugin.core.config.branches import matches_branch
from plugin.core.decision.rules.case import Case
from plugin.core.decision.verdicts import Verdict, skipped


def base_branch(case: Case) -> Verdict | None:
    """Skip a pull request whose base branch is not among the catalog's `target_branches`."""
    if not matches_branch(case.policy.target_branches, case.pull_request.target_branch):
        return skipped(f'its base branch "{case.pull_request.target_branch}" gets no previews')
    return None
