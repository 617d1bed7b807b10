"""Skipped: the pull request goes into a branch that gets no previews."""

from plugin.core.decision.rules.case import Case
from plugin.core.decision.verdicts import Verdict, skipped


def base_branch(case: Case) -> Verdict | None:
    """Skip a pull request whose base branch is not among the catalog's `target_branches`."""
    return None
