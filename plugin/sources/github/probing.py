"""Probing: which repositories have not changed since they were listed. A hundred of them cost one point.

The rule is strict, because GitHub's answers lag and its times have whole seconds: a repository is as it was only if it
looks exactly as it did to the very request that listed it, and if nothing had changed shortly before that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from plugin.core.facts.model import Repository
from plugin.sources import Doubt, Wanted
from plugin.sources.github import queries
from plugin.sources.github.answer import Answer
from plugin.sources.github.batches import ask_in_batches, chunks
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.nodes import Malformed, Outside, outside, trouble
from plugin.sources.github.variables import label_variables, repository_variables

REPOSITORIES_PER_REQUEST = 100


def probe(client: GitHubClient, wanted: Sequence[Wanted]) -> dict[str, Repository | Doubt]:
    """Probe repositories of one owner. Those that are not in the answer are to be listed."""
    prober = _Prober(client)
    can_be_probed = [repository for repository in wanted if _known(repository)]
    ask_in_batches(chunks(can_be_probed, REPOSITORIES_PER_REQUEST), prober.ask, prober.give_up)
    return prober.found


@dataclass(frozen=True, slots=True)
class _Prober:
    client: GitHubClient
    found: dict[str, Repository | Doubt] = field(default_factory=dict)

    def ask(self, batch: Sequence[Wanted]) -> None:
        variables: dict[str, Any] = {}
        for i, wanted in enumerate(batch):
            variables |= repository_variables(i, wanted.name) | label_variables(i, wanted.labels)
        answer = self.client.query(batch[0].name, queries.probe([len(wanted.labels) for wanted in batch]), variables)
        for i, wanted in enumerate(batch):
            known = _known(wanted)
            if known and _looks_like(known, answer, i):
                self.found[wanted.name] = known

    def give_up(self, batch: Sequence[Wanted], reason: str) -> None:
        self.found.update({wanted.name: Doubt(reason) for wanted in batch})


def _known(wanted: Wanted) -> Repository | None:
    """Return what was known of it, if a probe can tell whether it is still so."""
    before = wanted.before
    if before is None or wanted.must_list or before.labels != wanted.labels:
        return None
    return before if before.identity and before.mark and before.mark.settled else None


def _looks_like(before: Repository, answer: Answer, i: int) -> bool:
    repository = answer.data.get(f"r{i}")
    if trouble(answer, i) or not isinstance(repository, Mapping):
        return False
    try:
        seen = outside(repository, len(before.labels), answer)
    except Malformed:
        return False
    return _features(before) == _features(seen)


def _features(known: Repository | Outside) -> tuple[object, ...]:
    assert known.mark  # noqa: S101  who has none is not probed
    # Not whether it is settled: that is a matter of when it was asked.
    return known.identity, known.name.casefold(), known.default_branch, known.mark.newest, known.mark.label_ids
