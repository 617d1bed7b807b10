"""Skipped: a fork's code, which a label never approves."""

from plugin.core.decision.rules.case import Case
from plugin.core.decision.verdicts import Verdict, skipped


def fork(case: Case) -> Verdict | None:
    """Skip a fork's pull request: its code would run in the cluster, and anybody can open one."""
    if case.pull_request.fork:
        return skipped("it comes from a fork, and a label does not approve a fork's code")
    return None
