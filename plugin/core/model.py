"""What is known: repositories and pull requests as a source read them, frozen.

A repository is in a snapshot only as it was when it was last read without any doubt; what happened since is in
`Snapshot.doubts`. Nothing in here is a decision.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


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


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository after a complete reading."""

    name: str  # as the catalog spells it
    url: str
    default_branch: str
    labels: frozenset[str]  # what was asked for; empty means every open pull request
    pull_requests: tuple[PullRequest, ...]  # each with at least one of `labels`, in the order of their numbers
    looked_up: Mapping[int, Elsewhere] = field(default_factory=dict)  # link targets that are not listed
    read_at: datetime | None = field(default=None, compare=False)  # when, as opposed to what

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

    @property
    def oldest_reading(self) -> datetime | None:
        """The moment of the oldest reading that is still in use."""
        return min(
            (repository.read_at for repository in self.repositories.values() if repository.read_at),
            default=None,
        )
