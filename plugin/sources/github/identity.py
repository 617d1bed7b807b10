"""Identity: finds out what became of a repository whose name no longer leads to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from plugin.core.config.names import folded
from plugin.sources import Doubt
from plugin.sources.github import queries
from plugin.sources.github.batches import ask_in_batches, chunks
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.listing import Lost
from plugin.sources.github.nodes import MALFORMED, Identity

REPOSITORIES_PER_REQUEST = 100  # GitHub takes at most 100 ids


def explain(client: GitHubClient, lost: Mapping[str, Lost], identities: Mapping[str, Identity]) -> dict[str, Doubt]:
    """Return what became of lost repositories of one owner, found by the identities that they had."""
    seeker = _Seeker(client, lost, identities)
    names = [name for name in sorted(lost) if name in identities]
    ask_in_batches(chunks(names, REPOSITORIES_PER_REQUEST), seeker.ask, lambda _batch, _reason: None)
    return {name: seeker.found.get(name) or Doubt(lost[name].reason) for name in lost}


@dataclass(frozen=True, slots=True)
class _Seeker:
    client: GitHubClient
    lost: Mapping[str, Lost]
    identities: Mapping[str, Identity]
    found: dict[str, Doubt] = field(default_factory=dict)

    def ask(self, names: Sequence[str]) -> None:
        answer = self.client.query(names[0], queries.identity([self.identities[name].node_id for name in names]))
        try:
            parts = queries.nodes(answer, len(names))
        except MALFORMED:
            return
        for name, part in zip(names, parts, strict=True):
            now = part.value.get("nameWithOwner") if isinstance(part.value, Mapping) else None
            if isinstance(now, str) and folded(now) != folded(name):
                self.found[name] = Doubt(f"{name} is now {now}; change the catalog")
            elif part.errors and all(error.type == "NOT_FOUND" for error in part.errors):
                self.found[name] = Doubt(self.lost[name].if_gone)
