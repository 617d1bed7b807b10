"""Source GitHub: lists, then reads only what it has not seen: descriptions that changed and files of new commits."""

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, TypeVar

from cachetools import LRUCache

from plugin.core.model import ConfigFile, Elsewhere, Repository
from plugin.core.references import Locator
from plugin.core.repo_config import FILE_NAME
from plugin.sources import Doubt, Usage, Wanted
from plugin.sources.github import queries
from plugin.sources.github.batches import ask_in_batches, chunks
from plugin.sources.github.client import Answer, GitHubClient
from plugin.sources.github.listing import Fingerprint, Lister, Listing
from plugin.sources.github.nodes import Listed, config_file, timestamp

DETAILS_PER_REQUEST = 100  # GitHub takes at most 100 ids
LOOK_UPS_PER_REQUEST = 100
FILE_CACHE = 64 * 1024 * 1024  # bytes of file texts; a text never changes, so it is kept until room is needed
SETTLED = timedelta(seconds=20)  # times have whole seconds and answers can lag, so a younger text is read again

_STATES = {"MERGED": Elsewhere.MERGED, "CLOSED": Elsewhere.CLOSED, "OPEN": Elsewhere.UNLABELLED}

_FileKey = tuple[int, str]  # repository's database id, commit
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class _Description:
    text: str
    updated_at: datetime
    settled: bool


@dataclass(frozen=True, slots=True)
class _Need:
    """What is still to be read of one pull request."""

    repository: str
    database_id: int
    listed: Listed
    description: bool
    file: bool


class GitHubSource:
    """Reads repositories from GitHub. Used by one thread at a time."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client
        self._pinned: dict[str, int] = {}  # repository: database id
        self._sizes: dict[str, int] = {}
        self._largest_pages: dict[str, int] = {}
        self._newest: dict[str, Fingerprint] = {}
        self._descriptions: dict[str, _Description] = {}  # by node id
        self._files: LRUCache[_FileKey, ConfigFile | None] = LRUCache(FILE_CACHE, getsizeof=_size)
        self._looked_up: dict[Locator, tuple[Fingerprint, Elsewhere]] = {}

    @property
    def usage(self) -> Usage:
        """Requests and points so far."""
        return self._client.usage

    def read(self, wanted: Sequence[Wanted]) -> dict[str, Repository | Doubt]:
        """Read each repository completely, or say why not."""
        labels = {repository.name: repository.labels for repository in wanted}
        # Taken out of the catalog and put in again, a name may belong to another repository.
        self._pinned = {name: database_id for name, database_id in self._pinned.items() if name in labels}
        listings: dict[str, Listing] = {}
        results: dict[str, Repository | Doubt] = {}
        for _, group in _by_owner(wanted, lambda repository: repository.name):
            for name, listing in Lister(self._client, self._sizes, self._largest_pages).list(group).items():
                if isinstance(listing, Doubt):
                    results[name] = listing
                elif self._pinned.setdefault(name, listing.database_id) != listing.database_id:
                    results[name] = Doubt("this name now belongs to another repository than before")
                else:
                    listings[name] = listing
                    self._sizes[name] = len(listing.pull_requests)
                    self._newest[name] = listing.newest
        details = _Details(self._client, self._descriptions, self._files)
        details.read(listings)
        for name, listing in listings.items():
            doubt = details.doubts.get(name)
            results[name] = Doubt(doubt) if doubt else self._repository(name, labels[name], listing, details.found)
        self._forget(listings)
        return results

    def look_up(self, locators: Collection[Locator]) -> dict[Locator, Elsewhere]:
        """Say where unlisted pull requests are. An answer is kept until its repository changes."""
        self._looked_up = {locator: known for locator, known in self._looked_up.items() if locator in locators}
        missing = [locator for locator in sorted(locators, key=str) if not self._is_current(locator)]
        for _, group in _by_owner(missing, lambda locator: locator.repository):
            ask_in_batches(chunks(group, LOOK_UPS_PER_REQUEST), self._confirm, lambda _batch, _reason: None)
        return {locator: elsewhere for locator, (_, elsewhere) in self._looked_up.items()}

    def _is_current(self, locator: Locator) -> bool:
        known = self._looked_up.get(locator)
        return known is not None and known[0] == self._newest.get(locator.repository)

    def _confirm(self, batch: Sequence[Locator]) -> None:
        groups = _group(batch, lambda locator: locator.repository)
        variables: dict[str, Any] = {}
        for i, (repository, locators) in enumerate(groups):
            variables |= _repository_variables(i, repository)
            variables |= {f"p{i}_{j}": locator.number for j, locator in enumerate(locators)}
        answer = self._client.query(
            batch[0].repository, queries.confirm([len(locators) for _, locators in groups]), variables
        )
        for i, (repository, locators) in enumerate(groups):
            data = answer.data.get(f"r{i}") or {}
            if data.get("databaseId") != self._pinned.get(repository):
                continue
            for j, locator in enumerate(locators):
                if elsewhere := _elsewhere(answer, i, j):
                    self._looked_up[locator] = (self._newest.get(repository, ()), elsewhere)

    def _repository(
        self, name: str, labels: frozenset[str], listing: Listing, files: Mapping[_FileKey, ConfigFile | None]
    ) -> Repository:
        pull_requests = (
            listed.pull_request(
                body=self._descriptions[listed.id].text,
                config=None if listed.fork else files[listing.database_id, listed.head_sha],
            )
            for listed in listing.pull_requests
        )
        return Repository(name, listing.url, listing.default_branch, labels, tuple(pull_requests))

    def _forget(self, listings: Mapping[str, Listing]) -> None:
        """Drop the descriptions of pull requests that are listed no more; a doubtful repository's are read again."""
        live = {listed.id for listing in listings.values() for listed in listing.pull_requests}
        self._descriptions = {id_: description for id_, description in self._descriptions.items() if id_ in live}


