"""Targets: which previews a link may point to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from plugin.core.config.catalog import Service
from plugin.core.decision.verdicts import Verdicts
from plugin.core.facts.model import Elsewhere, PullRequest

ELSEWHERE: Mapping[Elsewhere, str] = {
    Elsewhere.MERGED: "was merged",
    Elsewhere.CLOSED: "was closed",
    Elsewhere.UNLABELLED: "has no preview label",
    Elsewhere.MISSING: "does not exist",
    Elsewhere.ARCHIVED: "is in an archived repository",
}


@dataclass(frozen=True, slots=True)
class Targets:
    """The verdicts, indexed by number and branch for the repositories that are linked to."""

    verdicts: Verdicts
    _indexes: dict[str, "_Index"] = field(default_factory=dict)

    def not_live(self, service: Service, number: int) -> str:
        """Return why the preview of this service for this number cannot be a target, or ""."""
        judged = self.verdicts.get(service.repository)
        if judged is None:
            return "could not be looked up yet"
        pull_request = self._index(service.repository).by_number.get(number)
        if pull_request is None:
            known = judged.repository.looked_up.get(number)
            return ELSEWHERE[known.elsewhere] if known else "could not be looked up yet"
        verdict = judged.verdicts.get((number, service.name))
        if verdict is None:
            return ELSEWHERE[Elsewhere.UNLABELLED]
        if pull_request.fork:
            return "is a fork's"
        return "" if verdict.live else f"is {verdict.state}: {verdict.reason}"

    def on_branch(self, service: Service, branch: str) -> list[int]:
        """Return the labelled same-repository pull requests with this branch, skipped ones too; not for the default."""
        judged = self.verdicts.get(service.repository)
        if judged is None or judged.repository.default_branch == branch:
            return []
        candidates = self._index(service.repository).by_branch.get(branch, [])
        return [number for number in candidates if (number, service.name) in judged.verdicts]

    def is_default_branch(self, service: Service, branch: str) -> bool:
        """Tell whether this is the branch that staging runs."""
        judged = self.verdicts.get(service.repository)
        return judged is not None and judged.repository.default_branch == branch

    def _index(self, repository: str) -> "_Index":
        if repository not in self._indexes:
            self._indexes[repository] = _index(self.verdicts[repository].repository.pull_requests)
        return self._indexes[repository]


@dataclass(frozen=True, slots=True)
class _Index:
    by_number: dict[int, PullRequest]
    by_branch: dict[str, list[int]]  # same-repository pull requests only


def _index(pull_requests: Iterable[PullRequest]) -> _Index:
    index = _Index({}, {})
    for pull_request in pull_requests:
        index.by_number[pull_request.number] = pull_request
        if not pull_request.fork:
            index.by_branch.setdefault(pull_request.branch, []).append(pull_request.number)
    return index
