"""Skipped: a draft, where drafts are off."""

from plugin.core.decision.rules.case import Case
from plugin.core.decision.verdicts import Verdict, skipped


def draft(case: Case) -> Verdict | None:
    """Skip a draft where the catalog says `drafts: false`."""
    if case.pull_request.draft and not case.policy.drafts:
        return skipped("it is a draft")
    return None
