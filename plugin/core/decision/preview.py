"""A preview as it was decided."""

from dataclasses import dataclass

from plugin.core.config.catalog import Service
from plugin.core.config.references import Locator
from plugin.core.decision.dependencies import Dependency
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
    def key(self) -> str:
        """The preview's identity, as in `/api/v1/previews/<service>/<number>`."""
        return f"{self.service.name}/{self.pull_request.number}"

    @property
    def locator(self) -> str:
        """The pull request, as people write it."""
        return str(Locator(self.repository.name, self.pull_request.number))


@dataclass(frozen=True, slots=True)
class EmittedPreview:
    """As much of an emitted preview as is needed to say later why it left."""

    service: str
    repository: str
    number: int

    @property
    def key(self) -> str:
        """The preview's identity, as in `/api/v1/previews/<service>/<number>`."""
        return f"{self.service}/{self.number}"
