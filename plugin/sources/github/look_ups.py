"""Look-ups: what GitHub says of single pull requests, asked for by number."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from plugin.core.config.references import Locator
from plugin.core.facts.model import Identity, LookUp, PullRequestState
from plugin.sources.github import queries
from plugin.sources.github.answer import Answer
from plugin.sources.github.batches import ask_in_batches, by_owner, chunks, grouped
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.nodes import Malformed, looked_up
from plugin.sources.github.variables import repository_variables

LOOK_UPS_PER_REQUEST = 100


def look_up(
    client: GitHubClient, locators: Sequence[Locator], identities: Mapping[str, Identity]
) -> dict[Locator, LookUp]:
    """Look up pull requests of repositories whose identity is known. What is not quite clear is left out."""
    asker = _Asker(client, identities)
    askable = [locator for locator in locators if locator.repository in identities]
    for group in by_owner(sorted(askable, key=str), lambda locator: locator.repository):
        ask_in_batches(chunks(group, LOOK_UPS_PER_REQUEST), asker.ask, lambda _batch, _reason: None)
    return asker.found


@dataclass(frozen=True, slots=True)
class _Asker:
    client: GitHubClient
    identities: Mapping[str, Identity]
    found: dict[Locator, LookUp] = field(default_factory=dict)

    def ask(self, batch: Sequence[Locator]) -> None:
        groups = grouped(batch, lambda locator: locator.repository)
        variables: dict[str, Any] = {}
        for i, (repository, locators) in enumerate(groups):
            variables |= repository_variables(i, repository)
            variables |= {f"p{i}_{j}": locator.number for j, locator in enumerate(locators)}
        query = queries.confirm([len(locators) for _, locators in groups])
        answer = self.client.query(batch[0].repository, query, variables)
        for i, (repository, locators) in enumerate(groups):
            data = answer.data.get(f"r{i}")
            # Another repository that has the name now knows nothing about the pull requests of the one before.
            if isinstance(data, Mapping) and data.get("databaseId") == self.identities[repository].database_id:
                for j, locator in enumerate(locators):
                    if found := _look_up(answer, data, (i, j), locator.number):
                        self.found[locator] = found


def _look_up(answer: Answer, repository: Mapping[str, Any], place: tuple[int, int], number: int) -> LookUp | None:
    i, j = place
    node, error = repository.get(f"p{j}"), answer.error(f"r{i}", f"p{j}")
    if answer.date is None:
        return None  # how long a pull request has been missing is told by this clock
    if error is None and isinstance(node, Mapping):
        with suppress(Malformed):
            return looked_up(node, number, answer.date)
    if error and error.type == "NOT_FOUND" and error.path == (f"r{i}", f"p{j}") and node is None:
        return LookUp(PullRequestState.MISSING, answer.date)
    return None
