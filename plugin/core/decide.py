"""The decision: every preview that a snapshot gives rise to. Pure, so it can be tried with anything."""

from collections.abc import Iterator
from dataclasses import dataclass

from plugin.core.catalog import Catalog, Service
from plugin.core.dependencies import Dependency, Resolver, wanted_numbers
from plugin.core.last_good import config_in_force
from plugin.core.model import PullRequest, Repository, Snapshot
from plugin.core.names import preview_name, public_host
from plugin.core.references import Locator
from plugin.core.targets import index_targets
from plugin.core.verdicts import Verdict, verdict


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


def decide(catalog: Catalog, snapshot: Snapshot) -> tuple[Preview, ...]:
    """Decide on every pull request that asks for a preview, in the order of service and number.

    Every repository of the catalog must be in the snapshot.
    """
    targets = index_targets(catalog, snapshot)
    previews = []
    for name, services in catalog.repositories.items():
        repository = snapshot.repositories[name]
        for pull_request in repository.pull_requests:
            judged = _judge(services, pull_request)
            config = config_in_force(pull_request, name, catalog)
            resolver = Resolver(catalog, targets, pull_request)
            warnings = resolver.warnings(services)
            for service, its_verdict in judged:
                wishes = config.of(service.name)
                previews.append(
                    Preview(
                        service=service,
                        repository=repository,
                        pull_request=pull_request,
                        verdict=its_verdict,
                        name=preview_name(catalog.prefix, service.name, pull_request.number, fork=pull_request.fork),
                        host=public_host(service.name, pull_request.number, catalog.domain),
                        dataset=(wishes.dataset or "default") if service.seed else "",
                        dependencies=resolver.resolve(service, wishes),
                        config_error=config.error,
                        warnings=warnings,
                    )
                )
    return tuple(sorted(previews, key=lambda preview: (preview.service.name, preview.pull_request.number)))


def wanted_lookups(catalog: Catalog, snapshot: Snapshot) -> frozenset[Locator]:
    """Find the link targets that no listing of the snapshot holds, so that the reason can say what became of them."""
    return frozenset(
        locator
        for locator in _all_wanted(catalog, snapshot)
        if locator.number not in snapshot.repositories[locator.repository].numbers
    )


def _all_wanted(catalog: Catalog, snapshot: Snapshot) -> Iterator[Locator]:
    for name, services in catalog.repositories.items():
        for pull_request in snapshot.repositories[name].pull_requests:
            config = config_in_force(pull_request, name, catalog)
            for service, _ in _judge(services, pull_request):
                yield from wanted_numbers(catalog, pull_request, service, config.of(service.name))


def _judge(services: tuple[Service, ...], pull_request: PullRequest) -> list[tuple[Service, Verdict]]:
    judged = ((service, verdict(service, pull_request)) for service in services)
    return [(service, its_verdict) for service, its_verdict in judged if its_verdict is not None]
