"""Verdicts: whether a pull request has a preview of a service, and why."""

from dataclasses import dataclass
from enum import StrEnum

from plugin.core.config.catalog import Policy, Service
from plugin.core.config.messages import one_line
from plugin.core.config.names import MAX_NUMBER
from plugin.core.facts.model import PullRequest


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
    if not set(policy.require).issubset(pull_request.labels):
        return None
    if obstacle := _obstacle(policy, pull_request):
        return Verdict(State.SKIPPED, one_line(obstacle))
    if not policy.require:
        return Verdict(State.ACTIVE, "every open pull request gets a preview")
    return Verdict(State.ACTIVE, one_line("it has the label " + " and ".join(f'"{label}"' for label in policy.require)))


def _obstacle(policy: Policy, pull_request: PullRequest) -> str:
    """Say why a pull request that asks for a preview gets none, or return ""."""
    if pull_request.number > MAX_NUMBER:
        return f"numbers above {MAX_NUMBER} do not fit into a name"
    if pull_request.fork:
        return "it comes from a fork, and a label is no approval of a fork's code"
    if pull_request.draft and not policy.drafts:
        return "it is a draft"
    unwanted = [label for label in policy.skip if label in pull_request.labels]
    return f'it has the label "{unwanted[0]}"' if unwanted else ""
