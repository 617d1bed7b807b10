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
from plugin.core.facts.model import PullRequest, Repository


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
    links: frozenset[Locator]  # every pull request that they name by its number


@dataclass(frozen=True, eq=False, slots=True)
class AllWishes:
    """The wishes of every repository that was read, with one catalog."""

    catalog: Catalog
    repositories: Mapping[str, Repository]  # the ones that were read
    by_repository: Mapping[str, Wishes]
    unlisted: Mapping[str, frozenset[Locator]]  # by repository, without empty ones: links to what no listing contains

    @property
    def wanted(self) -> frozenset[Locator]:
        """The link targets that no listing contains. They are looked up so that reasons can say what became of them."""
        return frozenset(locator for each in self.unlisted.values() for locator in each)


def read_wishes(catalog: Catalog, repositories: Mapping[str, Repository], before: AllWishes | None) -> AllWishes:
    """Read the wishes of every repository of the catalog that is in `repositories`.

    `before` holds older wishes, which are reused if they were read with the same catalog from pull requests that have
    not changed.
    """
    own = {name: repositories[name] for name in catalog.repositories if name in repositories}
    if before is None or before.catalog is not catalog:
        before = AllWishes(catalog, {}, {}, {})
    again = [name for name, repository in own.items() if before.repositories.get(name) is not repository]
    gone = before.repositories.keys() - own.keys() if len(before.repositories) + len(again) > len(own) else set()
    by_repository = {**before.by_repository} | {
        name: _unless_unchanged(before.by_repository.get(name), catalog, own[name]) for name in again
    }
    for name in gone:
        del by_repository[name]
    moved = {name for name in again if by_repository[name] is not before.by_repository.get(name)} | gone
    unlisted = dict(before.unlisted)
    for name in moved.union(*(catalog.callers_of(each) for each in moved)):
        links = by_repository[name].links if name in by_repository else ()
        unlisted.pop(name, None)
        if found := frozenset(link for link in links if _is_unlisted(link, by_repository)):
            unlisted[name] = found
    return AllWishes(catalog, own, by_repository, unlisted)


def _unless_unchanged(known: Wishes | None, catalog: Catalog, repository: Repository) -> Wishes:
    if known and known.pull_requests is repository.pull_requests:
        return known
    before = {pull_request.number: pull_request for pull_request in known.pull_requests} if known else {}
    return _read(
        catalog,
        repository,
        {
            now.number: known.by_number[now.number]
            for now in repository.pull_requests
            if known and (old := before.get(now.number)) and _asks_for_the_same(old, now)
        },
    )


def _asks_for_the_same(old: PullRequest, now: PullRequest) -> bool:
    return (old.config, old.last_good_config, old.body, old.author, old.fork) == (
        now.config,
        now.last_good_config,
        now.body,
        now.author,
        now.fork,
    )


def _is_unlisted(link: Locator, by_repository: Mapping[str, Wishes]) -> bool:
    target = by_repository.get(link.repository)
    return target is not None and link.number not in target.by_number


def _read(catalog: Catalog, repository: Repository, known: Mapping[int, Wish]) -> Wishes:
    by_number = {
        pull_request.number: known.get(pull_request.number) or _wish(catalog, repository, pull_request)
        for pull_request in repository.pull_requests
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
    """Find the pull requests that a pull request names by number, as far as they decide where its calls go."""
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
