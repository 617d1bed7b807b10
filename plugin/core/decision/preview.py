"""A preview as it was decided."""

from dataclasses import dataclass

from plugin.core.config.catalog import Service
from plugin.core.config.references import Locator
from plugin.core.decision.links import Dependency
from plugin.core.decision.verdicts import Verdict
from plugin.core.facts.model import PullRequest, Repository


@dataclass(frozen=True, slots=True)
class Preview:
    """The environment of one service for one pull request, live or not."""

    service: Service
    repository: Repository
    pull_request: PullRequest
    verdict: Verdict
    name: str
    host: str
    dataset: str
    dependencies: tuple[Dependency, ...]
    config_error: str
    warnings: tuple[str, ...]

    @property
    def url(self) -> str:
        """The public URL."""
        return f"https://{self.host}"

    @property
    def deploy_sha(self) -> str:
        """The commit that runs, or would run."""
        return self.verdict.deploy_sha or self.pull_request.head_sha

    @property
    def key(self) -> str:
        """The preview's identity, as in `/api/v1/previews/<service>/<number>`."""
        return f"{self.service.name}/{self.pull_request.number}"

    @property
    def locator(self) -> str:
        """The pull request, as people write it."""
        return str(Locator(self.repository.name, self.pull_request.number))

    @property
    def origin(self) -> str:
        """Where its code comes from, as in the filter `origin`."""
        return "fork" if self.pull_request.fork else "same-repository"

    @property
    def remembered(self) -> "LivePreview":
        """What is remembered, to notice later that it left."""
        return LivePreview(
            service=self.service.name,
            number=self.pull_request.number,
            name=self.name,
            profile=self.service.profile,
            fork=self.pull_request.fork,
        )


@dataclass(frozen=True, slots=True)
class LivePreview:
    """What is remembered of a live preview: what filters look at, and the name by which Argo CD knows it."""

    service: str
    number: int
    name: str  # of the Application and its namespace: a different name is a different environment
    profile: str
    fork: bool

    @property
    def key(self) -> str:
        """The preview's identity, as in `/api/v1/previews/<service>/<number>`."""
        return f"{self.service}/{self.number}"
