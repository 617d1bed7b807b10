"""Look-ups: what GitHub says about single pull requests by number."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from plugin.core.config.references import Locator
from plugin.core.facts.model import LookUp, PullRequestState
from plugin.sources.github import queries
from plugin.sources.github.answer import Answer, Part
from plugin.sources.github.batches import ask_in_batches, by_owner, chunks, grouped
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.labels import all_labels
from plugin.sources.github.nodes import MALFORMED, Identity, Malformed, label_page, looked_up

LOOK_UPS_PER_REQUEST = 100


def look_up(
    client: GitHubClient, locators: Sequence[Locator], identities: Mapping[str, Identity]
) -> dict[Locator, LookUp]:
    """Look up pull requests of repositories whose identity is known. Unclear results are left out."""
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
        groups = dict(grouped(batch, lambda locator: locator.repository))
        numbers = {repository: [locator.number for locator in locators] for repository, locators in groups.items()}
        answer = self.client.query(batch[0].repository, queries.confirm(numbers))
        for part, (repository, locators) in zip(queries.repositories(answer, len(groups)), groups.items(), strict=True):
            # A different repository that has the name now says nothing about the pull requests of the old one.
            if self._is_the_same(repository, part):
                self._read(answer, part, locators)

    def _is_the_same(self, repository: str, part: Part) -> bool:
        node, about_it = part.value, any(error.path == () for error in part.errors)
        known = self.identities[repository].database_id
        return isinstance(node, Mapping) and not about_it and node.get("databaseId") == known

    def _read(self, answer: Answer, repository: Part, locators: Sequence[Locator]) -> None:
        try:
            parts = queries.pull_request_parts(repository, len(locators))
        except KeyError:
            return
        for locator, part in zip(locators, parts, strict=True):
            with suppress(Malformed):
                self.found[locator] = self._look_up(answer, part, locator)

    def _look_up(self, answer: Answer, part: Part, locator: Locator) -> LookUp:
        """Read one. Raises Malformed where anything about it is unclear."""
        if part.value is None and part.error and part.error.type == "NOT_FOUND" and part.error.path == ():
            if answer.date is None:
                raise Malformed("without GitHub's clock, it is unclear how long it has been missing")
            return LookUp(PullRequestState.MISSING, answer.date)
        if part.error:
            raise Malformed(part.error.message)
        try:
            labels, after = label_page(part.at("labels"))
            if after:
                labels = all_labels(self.client, locator.repository, part.value["id"], labels, after)
            return looked_up(part.value, locator.number, frozenset(labels), answer)
        except MALFORMED as error:
            raise Malformed(f"GitHub's answer about {locator} is incomplete ({error!r})") from None
