"""The catalog's key `report` as people write it."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictBool

from plugin.core.config.report import NO_REPORT, CommentPolicy, Jira, Report
from plugin.core.config.validation import FileModel
from plugin.core.config.values import Url

# https://support.atlassian.com/jira-cloud-administration/docs/edit-a-projects-details/
_PROJECT = re.compile(r"[A-Z][A-Z0-9_]{1,254}", re.ASCII)


def _project(text: str) -> str:
    if not _PROJECT.fullmatch(text):
        raise ValueError(f'"{text}" is not the key of a Jira project, for example PAY')
    return text


def _some(projects: tuple[str, ...]) -> tuple[str, ...]:
    if not projects:
        raise ValueError("must not be empty")
    return projects


def _secure(url: str) -> str:
    if not url.startswith("https://"):
        raise ValueError(f'"{url}" must begin with https://, because a token is sent there')
    return url.rstrip("/")


class JiraFile(FileModel):
    """Which issues get links to previews: those that a branch or a title names."""

    url: Annotated[Url, AfterValidator(_secure)] = Field(
        description="Jira's address, for example https://acme.atlassian.net"
    )
    projects: Annotated[tuple[Annotated[str, AfterValidator(_project)], ...], AfterValidator(_some)] = Field(
        description="Only issues of these projects get links"
    )


class ReportFile(FileModel):
    """Where developers are told about their previews. What is not named here is off."""

    deployments: StrictBool = Field(default=False, description="GitHub Deployments in the environment preview")
    status: StrictBool = Field(default=False, description="A commit status preview/<service> on the head")
    comment: Literal["auto", "always", "never"] = Field(
        "never",
        description="A comment on the pull request; auto: only if there is something that a deployment cannot say",
    )
    jira: JiraFile | None = Field(None, description="Links on Jira's issues")


def report_of(file: ReportFile | None) -> Report:
    """Return the plan that a file describes."""
    if file is None:
        return NO_REPORT
    jira = Jira(file.jira.url, file.jira.projects) if file.jira else None
    return Report(file.deployments, file.status, CommentPolicy(file.comment), jira)
