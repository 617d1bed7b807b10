"""Identity: where a repository is whose name does not lead to it any more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from plugin.core.facts.model import Repository
from plugin.sources import Doubt
from plugin.sources.github import queries
from plugin.sources.github.batches import ask_in_batches, chunks
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.listing import Lost

REPOSITORIES_PER_REQUEST = 100  # GitHub takes at most 100 ids


def explain(client: GitHubClient, lost: Mapping[str, Lost], known: Mapping[str, Repository]) -> dict[str, Doubt]:
    """Say what became of lost repositories of one owner; `known` is what was known of them."""
    seeker = _Seeker(client, lost, known)
    names = [name for name in sorted(lost) if name in known and known[name].identity]
    ask_in_batches(chunks(names, REPOSITORIES_PER_REQUEST), seeker.ask, lambda _batch, _reason: None)
    return {name: seeker.found.get(name) or Doubt(lost[name].reason) for name in lost}


@dataclass(frozen=True, slots=True)
class _Seeker:
    client: GitHubClient
    lost: Mapping[str, Lost]
    known: Mapping[str, Repository]
    found: dict[str, Doubt] = field(default_factory=dict)

    def ask(self, names: Sequence[str]) -> None:
        ids = [identity.node_id for name in names if (identity := self.known[name].identity)]
        answer = self.client.query(names[0], queries.identity(), {"ids": ids})
        nodes = answer.data.get("nodes")
        if not isinstance(nodes, list) or len(nodes) != len(names):
            return
        for i, (name, node) in enumerate(zip(names, nodes, strict=True)):
            now = node.get("nameWithOwner") if isinstance(node, Mapping) else None
            error = answer.error("nodes", i)
            if isinstance(now, str) and now.casefold() != name.casefold():
                self.found[name] = Doubt(f"{name} is now {now}; change the catalog")
            elif error and error.type == "NOT_FOUND":
                self.found[name] = Doubt(self.lost[name].if_gone)
