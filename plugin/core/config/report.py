"""Reports as the catalog plans them: where developers are told about their previews. Without a plan, nowhere."""

from dataclasses import dataclass
from enum import StrEnum


class CommentPolicy(StrEnum):
    """When a pull request gets a comment."""

    AUTO = "auto"  # if there is something that a deployment cannot say
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Jira:
    """A Jira whose issues get links to previews."""

    url: str
    projects: tuple[str, ...]  # only issues of these


@dataclass(frozen=True, slots=True)
class Report:
    """Where reports are written."""

    deployments: bool = False  # GitHub Deployments
    status: bool = False  # commit statuses
    comment: CommentPolicy = CommentPolicy.NEVER
    jira: Jira | None = None


NO_REPORT = Report()
