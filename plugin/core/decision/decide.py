"""The decision: every preview that a snapshot gives rise to. Pure, so it can be tried with anything.

What follows from one repository depends on that repository and on those that its services call, and on nothing else.
So a decision that was made before is good for every repository where none of these is another one now.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from plugin.core.config.catalog import Catalog, Service
from plugin.core.config.names import preview_name, public_host
from plugin.core.config.references import Locator
from plugin.core.decision.dependencies import Resolver, wanted_numbers
from plugin.core.decision.parameters import parameters
from plugin.core.decision.preview import EmittedPreview, Preview
from plugin.core.decision.targets import Targets
from plugin.core.decision.verdicts import Verdict, verdict
from plugin.core.facts.last_good import config_in_force
from plugin.core.facts.model import PullRequest, Repository, Snapshot


@dataclass(frozen=True, eq=False)
class Decided:
    """One preview, with what an answer needs of it."""

    preview: Preview
    catalog: Catalog

    @cached_property
    def parameters(self) -> bytes:
        """The parameters as JSON."""
        return json.dumps(parameters(self.preview, self.catalog), separators=(",", ":")).encode()

    @cached_property
    def emitted(self) -> EmittedPreview:
        """What is remembered of it."""
        preview = self.preview
        return EmittedPreview(preview.service.name, preview.repository.name, preview.pull_request.number)


@dataclass(frozen=True, eq=False)
class Part:
    """What follows from one repository."""

    made_from: tuple[Repository, ...]  # it, and those that its services call
    previews: tuple[Decided, ...]
    links: frozenset[Locator]  # every pull request that is named by its number

    def holds_for(self, repositories: tuple[Repository, ...]) -> bool:
        """Tell whether it would be decided like this again."""
        return all(one is other for one, other in zip(self.made_from, repositories, strict=True))


@dataclass(frozen=True, eq=False)
class Decision:
    """What follows from a snapshot, by the catalog that was in force."""

    catalog: Catalog
    parts: Mapping[str, Part]  # by repository

    @cached_property
    def decided(self) -> tuple[Decided, ...]:
        """Every preview, live or not, in the order of service and number."""
        everything = (decided for part in self.parts.values() for decided in part.previews)
        return tuple(sorted(everything, key=lambda each: (each.preview.service.name, each.preview.pull_request.number)))

    @cached_property
    def live(self) -> Mapping[str, Decided]:
        """The live previews by their key, in the same order."""
        return {each.preview.key: each for each in self.decided if each.preview.verdict.live}

    @cached_property
    def previews(self) -> tuple[Preview, ...]:
        """As `decided`, without what an answer needs."""
        return tuple(each.preview for each in self.decided)


def decide(catalog: Catalog, snapshot: Snapshot, before: Decision | None = None) -> Decision:
    """Decide on every pull request that asks for a preview; use what was decided before where it still holds.

    Every repository of the catalog must be in the snapshot.
    """
    targets = Targets(snapshot)
    parts = before.parts if before and before.catalog is catalog else {}
    return Decision(catalog, {name: _part(catalog, targets, name, parts.get(name)) for name in catalog.repositories})


def wanted_lookups(catalog: Catalog, snapshot: Snapshot, before: Decision | None = None) -> frozenset[Locator]:
    """Find the link targets that no listing of the snapshot holds, so that the reason can say what became of them."""
    parts = before.parts if before and before.catalog is catalog else {}
    wanted: set[Locator] = set()
    known = snapshot.repositories
    for name in catalog.repositories:
        if repository := known.get(name):  # one that was never read waits alone
            part = parts.get(name)
            wanted |= part.links if part and part.made_from[0] is repository else _links(catalog, repository)
    listed = {name: known[name].numbers for name in {locator.repository for locator in wanted} if name in known}
    return frozenset(
        locator for locator in wanted if locator.number not in listed.get(locator.repository, {locator.number})
    )


def _part(catalog: Catalog, targets: Targets, name: str, before: Part | None) -> Part:
    repositories = tuple(targets.snapshot.repositories[each] for each in (name, *_called(catalog, name)))
    if before and before.holds_for(repositories):
        return before
    repository = repositories[0]
    return Part(repositories, tuple(_decided(catalog, targets, repository)), _links(catalog, repository))


def _called(catalog: Catalog, name: str) -> list[str]:
    return sorted(
        {
            catalog.services[call.service].repository
            for service in catalog.repositories[name]
            for call in service.dependencies
        }
    )


def _decided(catalog: Catalog, targets: Targets, repository: Repository) -> Iterator[Decided]:
    services = catalog.repositories[repository.name]
    for pull_request in repository.pull_requests:
        config = config_in_force(pull_request, repository.name, catalog)
        resolver = Resolver(catalog, targets, pull_request)
        warnings = resolver.warnings(services)
        for service, its_verdict in _judge(services, pull_request):
            wishes = config.of(service.name)
            preview = Preview(
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
            yield Decided(preview, catalog)


def _links(catalog: Catalog, repository: Repository) -> frozenset[Locator]:
    services = catalog.repositories[repository.name]
    links: set[Locator] = set()
    for pull_request in repository.pull_requests:
        config = config_in_force(pull_request, repository.name, catalog)
        for service, _ in _judge(services, pull_request):
            links.update(wanted_numbers(catalog, pull_request, service, config.of(service.name)))
    return frozenset(links)


def _judge(services: tuple[Service, ...], pull_request: PullRequest) -> list[tuple[Service, Verdict]]:
    judged = ((service, verdict(service, pull_request)) for service in services)
    return [(service, its_verdict) for service, its_verdict in judged if its_verdict is not None]
