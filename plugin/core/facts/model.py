"""What is known: repositories and pull requests as a source read them, frozen.

A repository is in a snapshot only as it was when it was last read without any doubt; what happened since is in
`Snapshot.doubts`. Nothing in here is a decision.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

# GitHub's times have whole seconds and its answers can lag: what is younger than this may have changed again within its
# second, or may be shown by one part of GitHub and not by another.
SETTLED = timedelta(seconds=20)

# The pull requests that changed last: numbers, and times (ISO 8601) as the source writes them.
Newest = tuple[tuple[int, str], ...]


class PullRequestState(StrEnum):
    """What a pull request is to its source."""

    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"
    MISSING = "missing"  # the source says that there is no such pull request


@dataclass(frozen=True, slots=True)
class LookUp:
    """What a source says of one pull request that it was asked for by number."""

    state: PullRequestState
    answered_at: datetime  # by the source's clock
    updated_at: datetime | None = None  # None where it is missing
    draft: bool = False
    labels: frozenset[str] = frozenset()
    all_labels: bool = True  # False: it has more labels than these


class Elsewhere(StrEnum):
    """Where a linked pull request is that is not listed among the labelled ones."""

    MERGED = "merged"
    CLOSED = "closed"
    UNLABELLED = "unlabelled"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """`.preview.yaml` at a head commit: its text, or the problem that kept it from being text."""

    text: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class PullRequest:
    """An open pull request. Title, branches, labels, author and body are whatever people wrote."""

    number: int
    title: str
    author: str  # as REST spells it: dependabot[bot]; ghost for a deleted account
    branch: str
    target_branch: str
    head_sha: str  # 40 hexadecimal digits
    draft: bool
    fork: bool  # also where the fork is gone
    labels: tuple[str, ...]
    updated_at: datetime
    body: str
    config: ConfigFile | None  # None: there is no file. A fork's file is not read
    last_good_config: str | None = None  # the newest text of this pull request's file that was right
    head_seen_at: datetime | None = field(default=None, compare=False)  # when this head was first seen here
    settled: bool = field(default=True, compare=False)  # False: the description may have changed within its second


@dataclass(frozen=True, slots=True)
class Identity:
    """A repository, whatever it is called: names can be given to another one."""

    database_id: int
    node_id: str


@dataclass(frozen=True, slots=True)
class Mark:
    """What a listing looked like from outside. A later probe that finds the same means: nothing has changed."""

    newest: Newest
    label_ids: tuple[str, ...]  # of the labels that were asked for, in the order of their names; "" for a missing one
    settled: bool  # False: something changed so shortly before the listing that it may have been missed


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a pull request that is listed no more still counts."""

    reason: str
    first_missing_at: datetime | None = field(default=None, compare=False)  # by the source's clock
    times_missing: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What became of a link's target that is not listed, as of when its repository looked like `newest`."""

    elsewhere: Elsewhere
    newest: Newest = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository after a complete reading."""

    name: str  # as the catalog spells it
    url: str
    default_branch: str
    labels: frozenset[str]  # what was asked for; empty means every open pull request
    pull_requests: tuple[PullRequest, ...]  # each with at least one of `labels`, or held; in the order of their numbers
    looked_up: Mapping[int, LookedUp] = field(default_factory=dict)  # link targets that are not listed
    held: Mapping[int, Hold] = field(default_factory=dict)  # those of `pull_requests` that were not listed last time
    # those that were dropped a moment ago, and their `updated_at` by then: an older answer about one tells nothing
    dropped: Mapping[int, datetime] = field(default_factory=dict, compare=False)
    identity: Identity | None = None  # None where a source's names are never given to another one
    mark: Mark | None = field(default=None, compare=False)  # None: it must be listed to know whether it changed
    listed_at: datetime | None = field(default=None, compare=False)

    @property
    def numbers(self) -> frozenset[int]:
        """The numbers of the listed pull requests."""
        return frozenset(pull_request.number for pull_request in self.pull_requests)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything known about all repositories at one moment."""

    repositories: Mapping[str, Repository]
    # repository: why its last reading did not count. It changes no decision, so it makes no snapshot another one.
    doubts: Mapping[str, str] = field(default_factory=dict, compare=False)
    # repository: when it was last known to be like this
    read_at: Mapping[str, datetime] = field(default_factory=dict, compare=False)

    @property
    def oldest_reading(self) -> datetime | None:
        """The moment of the oldest reading that is still in use."""
        return min(self.read_at.values(), default=None)
