"""Active: no rule before this one applies."""

from plugin.core.config.messages import one_line
from plugin.core.decision.rules.case import Case
from plugin.core.decision.verdicts import Verdict
from plugin.core.facts.lives import State


def active(case: Case) -> Verdict:
    """Give every other pull request its preview."""
    labels = " and ".join(f'"{label}"' for label in case.policy.require)
    if not labels:
        return Verdict(State.ACTIVE, "every open pull request gets a preview")
    return Verdict(State.ACTIVE, one_line(f"it has the label {labels}"))
