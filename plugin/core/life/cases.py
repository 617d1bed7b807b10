"""Cases: puts together what the rules look at, for the previews of one repository."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from plugin.core.config.catalog import Catalog, Service
from plugin.core.decision.judge import judge
from plugin.core.decision.part import Part
from plugin.core.decision.preview import LivePreview
from plugin.core.decision.wishes import Wishes
from plugin.core.facts.acts import Act, ActKind
from plugin.core.facts.lives import Life
from plugin.core.facts.model import PullRequest, Repository
from plugin.core.life.activity import activity, asked_at
from plugin.core.life.case import Case, Circumstances

NO_ACTS: Mapping[ActKind, Act] = {}


@dataclass(frozen=True, eq=False, slots=True)
class Inputs:
    """Everything that the lives in one repository depend on."""

    repository: Repository
    wishes: Wishes
    lives: Mapping[str, Life]  # so far
    live: tuple[LivePreview, ...]  # those of the last answer
    part: Part | None  # what the last answer was made of
    acts: Mapping[str, Mapping[ActKind, Act]]  # by the preview's key
    circumstances: Circumstances
    # By the preview's key: the commits that the last answer gave, if it was held while facts went on, and `part` too.
    answered: Mapping[str, str] = field(default_factory=dict)

    def same_as(self, other: "Inputs") -> bool:
        """Tell whether only time can have changed something. Large objects are compared by identity."""
        return (
            self.repository is other.repository
            and self.wishes is other.wishes
            and self.lives is other.lives
            and self.live is other.live
            and self.part is other.part
            and self.answered == other.answered
            and self.acts == other.acts
            and self.circumstances == other.circumstances
        )


def cases(catalog: Catalog, inputs: Inputs) -> Iterator[Case]:
    """Yield the previews that are asked for and that no fact rules out."""
    live = {preview.key for preview in inputs.live}
    for pull_request in inputs.repository.pull_requests:
        for service in catalog.repositories[inputs.repository.name]:
            verdict = judge(service, pull_request)
            if verdict and verdict.live:
                case = case_of(service, pull_request, verdict.reason, inputs)
                yield replace(case, deployed=_deployed(case, inputs)) if case.key in live else case


def case_of(service: Service, pull_request: PullRequest, granted: str, inputs: Inputs) -> Case:
    """Return the case of one preview, whether the last answer had it or not."""
    key = f"{service.name}/{pull_request.number}"
    before, said = inputs.lives.get(key), inputs.acts.get(key, NO_ACTS)
    ask = said.get(ActKind.ASK)
    asked = asked_at(service.policy.require, pull_request, ask)
    in_doubt = inputs.circumstances.in_doubt or pull_request.number in inputs.repository.held
    return Case(
        key=key,
        repository=inputs.repository.name,
        service=service,
        pull_request=pull_request,
        granted=granted,
        shortened=inputs.wishes.by_number[pull_request.number].config.of(service.name).lifecycle,
        before=before,
        deployed=None,
        acts={kind: act for kind, act in said.items() if asked and act.asked_at and act.asked_at >= asked},
        ask=ask,
        asked_at=asked,
        activity=activity(pull_request, asked, before),
        in_doubt=in_doubt,
        frozen=in_doubt or inputs.circumstances.frozen or asked is None,
    )


def _deployed(case: Case, inputs: Inputs) -> str:
    """Return the commit that the last answer gave a preview."""
    if sha := inputs.answered.get(case.key):
        return sha
    if inputs.part and (preview := inputs.part.live.get(case.key)):
        return preview.deploy_sha
    return (case.before.deploy_sha if case.before else "") or case.pull_request.head_sha
