"""Verdicts: whether a pull request has a preview of a service, and why."""

from dataclasses import dataclass
from enum import StrEnum

from plugin.core.catalog import Service
from plugin.core.messages import one_line
from plugin.core.model import PullRequest
from plugin.core.names import MAX_NUMBER


class State(StrEnum):
    """What becomes of a preview."""

    ACTIVE = "active"
    PAUSED = "paused"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A state and the sentence that explains it."""

    state: State
    reason: str

    @property
    def live(self) -> bool:
        """Whether the preview is given to Argo CD; only a live one can be a link's target."""
        return self.state is not State.SKIPPED


def verdict(service: Service, pull_request: PullRequest) -> Verdict | None:
    """Judge one pull request for one service; None if it does not carry all the labels that ask for a preview."""
    policy = service.policy
    labels = set(pull_request.labels)
    if not labels.issuperset(policy.require):
        return None
    if pull_request.number > MAX_NUMBER:
        return Verdict(State.SKIPPED, f"numbers above {MAX_NUMBER} do not fit into a name")
    if pull_request.fork:
        return Verdict(State.SKIPPED, "it comes from a fork, and a label is no approval of a fork's code")
    if pull_request.draft and not policy.drafts:
        return Verdict(State.SKIPPED, "it is a draft")
    if unwanted := [label for label in policy.skip if label in labels]:
        return Verdict(State.SKIPPED, one_line(f'it has the label "{unwanted[0]}"'))
    if not policy.require:
        return Verdict(State.ACTIVE, "every open pull request gets a preview")
    return Verdict(State.ACTIVE, one_line("it has the label " + " and ".join(f'"{label}"' for label in policy.require)))
