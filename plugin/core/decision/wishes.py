"""Wishes: what the pull requests of one repository ask for, read again only when they change."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from plugin.core.config.catalog import Catalog
from plugin.core.config.description import NOTHING, Description, read_description
from plugin.core.config.messages import one_line
from plugin.core.config.names import folded
from plugin.core.config.references import Locator, PullRequestReference
from plugin.core.decision.judge import asks
from plugin.core.facts.last_good import ConfigInForce, config_in_force
from plugin.core.facts.model import PullRequest, Repository, Snapshot


@dataclass(frozen=True, slots=True)
class DependsOn:
    """The first `Depends-On:` line that names a repository."""

    text: str  # the line as it was written, bounded
    number: int


@dataclass(frozen=True, slots=True)
class Wish:
    """What one pull request asks for."""

    config: ConfigInForce
    description: Description
    depends_on: Mapping[str, DependsOn]  # by repository, folded: the first line that names it


@dataclass(frozen=True, eq=False, slots=True)
class Wishes:
    """What the pull requests of one repository ask for."""

    pull_requests: tuple[PullRequest, ...]  # the ones that were read
    by_number: Mapping[int, Wish]
    links: frozenset[Locator]  # every pull request that is named by its number


NO_WISH = Wish(ConfigInForce({}, ""), NOTHING, {})


def read_wishes(catalog: Catalog, snapshot: Snapshot, before: Mapping[str, Wishes]) -> Mapping[str, Wishes]:
    """Return the wishes by repository, for every repository of the catalog that is in the snapshot.

    `before` holds wishes read with the same catalog; they are used again where pull requests have not changed.
    """
    return {
        name: known
        if (known := before.get(name)) and known.pull_requests is repository.pull_requests
        else _read(catalog, repository)
        for name in catalog.repositories
        if (repository := snapshot.repositories.get(name))
    }


def wanted_look_ups(wishes: Mapping[str, Wishes]) -> frozenset[Locator]:
    """Return the link targets that no listing contains; once looked up, the reason can say what became of them."""
    return frozenset(
        link
        for each in wishes.values()
        for link in each.links
        if link.repository in wishes and link.number not in wishes[link.repository].by_number
    )


def _read(catalog: Catalog, repository: Repository) -> Wishes:
    by_number = {
        pull_request.number: _wish(catalog, repository, pull_request) for pull_request in repository.pull_requests
    }
    links = frozenset(
        link
        for pull_request in repository.pull_requests
        if not pull_request.fork
        for link in _links(catalog, repository.name, pull_request, by_number[pull_request.number])
    )
    return Wishes(repository.pull_requests, by_number, links)


def _wish(catalog: Catalog, repository: Repository, pull_request: PullRequest) -> Wish:
    config = config_in_force(pull_request, repository.name, catalog)
    if pull_request.fork:  # its description counts for nothing, so it is not even parsed
        return Wish(config, NOTHING, {})
    description = read_description(pull_request.body, pull_request.author)
    named: dict[str, DependsOn] = {}
    for link in description.links:
        if (repository_named := folded(link.locator.repository)) not in named:
            named[repository_named] = DependsOn(one_line(f"Depends-On: {link.text}"), link.locator.number)
    return Wish(config, description, named)


def _links(catalog: Catalog, repository: str, pull_request: PullRequest, wish: Wish) -> Iterator[Locator]:
    """Find the pull requests that one names by number, as far as they decide where its calls go."""
    for service in catalog.repositories[repository]:
        if not asks(service, pull_request):
            continue
        wishes = wish.config.of(service.name).dependencies
        for dependency in (catalog.services[call.service] for call in service.dependencies):
            reference = wishes.get(dependency.name)
            if isinstance(reference, PullRequestReference):
                yield Locator(dependency.repository, reference.number)
            if line := wish.depends_on.get(folded(dependency.repository)):
                yield Locator(dependency.repository, line.number)
