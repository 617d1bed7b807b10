"""Details: reads descriptions that changed and the files of new commits. What is known is never read again."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from plugin.core.config.repo_config import FILE_NAME, MISNAMED
from plugin.core.facts.model import ConfigFile, Events, PullRequest, Repository
from plugin.sources.github import queries
from plugin.sources.github.answer import Answer, GraphQLError, Part
from plugin.sources.github.batches import ask_in_batches, chunks, grouped
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.events import events_of
from plugin.sources.github.listing import Listing, Unread
from plugin.sources.github.nodes import MALFORMED, Identity, Listed, Malformed, config_file, timestamp

DETAILS_PER_REQUEST = 100  # GitHub takes at most 100 ids

FileKey = tuple[int, str]  # repository's database id, commit


@dataclass(frozen=True, slots=True)
class _Description:
    text: str
    updated_at: datetime
    settled: bool
    events: Events


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
    """Reads what one owner's listings leave open.

    If GitHub cannot say enough about one pull request, that one stays unread. A problem with a whole repository, or a
    request that failed, puts the repository in doubt.
    """

    client: GitHubClient
    known: Mapping[str, Repository]  # by name: what was known before
    files: dict[FileKey, ConfigFile | None]  # by what was known before, then also those that are read
    doubts: dict[str, str] = field(default_factory=dict)  # repository: reason
    _unread: dict[str, dict[int, Unread]] = field(default_factory=dict)  # by repository and number
    _descriptions: dict[str, _Description] = field(default_factory=dict)  # by node id

    def read(self, listings: Mapping[str, Listing]) -> None:
        """Read what is needed for `pull_requests`, as far as that is possible."""
        needs = [need for name, listing in listings.items() for need in self._needs(name, listing)]
        ask_in_batches(chunks(needs, DETAILS_PER_REQUEST), self._ask, self._give_up)

    def unread(self, name: str) -> tuple[Unread, ...]:
        """Return the pull requests of a repository that could not be completed."""
        return tuple(self._unread.get(name, {}).values())

    def pull_requests(self, name: str, listing: Listing) -> tuple[PullRequest, ...]:
        """Return a repository's pull requests, complete, without the unread. There must be no doubt about it."""
        before, unread = self._before(name), self._unread.get(name, {})
        return tuple(
            self._complete(listing, listed, before.get(listed.number))
            for listed in listing.pull_requests
            if listed.number not in unread
        )

    def _before(self, name: str) -> Mapping[int, PullRequest]:
        known = self.known.get(name)
        return known.by_number if known else {}

    def _complete(self, listing: Listing, listed: Listed, before: PullRequest | None) -> PullRequest:
        if before and before.updated_at > listed.updated_at:
            return before  # GitHub's answers can go back in time by some seconds
        file = None if listed.fork else self.files[listing.identity.database_id, listed.head_sha]
        read = self._descriptions.get(listed.id)
        if before and (read is None or read.updated_at < before.updated_at):
            settled = before.settled and read is None
            # What happened stays true, even if an older answer says so.
            return listed.pull_request(
                before, before.body, file, read.events if read else before.events, settled=settled
            )
        assert read  # noqa: S101  it was needed, and there is no doubt
        settled = read.settled and read.updated_at == listed.updated_at
        return listed.pull_request(before, read.text, file, read.events, settled=settled)

    def _needs(self, name: str, listing: Listing) -> Iterable[_Need]:
        known = self._before(name)
        for listed in listing.pull_requests:
            before = known.get(listed.number)
            if before and before.updated_at > listed.updated_at:
                continue
            description = not (before and _is_described(before, listed))
            file = not listed.fork and (listing.identity.database_id, listed.head_sha) not in self.files
            if description or file:
                yield _Need(name, listing.identity.database_id, listed, description, file)

    def _ask(self, batch: Sequence[_Need]) -> None:
        described = [need for need in batch if need.description]
        files = dict(grouped([need for need in batch if need.file], lambda need: need.repository))
        commits = {repository: [need.listed.head_sha for need in needs] for repository, needs in files.items()}
        query = queries.details([need.listed.id for need in described], commits, FILE_NAME, MISNAMED)
        answer = self.client.query(batch[0].repository, query)
        self._read_descriptions(answer, described)
        for part, needs in zip(queries.repositories(answer, len(files)), files.values(), strict=True):
            self._read_files(part, needs)

    def _read_descriptions(self, answer: Answer, needs: Sequence[_Need]) -> None:
        try:
            parts = queries.nodes(answer, len(needs))
        except MALFORMED as error:
            reason = answer.errors[0].message if answer.errors else f"GitHub's answer is incomplete ({error!r})"
            self._give_up(needs, reason)
            return
        for need, part in zip(needs, parts, strict=True):
            with self._unread_if_incomplete(need):
                self._descriptions[need.listed.id] = _description(part, need, answer.settles)

    def _read_files(self, repository: Part, needs: Sequence[_Need]) -> None:
        node, about_it = repository.value, next((error for error in repository.errors if error.path == ()), None)
        if about_it or not isinstance(node, Mapping) or node.get("databaseId") != needs[0].database_id:
            reason = f": {about_it.message}" if about_it else ""
            self._give_up(needs, f"{FILE_NAME} of #{needs[0].listed.number} could not be read{reason}")
            return
        try:
            parts = queries.file_parts(repository, len(needs))
        except MALFORMED as error:
            self._give_up(needs, f"GitHub's answer about files is incomplete ({error!r})")
            return
        for need, (commit, file, misnamed) in zip(needs, parts, strict=True):
            with self._unread_if_incomplete(need):
                read = _file(commit, file, need)
                if read is None and misnamed.value is not None:
                    read = ConfigFile(problem=f"is missing; {MISNAMED} is never read, so rename it to {FILE_NAME}")
                self.files[need.database_id, need.listed.head_sha] = read

    def _give_up(self, batch: Sequence[_Need], reason: str) -> None:
        for need in batch:
            self.doubts.setdefault(need.repository, reason)  # the first reason, so that the text is stable

    @contextmanager
    def _unread_if_incomplete(self, need: _Need) -> Iterator[None]:
        number, reason = need.listed.number, ""
        try:
            yield
        except Malformed as error:
            reason = str(error)
        except MALFORMED as error:
            reason = f"GitHub's answer about #{number} is incomplete ({error!r})"
        if reason:
            self._unread.setdefault(need.repository, {}).setdefault(number, Unread(reason, number))


