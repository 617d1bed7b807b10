"""What is known: repositories and pull requests as a source read them, frozen.

A snapshot has a repository as it was when it was last read without any doubt; what happened since is in
`Snapshot.doubts`. Nothing here is a decision.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from plugin.core.facts.heard import Heard


class PullRequestState(StrEnum):
    """The state of a pull request, as its source reports it."""

    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"
    MISSING = "missing"  # the source says that there is no such pull request


@dataclass(frozen=True, slots=True)
class LookUp:
    """What a source says about one pull request that was looked up by number. It always has all labels."""

    state: PullRequestState
    answered_at: datetime  # by the source's clock
    updated_at: datetime | None = None  # None where it is missing
    draft: bool = False
    labels: frozenset[str] = frozenset()
    target_branch: str = ""  # "" where it is missing
    head_sha: str = ""  # "" where it is missing
    settled: bool = False  # True: what changed at `updated_at` was old enough when this was answered


class Elsewhere(StrEnum):
    """What became of a pull request that is not among the listed ones."""

    MERGED = "merged"
    CLOSED = "closed"
    UNLABELLED = "unlabelled"
    MISSING = "missing"
    ARCHIVED = "archived"  # it is open, but its repository was archived long ago, so nobody can close it


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """`.preview.yaml` at a head commit: its text, or the problem that kept it from being text."""

    text: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Events:
    """When people did something with a pull request, by the source's clock: times that its author cannot forge."""

    created_at: datetime
    # By label, folded: when it was last added. Times stay once they were seen, because GitHub's timeline is cut.
    labelled_at: Mapping[str, datetime] = field(default_factory=dict)
    reopened_at: datetime | None = None  # the newest time it was reopened, or marked as ready for review


@dataclass(frozen=True, slots=True)
class PullRequest:
    """An open pull request. Title, branches, labels, author and body are whatever people wrote."""

    number: int
    title: str
    author: str  # a bot's name ends in [bot]; ghost for a deleted account
    branch: str
    target_branch: str
    head_sha: str  # 40 hexadecimal digits
    draft: bool
    fork: bool  # also if the fork was deleted
    labels: tuple[str, ...]
    updated_at: datetime
    body: str
    config: ConfigFile | None  # None: there is no file. A fork's file is not read
    last_good_config: str | None = None  # the newest valid text of this pull request's file
    events: Events | None = None  # None: they were never read
    # When this head was first seen here, by the source's clock. None: it was there when its repository was first read.
    head_seen_at: datetime | None = field(default=None, compare=False)
    # True: it was first seen while the clocks did not agree; until they do, `head_seen_at` is that of the head before.
    unstamped: bool = field(default=False, compare=False)
    settled: bool = field(default=True, compare=False)  # False: more than this may have happened until `updated_at`


@dataclass(frozen=True, slots=True)
class Mark:
    """What a listing looked like from outside. Only the source that made it reads the token."""

    token: str  # opaque; two equal tokens mean that nothing has changed
    changed_at: datetime | None  # the newest change that it shows; None: it shows none
    settled: bool  # False: something changed so shortly before the listing that the listing may have missed it


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a pull request counts as it was known before, whatever the last listing shows or leaves out."""

    reason: str  # a clause that includes `cause`: "it is no longer listed, and could not be looked up"
    first_missing_at: datetime | None = field(default=None, compare=False)  # by the source's clock
    times_missing: int = field(default=0, compare=False)
    cause: str = field(default="it is no longer listed", compare=False)


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What became of a link's target that is not listed, at the time when its repository's mark had this token."""

    elsewhere: Elsewhere
    token: str = field(default="", compare=False)  # "": the repository had no mark


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository after a complete reading."""

    name: str  # as the catalog spells it
    url: str
    default_branch: str
    labels: frozenset[str]  # what was asked for; empty means every open pull request
    pull_requests: tuple[PullRequest, ...]  # each with at least one of `labels`, or held; in the order of their numbers
    looked_up: Mapping[int, LookedUp] = field(default_factory=dict)  # link targets that are not listed
    # Those of `pull_requests` that count as they were known before. When a source returns it: the pull requests that it
    # found and could not read, which are not in `pull_requests`.
    held: Mapping[int, Hold] = field(default_factory=dict)
    # Pull requests that were dropped a moment ago, with their `updated_at` at that time: older answers are ignored.
    dropped: Mapping[int, datetime] = field(default_factory=dict, compare=False)
    identity: str = ""  # opaque; "" where a source's names are never given to another repository
    mark: Mark | None = field(default=None, compare=False)  # None: only a listing can show whether it changed
    listed_at: datetime | None = field(default=None, compare=False)
    archived_at: datetime | None = None  # by the source's clock; None: it is not archived
    missing_labels: frozenset[str] = frozenset()  # those of `labels` that do not exist in this repository
    public: bool | None = None  # whether anybody may read it; None: not known
    heard: Heard | None = field(default=None, compare=False)  # None: its comments were never read
    unheard: str = field(default="", compare=False)  # why its newest comments could not be read

    @property
    def numbers(self) -> frozenset[int]:
        """The numbers of its pull requests, held ones too."""
        return frozenset(pull_request.number for pull_request in self.pull_requests)

    @property
    def by_number(self) -> dict[int, PullRequest]:
        """Its pull requests by number, held ones too, in a new dict."""
        return {pull_request.number: pull_request for pull_request in self.pull_requests}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything known about all repositories at one moment."""

    repositories: Mapping[str, Repository]
    # repository: why its last reading did not count. It changes no decision, so snapshots are compared without it.
    doubts: Mapping[str, str] = field(default_factory=dict, compare=False)
    # repository: when it was last known to be like this
    read_at: Mapping[str, datetime] = field(default_factory=dict, compare=False)
    # repository: the source's time when it was last read while the clocks agreed
    counted_at: Mapping[str, datetime] = field(default_factory=dict, compare=False)
    # the source's time when our clock was last compared with it; None: they disagree, or it is not known
    compared_at: datetime | None = field(default=None, compare=False)

    @property
    def pull_requests(self) -> int:
        """How many pull requests there are."""
        return sum(len(repository.pull_requests) for repository in self.repositories.values())

    @property
    def oldest_reading(self) -> datetime | None:
        """The moment of the oldest reading that is still in use."""
        return min(self.read_at.values(), default=None)
