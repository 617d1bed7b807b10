"""Look-ups: what GitHub says about single pull requests by number."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from plugin.core.config.references import Locator
from plugin.core.facts.model import LookUp, PullRequestState
from plugin.sources.github import queries
from plugin.sources.github.answer import Answer, Part
from plugin.sources.github.asker import Asker
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.draft import Query
from plugin.sources.github.labels import all_labels
from plugin.sources.github.nodes import MALFORMED, Malformed, label_page, looked_up

LOOK_UPS_PER_REQUEST = 100


def look_up(asker: Asker, locators: Sequence[Locator]) -> dict[Locator, LookUp]:
    """Look up pull requests of repositories whose identity is known. Unclear results are left out."""
    reading = _Reading(asker.client)
    asker.ask(locators, LOOK_UPS_PER_REQUEST, _query, queries.pull_request_parts, reading.read)
    return reading.found


def _query(locators: Mapping[str, Sequence[Locator]]) -> Query:
    return queries.confirm({repository: [each.number for each in its] for repository, its in locators.items()})


@dataclass(frozen=True, slots=True)
class _Reading:
    client: GitHubClient
    found: dict[Locator, LookUp] = field(default_factory=dict)

    def read(self, answer: Answer, part: Part, locator: Locator) -> None:
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
