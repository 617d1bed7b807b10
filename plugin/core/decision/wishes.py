"""Wishes: what the pull requests of one repository ask for, read again only when they change."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from plugin.core.config.catalog import Catalog
from plugin.core.config.description import NOTHING, Description, Link, read_description
from plugin.core.config.names import folded
from plugin.core.config.references import Locator, PullRequestReference
from plugin.core.decision.judge import asks
from plugin.core.facts.last_good import ConfigInForce, config_in_force
from plugin.core.facts.model import PullRequest, Repository, Snapshot


@dataclass(frozen=True, slots=True)
class Wish:
    """What one pull request asks for."""

    config: ConfigInForce
    description: Description
    depends_on: Mapping[str, Link]  # by repository, folded: the first line that names it


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


def wanted_look_ups(wishes: Mapping[str, Wishes], snapshot: Snapshot) -> frozenset[Locator]:
    """Return the link targets that no listing contains; once looked up, the reason can say what became of them."""
    wanted = frozenset().union(*(each.links for each in wishes.values() if each.links))
    listed = {
        name: repository.numbers
        for name in {locator.repository for locator in wanted}
        if (repository := snapshot.repositories.get(name))
    }
    return frozenset(
        locator
        for locator in wanted
        if locator.repository in listed and locator.number not in listed[locator.repository]
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
    named: dict[str, Link] = {}
    for link in description.links:
        named.setdefault(folded(link.locator.repository), link)
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
            if link := wish.depends_on.get(folded(dependency.repository)):
                yield Locator(dependency.repository, link.locator.number)
