"""Targets: which previews of the snapshot a link may point at."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from plugin.core.config.catalog import Service
from plugin.core.decision.verdicts import verdict
from plugin.core.facts.model import Elsewhere, PullRequest, Snapshot

ELSEWHERE = {
    Elsewhere.MERGED: "was merged",
    Elsewhere.CLOSED: "was closed",
    Elsewhere.UNLABELLED: "has no preview label",
    Elsewhere.MISSING: "does not exist",
    Elsewhere.ARCHIVED: "is in an archived repository",
}


@dataclass(frozen=True)
class Targets:
    """The snapshot, indexed for links as far as anybody links."""

    snapshot: Snapshot
    _indexes: dict[str, "_Index"] = field(default_factory=dict)

    def not_live(self, service: Service, number: int) -> str:
        """Say why the preview of this service for this number is no target, or return ""."""
        pull_request = self._index(service.repository).by_number.get(number)
        if pull_request is None:
            known = self.snapshot.repositories[service.repository].looked_up.get(number)
            return ELSEWHERE[known.elsewhere] if known else "could not be looked up yet"
        judged = verdict(service, pull_request)
        if judged is None:
            return ELSEWHERE[Elsewhere.UNLABELLED]
        if pull_request.fork:
            return "is a fork's"
        return "" if judged.live else f"is {judged.state}: {judged.reason}"

    def on_branch(self, service: Service, branch: str) -> list[int]:
        """Find the labelled same-repository pull requests with this branch, skipped ones too; none for the default."""
        if self.is_default_branch(service, branch):
            return []
        candidates = self._index(service.repository).by_branch.get(branch, [])
        return [pull_request.number for pull_request in candidates if verdict(service, pull_request) is not None]

    def is_default_branch(self, service: Service, branch: str) -> bool:
        """Tell whether this is the branch that staging runs."""
        return self.snapshot.repositories[service.repository].default_branch == branch

    def _index(self, repository: str) -> "_Index":
        if repository not in self._indexes:
            self._indexes[repository] = _index(self.snapshot.repositories[repository].pull_requests)
        return self._indexes[repository]


@dataclass(frozen=True, slots=True)
class _Index:
    by_number: dict[int, PullRequest]
    by_branch: dict[str, list[PullRequest]]  # same-repository pull requests only


def _index(pull_requests: Iterable[PullRequest]) -> _Index:
    index = _Index({}, {})
    for pull_request in pull_requests:
        index.by_number[pull_request.number] = pull_request
        if not pull_request.fork:
            index.by_branch.setdefault(pull_request.branch, []).append(pull_request)
    return index
