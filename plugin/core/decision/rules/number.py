"""Skipped: the number is too large for a name."""

from plugin.core.config.names import MAX_NUMBER
from plugin.core.decision.rules.case import Case
from plugin.core.decision.verdicts import Verdict, skipped


def number(case: Case) -> Verdict | None:
    """Skip a pull request whose number has more digits than the catalog leaves room for in names."""
    if case.pull_request.number > MAX_NUMBER:
        return skipped(f"numbers above {MAX_NUMBER} do not fit into a name")
    return None