@dataclass(slots=True)
class _Details:
    """Reads descriptions and files into the caches; what it cannot read puts the repository in doubt."""

    client: GitHubClient
    descriptions: dict[str, _Description]
    files: LRUCache[_FileKey, ConfigFile | None]
    found: dict[_FileKey, ConfigFile | None] = field(default_factory=dict)  # this reading's, whatever the cache drops
    doubts: dict[str, str] = field(default_factory=dict)  # repository: reason

    def read(self, listings: Mapping[str, Listing]) -> None:
        for _, group in _by_owner(list(self._needs(listings)), lambda need: need.repository):
            ask_in_batches(chunks(group, DETAILS_PER_REQUEST), self._ask, self._give_up)

    def _give_up(self, batch: Sequence[_Need], reason: str) -> None:
        for need in batch:
            self._doubt(need, reason)

    def _doubt(self, need: _Need, reason: str) -> None:
        self.doubts.setdefault(need.repository, reason)  # the first reason, so that the text is stable

    def _needs(self, listings: Mapping[str, Listing]) -> Iterable[_Need]:
        for name, listing in listings.items():
            for listed in listing.pull_requests:
                known = self.descriptions.get(listed.id)
                description = known is None or known.updated_at != listed.updated_at or not known.settled
                file = not listed.fork and not self._is_cached((listing.database_id, listed.head_sha))
                if description or file:
                    yield _Need(name, listing.database_id, listed, description, file)

    def _is_cached(self, key: _FileKey) -> bool:
        if key in self.files:
            self.found[key] = self.files[key]
        return key in self.found

    def _ask(self, batch: Sequence[_Need]) -> None:
        described = [need for need in batch if need.description]
        files = _group([need for need in batch if need.file], lambda need: need.repository)
        variables: dict[str, Any] = {"ids": [need.listed.id for need in described]}
        for i, (repository, needs) in enumerate(files):
            variables |= _repository_variables(i, repository)
            for j, need in enumerate(needs):
                variables |= {
                    f"s{i}_{j}": need.listed.head_sha,
                    f"e{i}_{j}": f"{need.listed.head_sha}:{FILE_NAME}",
                }
        answer = self.client.query(batch[0].repository, queries.details([len(needs) for _, needs in files]), variables)
        for i, need in enumerate(described):
            with self._doubt_if_incomplete(need):
                self._read_description(answer, i, need)
        for i, (_, needs) in enumerate(files):
            for j, need in enumerate(needs):
                with self._doubt_if_incomplete(need):
                    self._read_file(answer, i, j, need)

    @contextmanager
    def _doubt_if_incomplete(self, need: _Need) -> Iterator[None]:
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self._doubt(need, f"GitHub's answer about #{need.listed.number} is incomplete ({error!r})")

    def _read_description(self, answer: Answer, i: int, need: _Need) -> None:
        nodes = answer.data.get("nodes") or []
        node = nodes[i] if i < len(nodes) else None
        if answer.error("nodes", i) or not node or node.get("id") != need.listed.id:
            self._doubt(need, f"the description of #{need.listed.number} could not be read")
            return
        updated_at = timestamp(node["updatedAt"])
        if not isinstance(node["body"], str):
            raise TypeError("a description is no text")
        self.descriptions[need.listed.id] = _Description(node["body"], updated_at, answer.date - updated_at >= SETTLED)

    def _read_file(self, answer: Answer, i: int, j: int, need: _Need) -> None:
        repository = answer.data.get(f"r{i}")
        if answer.error(f"r{i}") or repository is None or repository["databaseId"] != need.database_id:
            self._doubt(need, f"{FILE_NAME} of #{need.listed.number} could not be read")
        elif (repository[f"c{j}"] or {}).get("oid") != need.listed.head_sha:
            self._doubt(need, f"GitHub does not know the head commit of #{need.listed.number} yet")
        else:
            key = need.database_id, need.listed.head_sha
            self.files[key] = self.found[key] = config_file(repository[f"f{j}"])


def _elsewhere(answer: Answer, i: int, j: int) -> Elsewhere | None:
    error = answer.error(f"r{i}", f"p{j}")
    if error:
        return Elsewhere.MISSING if error.type == "NOT_FOUND" else None
    pull_request = answer.data[f"r{i}"].get(f"p{j}") or {}
    return _STATES.get(str(pull_request.get("state")))


def _repository_variables(i: int, repository: str) -> dict[str, str]:
    owner, _, name = repository.partition("/")
    return {f"o{i}": owner, f"n{i}": name}


def _by_owner(items: Sequence[Item], repository: Callable[[Item], str]) -> list[tuple[str, list[Item]]]:
    """Group by owner, because each owner has credentials of its own and GitHub's limits count per installation."""
    return _group(items, lambda item: repository(item).partition("/")[0])


def _group(items: Sequence[Item], key: Callable[[Item], str]) -> list[tuple[str, list[Item]]]:
    return [(name, list(group)) for name, group in groupby(sorted(items, key=key), key)]


def _size(file: ConfigFile | None) -> int:
    return 200 + (sys.getsizeof(file.text) if file else 0)
