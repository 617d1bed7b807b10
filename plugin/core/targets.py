"""Targets: which previews of the snapshot a link may point at."""

from collections import defaultdict
from dataclasses import dataclass

from plugin.core.catalog import Catalog, Service
from plugin.core.model import Elsewhere, PullRequest, Snapshot
from plugin.core.verdicts import verdict

ELSEWHERE = {
    Elsewhere.MERGED: "was merged",
    Elsewhere.CLOSED: "was closed",
    Elsewhere.UNLABELLED: "has no preview label",
    Elsewhere.MISSING: "does not exist",
}


@dataclass(frozen=True, slots=True)
class Targets:
    """The snapshot, indexed for links."""

    snapshot: Snapshot
    by_number: dict[tuple[str, int], PullRequest]
    by_branch: dict[tuple[str, str], list[PullRequest]]  # same-repository pull requests only

    def not_live(self, service: Service, number: int) -> str:
        """Say why the preview of this service for this number is no target, or return ""."""
        pull_request = self.by_number.get((service.repository, number))
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
        candidates = self.by_branch.get((service.repository, branch), [])
        return [pull_request.number for pull_request in candidates if verdict(service, pull_request) is not None]

    def is_default_branch(self, service: Service, branch: str) -> bool:
        """Tell whether this is the branch that staging runs."""
        return self.snapshot.repositories[service.repository].default_branch == branch


def index_targets(catalog: Catalog, snapshot: Snapshot) -> Targets:
    """Index what links are looked up by."""
    by_number: dict[tuple[str, int], PullRequest] = {}
    by_branch: defaultdict[tuple[str, str], list[PullRequest]] = defaultdict(list)
    for name in catalog.repositories:
        for pull_request in snapshot.repositories[name].pull_requests:
            by_number[name, pull_request.number] = pull_request
            if not pull_request.fork:
                by_branch[name, pull_request.branch].append(pull_request)
    return Targets(snapshot, by_number, dict(by_branch))
