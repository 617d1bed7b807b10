"""The asker: asks about single things of repositories whose names still lead to what is known under them.

One owner's trouble never reaches another's: each has its own requests.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, TypeVar

from plugin.sources.github import queries
from plugin.sources.github.answer import Answer, Part
from plugin.sources.github.batches import ask_in_batches, by_owner, chunks, grouped
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.draft import Query
from plugin.sources.github.nodes import Identity


class OfRepository(Protocol):
    """Something to ask about."""

    @property
    def repository(self) -> str:
        """The full name of its repository."""


Item = TypeVar("Item", bound=OfRepository)


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks about things of repositories whose identity is known; all others are left out."""

    client: GitHubClient
    identities: Mapping[str, Identity]
    turn: int = 0  # another owner comes first in each, so that nobody always waits when time runs out

    def ask(
        self,
        items: Iterable[Item],
        size: int,
        query: Callable[[Mapping[str, Sequence[Item]]], Query],
        parts: Callable[[Part, int], list[Part]],
        read: Callable[[Answer, Part, Item], None],
    ) -> None:
        """Ask about all items, at most `size` in one request. What cannot be asked is left out.

        `query` is given the items by repository, `parts` finds them in what the answer says about a repository, and
        `read` gets what it says about each.
        """

        def ask(batch: Sequence[Item]) -> None:
            groups = dict(grouped(batch, lambda item: item.repository))
            answer = self.client.query(batch[0].repository, query(groups))
            for found, (name, its) in zip(queries.repositories(answer, len(groups)), groups.items(), strict=True):
                # A different repository that has the name now says nothing about the old one.
                if self._is_the_same(name, found):
                    with suppress(KeyError):  # the answer lacks some
                        for part, item in zip(parts(found, len(its)), its, strict=True):
                            read(answer, part, item)

        askable = sorted((item for item in items if item.repository in self.identities), key=str)
        owners = deque(by_owner(askable, lambda item: item.repository))
        owners.rotate(self.turn)
        for group in owners:
            ask_in_batches(chunks(group, size), ask, lambda _batch, _reason: None)

    def _is_the_same(self, repository: str, part: Part) -> bool:
        node, about_it = part.value, any(error.path == () for error in part.errors)
        known = self.identities[repository].database_id
        return isinstance(node, Mapping) and not about_it and node.get("databaseId") == known
