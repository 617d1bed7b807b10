"""Skipped: it has a label that says so."""

from plugin.core.decision.rules.case import Case
from plugin.core.decision.verdicts import Verdict, skipped


def skip_label(case: Case) -> Verdict | None:
    """Skip a pull request that has one of the catalog's `labels.skip`."""
    for label in case.policy.skip:
        if case.has(label):
            return skipped(f'it has the label "{label}"')
    return None
