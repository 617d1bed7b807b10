"""What the fake GitHub knows: an organisation as the file describes it, plus what a test changes by hand.

A `World` never changes. A test that renames a repository gets a new one, so one request sees one state.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from plugin.sources.file import Organisation, PullRequestEntry, RepositoryEntry

from .checks import ACTIONS, CheckSuite, Status, with_run

CONFIG_PATH = ".preview.yaml"


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
class Event:
    """One item of a pull request's timeline."""

    kind: str  # the name of its type in GraphQL
    at: datetime
    label: str = ""  # of a LabeledEvent or an UnlabeledEvent
    by: str = ""  # the login; "" for a deleted account


@dataclass(frozen=True)
class Changes:
    """What a test changes beyond the organisation file. Repositories go by their name in that file."""

    files: Mapping[tuple[str, str, str], File] = field(default_factory=dict)  # by repository, commit, path
    unknown_commits: frozenset[str] = frozenset()
    deleted_forks: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)
    recreated: Mapping[str, int] = field(default_factory=dict)  # how often
    deleted: frozenset[str] = frozenset()  # repositories
    archived: Mapping[str, datetime] = field(default_factory=dict)  # when
    deleted_labels: frozenset[tuple[str, str]] = frozenset()  # by repository and name
    new_labels: Mapping[tuple[str, str], int] = field(default_factory=dict)  # how often they were made again
    people: frozenset[str] = frozenset()  # owners that are no organisations
    hidden: frozenset[tuple[str, int]] = frozenset()  # pull requests whose author is taken for a spammer
    events: Mapping[tuple[str, int], tuple[Event, ...]] = field(default_factory=dict)  # more, by repository and number
    suites: Mapping[tuple[str, str], tuple[CheckSuite, ...]] = field(default_factory=dict)  # by repository and commit
    statuses: Mapping[tuple[str, str], Mapping[str, Status]] = field(default_factory=dict)  # as before; by context


@dataclass(frozen=True)
class Account:
    login: str

    @property
    def is_bot(self) -> bool:
        return self.login.endswith("[bot]")


@dataclass(frozen=True)
class Owner:
    login: str
    is_person: bool


@dataclass(frozen=True)
class Repository:
    database_id: int
    node_id: str
    full_name: str
    default_branch: str = "main"
    is_fork: bool = False
    visibility: str = "private"
    archived_at: datetime | None = None

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
    more_events: tuple[Event, ...] = ()

    @property
    def author(self) -> Account | None:
        # An account that was deleted is null in both APIs; only the web pages call it ghost.
        return None if self.entry.author == "ghost" else Account(self.entry.author)

    @property
    def timeline(self) -> list["Event"]:
        """What people did with it, the oldest event first; labels that the entry does not date are as old as it is."""
        at, dated = self.entry.created_at, self.entry.labelled_at
        known = {label.casefold(): moment for label, moment in dated.items()}
        said = {event.label.casefold() for event in self.more_events if event.by}  # these are complete
        labels = [label for label in self.entry.labels if label.casefold() not in said]
        found = [Event("LabeledEvent", known.get(label.casefold(), at), label) for label in labels]
        gone = sorted(label for label in dated if label.casefold() not in folded(self.entry.labels))
        found += [Event("LabeledEvent", dated[label], label) for label in gone]
        if self.entry.reopened_at:
            found.append(Event("ReopenedEvent", self.entry.reopened_at))
        return sorted([*found, *self.more_events], key=lambda event: event.at)


@dataclass(frozen=True)
class Commit:
    repository: Repository
    oid: str
    files: Mapping[str, File]


@dataclass(frozen=True)
class Checks:
    """What was checked of one commit, as the base repository sees it."""

    suites: tuple[CheckSuite, ...] = ()  # the newest last
    statuses: Mapping[str, Status] = field(default_factory=dict)  # by context


@dataclass(frozen=True)
class World:
    """Everything there is, by the names under which it is asked for."""

    repositories: Mapping[str, Repository]  # by folded name: GitHub's names ignore case
    old_names: Mapping[str, Repository]
    pull_requests: Mapping[int, Mapping[int, PullRequest]]  # by the repository's id, then by number, in order
    commits: Mapping[tuple[int, str], Commit]  # a fork's commits are seen through the base repository too
    nodes: Mapping[str, Repository | PullRequest]
    deleted_labels: frozenset[tuple[int, str]]  # by the repository's id and folded name
    new_labels: Mapping[tuple[int, str], int]
    owners: Mapping[str, Owner]  # by folded name
    checks: Mapping[tuple[int, str], Checks]  # by the repository's id and the commit

    def repository(self, full_name: str, *, follow_renames: bool) -> Repository | None:
        found = self.repositories.get(full_name.casefold())
        return found or (self.old_names.get(full_name.casefold()) if follow_renames else None)

    def pulls(self, repository: Repository) -> Mapping[int, PullRequest]:
        return self.pull_requests.get(repository.database_id, {})

    def commit(self, repository: Repository, oid: str) -> Commit | None:
        return self.commits.get((repository.database_id, oid))


def build(organisation: Organisation, changes: Changes) -> World:
    """Work out the world; an organisation that GitHub could not hold is an error of the test."""
    builder = _Builder(changes)
    for name, content in organisation.repositories.items():
        builder.add_repository(name, content)
    return World(
        builder.repositories,
        builder.old_names,
        builder.pull_requests,
        builder.commits,
        builder.nodes,
        frozenset(builder.deleted_labels),
        builder.new_labels,
        {
            repository.owner.casefold(): Owner(repository.owner, repository.owner in changes.people)
            for repository in builder.repositories.values()
        },
        builder.checks,
    )


