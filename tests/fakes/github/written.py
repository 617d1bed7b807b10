"""What was written on GitHub: deployments, statuses, comments and reactions. Tests read it and add to it."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count


@dataclass
class Note:
    """One status of a deployment or of a commit."""

    id: int
    at: datetime
    login: str
    state: str
    description: str = ""
    url: str = ""  # of a deployment the environment_url, of a commit the target_url
    log_url: str = ""
    context: str = ""  # of a commit's status


@dataclass
class Deployment:
    id: int
    at: datetime
    login: str
    repository: str
    sha: str
    task: str
    environment: str
    description: str
    payload: object
    transient: bool
    notes: list[Note] = field(default_factory=list)

    @property
    def state(self) -> str:
        return self.notes[-1].state if self.notes else ""


@dataclass
class Comment:
    id: int
    at: datetime
    login: str
    repository: str
    number: int
    body: str
    versions: list[str] = field(default_factory=list)  # what its history shows to everybody
    edited_at: list[datetime] = field(default_factory=list)


@dataclass
class Reaction:
    id: int
    at: datetime
    login: str
    comment: int  # the id of the comment
    content: str


@dataclass
class Written:
    """Everything, the oldest first."""

    deployments: list[Deployment] = field(default_factory=list)
    statuses: dict[tuple[str, str], list[Note]] = field(default_factory=dict)  # by repository and commit
    comments: list[Comment] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    locked: set[tuple[str, int]] = field(default_factory=set)  # conversations
    lag: timedelta = timedelta(0)  # how old something must be before a list shows it
    numbers: Iterator[int] = field(default_factory=lambda: count(1001))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def comment(self, repository: str, number: int, body: str, login: str, at: datetime) -> Comment:
        """Write a comment as somebody else."""
        comment = Comment(next(self.numbers), at, login, repository, number, body, [body])
        self.comments.append(comment)
        return comment

    def rename(self, repository: str, new: str) -> None:
        """Let everything that was written in a repository stand under its new name."""
        found: list[Deployment | Comment] = [*self.deployments, *self.comments]
        for each in found:
            each.repository = new if each.repository == repository else each.repository
        self.statuses = {(new if name == repository else name, sha): it for (name, sha), it in self.statuses.items()}

    def status(self, repository: str, sha: str, context: str) -> Note | None:
        """The status that counts."""
        return next(
            (note for note in reversed(self.statuses.get((repository, sha), [])) if note.context == context), None
        )

    def open(self, task: str = "") -> list[Deployment]:
        """Deployments that are not over."""
        over = {"inactive", "failure", "error"}
        return [each for each in self.deployments if each.task.startswith(task) and each.state not in over]

    def reactions_to(self, comment: Comment) -> list[str]:
        return [each.content for each in self.reactions if each.comment == comment.id]

    def of(self, repository: str, number: int) -> list[Comment]:
        return [each for each in self.comments if (each.repository, each.number) == (repository, number)]
