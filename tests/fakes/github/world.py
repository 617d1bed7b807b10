"""What the fake GitHub knows: an organisation as the file describes it, plus what a test changes by hand.

A `World` never changes. A test that renames a repository gets a new one, so one request sees one state.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from plugin.sources.file import Organisation, PullRequestEntry

CONFIG_PATH = ".preview.yaml"
FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Blob:
    """A file. GitHub gives no text for a binary one, and cuts a huge one."""

    text: str | None = ""
    is_binary: bool = False
    is_truncated: bool = False
    byte_size: int | None = None  # None: as long as the text

    @property
    def data(self) -> bytes:
        return self.text.encode() if self.text is not None else bytes(self.byte_size or 0)

    @property
    def size(self) -> int:
        return len(self.data) if self.byte_size is None else self.byte_size


@dataclass(frozen=True)
class Symlink:
    """A symbolic link: GraphQL shows the link's own text, REST follows it."""

    target: str


@dataclass(frozen=True)
class Tree:
    """A directory."""


File = Blob | Symlink | Tree


@dataclass(frozen=True)
class Changes:
    """What a test changes beyond the organisation file. Repositories go by their name in that file."""

    files: Mapping[tuple[str, str, str], File] = field(default_factory=dict)  # by repository, commit, path
    unknown_commits: frozenset[str] = frozenset()
    deleted_forks: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)
    recreated: Mapping[str, int] = field(default_factory=dict)  # how often


@dataclass(frozen=True)
class Account:
    login: str

    @property
    def is_bot(self) -> bool:
        return self.login.endswith("[bot]")


@dataclass(frozen=True)
class Repository:
    database_id: int
    node_id: str
    full_name: str
    default_branch: str = "main"
    is_fork: bool = False

    @property
    def owner(self) -> str:
        return self.full_name.partition("/")[0]

    @property
    def name(self) -> str:
        return self.full_name.partition("/")[2]


@dataclass(frozen=True)
class PullRequest:
    database_id: int
    node_id: str
    repository: Repository
    head_repository: Repository | None  # None: the fork was deleted
    entry: PullRequestEntry

    @property
    def author(self) -> Account | None:
        # An account that was deleted is null in both APIs; only the web pages call it ghost.
        return None if self.entry.author == "ghost" else Account(self.entry.author)

    @property
    def created_at(self) -> datetime:
        return FIRST_DAY + timedelta(minutes=self.entry.number)


@dataclass(frozen=True)
class Commit:
    repository: Repository
    oid: str
    files: Mapping[str, File]


@dataclass(frozen=True)
class World:
    """Everything there is, by the names under which it is asked for."""

    repositories: Mapping[str, Repository]  # by name in lower case: GitHub's names ignore case
    old_names: Mapping[str, Repository]
    pull_requests: Mapping[int, Mapping[int, PullRequest]]  # by the repository's id, then by number, in order
    commits: Mapping[tuple[int, str], Commit]  # a fork's commits are seen through the base repository too
    nodes: Mapping[str, Repository | PullRequest]

    def repository(self, full_name: str, *, follow_renames: bool) -> Repository | None:
        found = self.repositories.get(full_name.lower())
        return found or (self.old_names.get(full_name.lower()) if follow_renames else None)

    def pulls(self, repository: Repository) -> Mapping[int, PullRequest]:
        return self.pull_requests.get(repository.database_id, {})

    def commit(self, repository: Repository, oid: str) -> Commit | None:
        return self.commits.get((repository.database_id, oid))


def build(organisation: Organisation, changes: Changes) -> World:
    """Work out the world; an organisation that GitHub could not hold is an error of the test."""
    repositories: dict[str, Repository] = {}
    old_names: dict[str, Repository] = {}
    pull_requests: dict[int, dict[int, PullRequest]] = {}
    commits: dict[tuple[int, str], Commit] = {}
    nodes: dict[str, Repository | PullRequest] = {}

    def add(repository: Repository) -> Repository:
        repositories[repository.full_name.lower()] = repository
        if nodes.setdefault(repository.node_id, repository) != repository:
            raise ValueError(f"{repository.full_name} stands for two different repositories")
        return repository

    for name, content in organisation.repositories.items():
        identity = f"{name}#{changes.recreated[name]}" if name in changes.recreated else name
        full_name = changes.renamed.get(name, name)
        repository = add(
            Repository(database_id(identity), node_id("R", identity), full_name, content.default_branch)
        )
        if full_name != name:
            old_names[name.lower()] = repository
        holders = {repository.database_id: repository}
        pulls = pull_requests[repository.database_id] = {}
        for entry in sorted(content.pull_requests, key=lambda entry: entry.number):
            fork = None
            if entry.fork and entry.fork not in changes.deleted_forks:
                fork = add(
                    Repository(database_id(entry.fork), node_id("R", entry.fork), entry.fork, is_fork=True)
                )
                holders[fork.database_id] = fork
            key = f"{identity}/pull/{entry.number}"
            pull = PullRequest(
                database_id(key), node_id("PR", key), repository, fork if entry.fork else repository, entry
            )
            if entry.number in pulls:
                raise ValueError(f"{name} has two pull requests #{entry.number}")
            pulls[entry.number] = nodes[pull.node_id] = pull
            files = {} if entry.config is None else {CONFIG_PATH: _blob(entry.config)}
            for holder in (repository, fork):
                if holder is None or entry.head_sha in changes.unknown_commits:
                    continue
                commit = Commit(holder, entry.head_sha, files)
                if commits.setdefault((holder.database_id, entry.head_sha), commit) != commit:
                    raise ValueError(f"{name}: the commit {entry.head_sha} cannot have two contents")
        for (holder_name, oid, path), file in changes.files.items():
            if holder_name == name and oid not in changes.unknown_commits:
                commits.setdefault((repository.database_id, oid), Commit(repository, oid, {}))
                for holder in holders.values():
                    if there := commits.get((holder.database_id, oid)):
                        commits[holder.database_id, oid] = Commit(holder, oid, {**there.files, path: file})
    return World(repositories, old_names, pull_requests, commits, nodes)


def database_id(name: str) -> int:
    """Return the number that GitHub would give; it fits GraphQL's Int."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) >> 1


def node_id(kind: str, name: str) -> str:
    return f"{kind}_{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def blob_oid(file: File) -> str:
    match file:
        case Blob():
            data = file.data
        case Symlink():
            data = file.target.encode()
        case Tree():
            return hashlib.sha1(b"tree 0\0").hexdigest()
    return hashlib.sha1(b"blob %d\0%b" % (len(data), data)).hexdigest()


def _blob(text: str) -> File:
    # Git's rule, which GitHub follows: a file with a zero byte is binary.
    if "\0" in text[:8000]:
        return Blob(None, is_binary=True, byte_size=len(text.encode()))
    return Blob(text)
