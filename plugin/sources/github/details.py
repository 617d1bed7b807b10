"""Details: descriptions that changed, and the files of new commits. What is known already is never read again."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from plugin.core.config.repo_config import FILE_NAME
from plugin.core.facts.model import ConfigFile, PullRequest, Repository
from plugin.sources.github import queries
from plugin.sources.github.answer import Answer
from plugin.sources.github.batches import ask_in_batches, chunks, grouped
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.listing import Listing
from plugin.sources.github.nodes import MALFORMED, Listed, config_file, timestamp
from plugin.sources.github.variables import repository_variables

DETAILS_PER_REQUEST = 100  # GitHub takes at most 100 ids

FileKey = tuple[int, str]  # repository's database id, commit
Files = Mapping[FileKey, ConfigFile | None]


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


@dataclass(slots=True)
class Details:
    """Reads what one owner's listings leave open; what it cannot read puts the repository in doubt."""

    client: GitHubClient
    known: Mapping[str, Repository]  # by name: what was known before
    files: dict[FileKey, ConfigFile | None]  # by what was known before, then also those that are read
    doubts: dict[str, str] = field(default_factory=dict)  # repository: reason
    _descriptions: dict[str, _Description] = field(default_factory=dict)  # by node id

    def read(self, listings: Mapping[str, Listing]) -> None:
        """Read what is needed for `pull_requests`, as far as that is possible."""
        needs = [need for name, listing in listings.items() for need in self._needs(name, listing)]
        ask_in_batches(chunks(needs, DETAILS_PER_REQUEST), self._ask, self._give_up)

    def pull_requests(self, name: str, listing: Listing) -> tuple[PullRequest, ...]:
        """Return a repository's pull requests, complete. There must be no doubt about it."""
        before = _pull_requests(self.known.get(name))
        return tuple(self._complete(listing, listed, before.get(listed.number)) for listed in listing.pull_requests)

    def _complete(self, listing: Listing, listed: Listed, before: PullRequest | None) -> PullRequest:
        if before and before.updated_at > listed.updated_at:
            return before  # GitHub's answers can go back in time by some seconds
        file = None if listed.fork else self.files[listing.identity.database_id, listed.head_sha]
        read = self._descriptions.get(listed.id)
        if before and (read is None or read.updated_at < before.updated_at):
            return listed.pull_request(before.body, file, settled=before.settled and read is None)
        assert read  # noqa: S101  it was needed, and there is no doubt
        settled = read.settled and read.updated_at == listed.updated_at
        return listed.pull_request(read.text, file, settled=settled)

    def _needs(self, name: str, listing: Listing) -> Iterable[_Need]:
        known = _pull_requests(self.known.get(name))
        for listed in listing.pull_requests:
            before = known.get(listed.number)
            if before and before.updated_at > listed.updated_at:
                continue
            description = not (before and before.settled and before.updated_at == listed.updated_at)
            file = not listed.fork and (listing.identity.database_id, listed.head_sha) not in self.files
            if description or file:
                yield _Need(name, listing.identity.database_id, listed, description, file)

    def _ask(self, batch: Sequence[_Need]) -> None:
        described = [need for need in batch if need.description]
        files = grouped([need for need in batch if need.file], lambda need: need.repository)
        variables: dict[str, Any] = {"ids": [need.listed.id for need in described]}
        for i, (repository, needs) in enumerate(files):
            variables |= repository_variables(i, repository)
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

    def _give_up(self, batch: Sequence[_Need], reason: str) -> None:
        for need in batch:
            self._doubt(need, reason)

    def _doubt(self, need: _Need, reason: str) -> None:
        self.doubts.setdefault(need.repository, reason)  # the first reason, so that the text is stable

    @contextmanager
    def _doubt_if_incomplete(self, need: _Need) -> Iterator[None]:
        try:
            yield
        except MALFORMED as error:
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
        self._descriptions[need.listed.id] = _Description(node["body"], updated_at, answer.settles(updated_at))

    def _read_file(self, answer: Answer, i: int, j: int, need: _Need) -> None:
        repository = answer.data.get(f"r{i}")
        if answer.error(f"r{i}") or repository is None or repository["databaseId"] != need.database_id:
            self._doubt(need, f"{FILE_NAME} of #{need.listed.number} could not be read")
        elif (repository[f"c{j}"] or {}).get("oid") != need.listed.head_sha:
            self._doubt(need, f"GitHub does not know the head commit of #{need.listed.number} yet")
        else:
            self.files[need.database_id, need.listed.head_sha] = config_file(repository[f"f{j}"])


def known_files(known: Iterable[Repository]) -> dict[FileKey, ConfigFile | None]:
    """Return the files that are known already; a commit never changes, so its file does not either."""
    return {
        (repository.identity.database_id, pull_request.head_sha): pull_request.config
        for repository in known
        if repository.identity
        for pull_request in repository.pull_requests
        if not pull_request.fork  # a fork's file was never read
    }


def _pull_requests(known: Repository | None) -> dict[int, PullRequest]:
    return {pull_request.number: pull_request for pull_request in known.pull_requests} if known else {}