def known_files(known: Mapping[str, Repository]) -> dict[FileKey, ConfigFile | None]:
    """Return the files that are known already; a commit never changes, so its file does not either."""
    return {
        (identity.database_id, pull_request.head_sha): pull_request.config
        for repository in known.values()
        if (identity := Identity.parse(repository.identity))
        for pull_request in repository.pull_requests
        if not pull_request.fork  # a fork's file was never read
    }


def _is_described(before: PullRequest, listed: Listed) -> bool:
    """Tell whether the description and the timeline are known as they are now."""
    renamed = before.labels != listed.labels  # a label that is renamed or deleted leaves `updated_at` as it was
    return before.settled and before.updated_at == listed.updated_at and before.events is not None and not renamed


def _description(part: Part, need: _Need, settles: Callable[[datetime], bool]) -> _Description:
    node = part.value
    error = next((error for error in part.errors if not _is_about_an_event(error)), None)
    if error or node is None or node["id"] != need.listed.id:
        reason = f": {error.message}" if error else ""
        raise Malformed(f"the description of #{need.listed.number} could not be read{reason}")
    updated_at = timestamp(node["updatedAt"])
    if not isinstance(node["body"], str):
        raise TypeError("a description is not a string")
    return _Description(node["body"], updated_at, settles(updated_at), events_of(part))


def _is_about_an_event(error: GraphQLError) -> bool:
    return error.path[:2] == ("timelineItems", "nodes") and len(error.path) > 2  # noqa: PLR2004  below the list


def _file(commit: Part, file: Part, need: _Need) -> ConfigFile | None:
    number = need.listed.number
    if error := commit.error or file.error:
        raise Malformed(f"{FILE_NAME} of #{number} could not be read: {error.message}")
    if commit.value is None or commit.value["oid"] != need.listed.head_sha:
        raise Malformed(f"GitHub does not know the head commit of #{number} yet")
    return config_file(file.value)
