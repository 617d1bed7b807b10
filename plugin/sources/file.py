"""Source file: an organisation described in one YAML file, for the demo, for tests and for trying a catalog offline."""

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

LONG_AGO = datetime(2026, 11, 1, 9, tzinfo=UTC)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PullRequestEntry(_Entry):
    """One pull request as the file describes it; `config` is the text of its `.preview.yaml`."""

    number: int = Field(ge=1)
    title: str = ""
    branch: str
    target_branch: str = "main"
    head_sha: str = Field(pattern=r"^[0-9a-f]{40}$")
    author: str = "ghost"
    labels: tuple[str, ...] = ()
    draft: bool = False
    fork: str = ""  # the fork's name, for example mallory/orders
    state: Literal["open", "closed", "merged"] = "open"
    updated_at: datetime = LONG_AGO
    body: str = ""
    config: str | None = None


class RepositoryEntry(_Entry):
    """One repository as the file describes it."""

    default_branch: str = "main"
    pull_requests: tuple[PullRequestEntry, ...] = ()


class Organisation(_Entry):
    """The whole file: repositories by name (`acme/orders`)."""

    repositories: dict[str, RepositoryEntry]
