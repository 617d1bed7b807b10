"""Probing: finds the repositories that have not changed since they were listed. A hundred of them cost one point.

The rule is strict, because GitHub's answers lag and its times have whole seconds: a repository counts as unchanged only
if it looks exactly as it did to the request that listed it, and if nothing had changed shortly before that request.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from plugin.core.facts.model import Repository
from plugin.sources import Doubt, Wanted
from plugin.sources.github import queries
from plugin.sources.github.answer import Answer, Part
from plugin.sources.github.batches import ask_in_batches, chunks
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.nodes import Malformed, outside

REPOSITORIES_PER_REQUEST = 100


def probe(client: GitHubClient, wanted: Sequence[Wanted]) -> dict[str, Repository | Doubt]:
    """Probe repositories of one owner. Those that are missing from the result must be listed."""
    prober = _Prober(client)
    can_be_probed = [repository for repository in wanted if _known(repository)]
    ask_in_batches(chunks(can_be_probed, REPOSITORIES_PER_REQUEST), prober.ask, prober.give_up)
    return prober.found


@dataclass(frozen=True, slots=True)
class _Prober:
    client: GitHubClient
    found: dict[str, Repository | Doubt] = field(default_factory=dict)

    def ask(self, batch: Sequence[Wanted]) -> None:
        answer = self.client.query(batch[0].name, queries.probe({wanted.name: wanted.labels for wanted in batch}))
        for wanted, part in zip(batch, queries.repositories(answer, len(batch)), strict=True):
            known = _known(wanted)
            if known and _looks_like(known, part, answer):
                self.found[wanted.name] = known

    def give_up(self, batch: Sequence[Wanted], reason: str) -> None:
        self.found.update({wanted.name: Doubt(reason) for wanted in batch})


def _known(wanted: Wanted) -> Repository | None:
    """Return what was known of it, if a probe can tell whether that is still true."""
    before = wanted.before
    if before is None or wanted.must_list or before.labels != wanted.labels:
        return None
    if any(pull_request.events is None for pull_request in before.pull_requests):  # an older version did not read them
        return None
    return before if before.identity and before.mark and before.mark.settled else None


def _looks_like(before: Repository, part: Part, answer: Answer) -> bool:
    if part.value is None:
        return False
    try:
        seen = outside(part, before.labels, answer)
    except Malformed:
        return False
    # `settled` is not compared: it depends on when GitHub was asked.
    return before.mark is not None and seen.mark is not None and before.mark.token == seen.mark.token