class _Builder:
    def __init__(self, changes: Changes) -> None:
        self.changes = changes
        self.repositories: dict[str, Repository] = {}
        self.old_names: dict[str, Repository] = {}
        self.pull_requests: dict[int, dict[int, PullRequest]] = {}
        self.commits: dict[tuple[int, str], Commit] = {}
        self.nodes: dict[str, Repository | PullRequest] = {}
        self.deleted_labels: set[tuple[int, str]] = set()
        self.new_labels: dict[tuple[int, str], int] = {}
        self.checks: dict[tuple[int, str], Checks] = {}

    def add_repository(self, name: str, content: RepositoryEntry) -> None:
        if name in self.changes.deleted:
            return
        # A repository keeps its identity when it is renamed, and loses it when it is made again.
        made_again = self.changes.recreated.get(name, 0)
        identity = f"{name}#{made_again}" if made_again else name
        full_name = self.changes.renamed.get(name, name)
        repository = Repository(
            database_id(identity),
            node_id("R", identity),
            full_name,
            content.default_branch,
            visibility=content.visibility,
            archived_at=self.changes.archived.get(name),
        )
        self.register(repository)
        if full_name != name:
            self.old_names[name.casefold()] = repository
        pulls = self.pull_requests[repository.database_id] = {}
        deleted = self.add_labels(name, repository)
        for entry in sorted(content.pull_requests, key=lambda entry: entry.number):
            if (name, entry.number) in self.changes.hidden:
                continue
            if not deleted.isdisjoint(folded(entry.labels)):  # which leaves the time of the last change as it was
                kept = tuple(label for label in entry.labels if label.casefold() not in deleted)
                entry = entry.model_copy(update={"labels": kept})  # noqa: PLW2901
            more = self.changes.events.get((name, entry.number), ())
            pulls[entry.number] = self.pull_request(repository, f"{identity}/pull/{entry.number}", entry, more)
        for (holder, oid, path), file in self.changes.files.items():
            if holder == name:
                self.add_file(repository, oid, path, file)
        for oid in {oid for pull in pulls.values() for oid in pull.entry.commits} - self.changes.unknown_commits:
            self.commits.setdefault((repository.database_id, oid), Commit(repository, oid, {}))
        self.add_checks(name, repository, content)

    def add_labels(self, name: str, repository: Repository) -> frozenset[str]:
        """Add what became of labels; return those that are deleted, folded."""
        deleted = folded(label for holder, label in self.changes.deleted_labels if holder == name)
        self.deleted_labels |= {(repository.database_id, label) for label in deleted}
        for (holder, label), times in self.changes.new_labels.items():
            if holder == name:
                self.new_labels[repository.database_id, label.casefold()] = times
        return deleted

    def add_checks(self, name: str, repository: Repository, content: RepositoryEntry) -> None:
        """Add the checks of the organisation file, which have succeeded, then those of the test."""
        found: dict[str, tuple[CheckSuite, ...]] = {}
        for entry in content.pull_requests:
            for check, oids in entry.succeeded.items():
                for oid in oids:
                    found[oid] = with_run(found.get(oid, ()), 0, check, "SUCCESS", ACTIONS, again=False)
        for (holder, oid), suites in self.changes.suites.items():
            if holder == name:
                found[oid] = (*found.get(oid, ()), *suites)
        of_commit = {oid: each for (holder, oid), each in self.changes.statuses.items() if holder == name}
        for oid in found.keys() | of_commit.keys():
            self.checks[repository.database_id, oid] = Checks(found.get(oid, ()), of_commit.get(oid, {}))

    def register(self, repository: Repository) -> None:
        name = repository.full_name.casefold()
        if self.repositories.setdefault(name, repository) != repository:
            raise ValueError(f"{repository.full_name} stands for two different repositories")
        self.nodes[repository.node_id] = repository

    def pull_request(
        self, repository: Repository, identity: str, entry: PullRequestEntry, events: tuple[Event, ...]
    ) -> PullRequest:
        head: Repository | None = repository
        if entry.fork in self.changes.deleted_forks:
            head = None
        elif entry.fork:
            head = Repository(database_id(entry.fork), node_id("R", entry.fork), entry.fork, is_fork=True)
            self.register(head)
        files = {} if entry.config is None else {CONFIG_PATH: _blob(entry.config)}
        for holder in {repository, head or repository}:
            self.add_commit(Commit(holder, entry.head_sha, files))
        pull = PullRequest(database_id(identity), node_id("PR", identity), repository, head, entry, events)
        self.nodes[pull.node_id] = pull
        return pull

    def add_commit(self, commit: Commit) -> None:
        if commit.oid in self.changes.unknown_commits:
            return
        if self.commits.setdefault((commit.repository.database_id, commit.oid), commit) != commit:
            raise ValueError(f"the commit {commit.oid} cannot have two contents")

    def add_file(self, repository: Repository, oid: str, path: str, file: File) -> None:
        if oid in self.changes.unknown_commits:
            return
        before = self.commits.get((repository.database_id, oid), Commit(repository, oid, {}))
        files = {**before.files, path: file}
        self.commits[repository.database_id, oid] = Commit(repository, oid, files)
        for pull in self.pull_requests[repository.database_id].values():
            if pull.entry.head_sha == oid and pull.head_repository is not None:
                key = pull.head_repository.database_id, oid
                self.commits[key] = Commit(pull.head_repository, oid, files)


def folded(names: Iterable[str]) -> frozenset[str]:
    """Return names in the form in which GitHub compares them."""
    return frozenset(name.casefold() for name in names)


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
