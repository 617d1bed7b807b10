"""Listings: all open, labelled pull requests of some repositories, every page of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from plugin.sources import Doubt, Wanted
from plugin.sources.github import queries
from plugin.sources.github.batches import ask_in_batches
from plugin.sources.github.client import GitHubClient, TooHeavy
from plugin.sources.github.nodes import Listed, Malformed, label_page, listed

UNKNOWN_SIZE = 20  # the first guess at how many pull requests a repository has
SPARE = 5  # room for new pull requests, so that a grown list rarely needs a second page
SMALLEST_PAGE, LARGEST_PAGE = 10, 100
PULL_REQUESTS_PER_REQUEST = 200  # about 20,000 nodes, which GitHub answers in a few seconds
MAX_PAGES = 200

Fingerprint = tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """One repository's open, labelled pull requests in the order of their numbers."""

    database_id: int
    url: str
    default_branch: str
    newest: Fingerprint  # changes whenever a pull request of the repository does
    pull_requests: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class _Page:
    wanted: Wanted
    first: int
    after: str | None = None
    number: int = 1


@dataclass(slots=True)
class Lister:
    """Lists repositories of one owner."""

    client: GitHubClient
    sizes: Mapping[str, int]  # repository: how many pull requests it had last time
    largest: dict[str, int]  # repository: its largest page, halved for good whenever one was too heavy
    done: dict[str, Listing | Doubt] = field(default_factory=dict)
    _found: dict[str, dict[int, Listed]] = field(default_factory=dict)
    _next: list[_Page] = field(default_factory=list)

    def list(self, wanted: Sequence[Wanted]) -> dict[str, Listing | Doubt]:
        """List all wanted repositories, or say why not."""
        self._next = [_Page(repository, self._first_page_size(repository.name)) for repository in wanted]
        while pages := self._next:
            self._next = []
            ask_in_batches(_by_weight(pages), self._ask, self._give_up)
        return self.done

    def _first_page_size(self, repository: str) -> int:
        return self._page_size(repository, self.sizes.get(repository, UNKNOWN_SIZE - SPARE))

    def _page_size(self, repository: str, expected: int) -> int:
        return min(max(expected + SPARE, SMALLEST_PAGE), self.largest.get(repository, LARGEST_PAGE))

    def _ask(self, pages: Sequence[_Page]) -> None:
        variables: dict[str, Any] = {}
        for i, page in enumerate(pages):
            owner, _, name = page.wanted.name.partition("/")
            labels = sorted(page.wanted.labels) or None
            variables |= {
                f"o{i}": owner,
                f"n{i}": name,
                f"l{i}": labels,
                f"f{i}": page.first,
                f"a{i}": page.after,
            }
        try:
            answer = self.client.query(pages[0].wanted.name, queries.listing(len(pages)), variables)
        except TooHeavy:
            if len(pages) == 1 and pages[0].first > SMALLEST_PAGE:
                half = pages[0].first // 2
                self.largest[pages[0].wanted.name] = half
                self._next.append(replace(pages[0], first=half))  # in doubt until that passes
            raise
        for i, page in enumerate(pages):
            error = answer.error(f"r{i}")
            repository = answer.data.get(f"r{i}")
            if error or repository is None:
                self._doubt(page, error.message if error else "GitHub gave no data for it")
            else:
                self._read(page, repository)

    def _read(self, page: _Page, repository: Mapping[str, Any]) -> None:
        name = page.wanted.name
        try:
            if repository["nameWithOwner"].casefold() != name.casefold():
                self._doubt(page, f"it was renamed to {repository['nameWithOwner']}; change the catalog")
                return
            found = self._found.setdefault(name, {})
            for node in repository["list"]["nodes"]:
                pull_request = listed(node, repository["databaseId"])
                earlier = found.get(pull_request.number)
                if pull_request.open and (earlier is None or earlier.updated_at <= pull_request.updated_at):
                    found[pull_request.number] = self._with_all_labels(page, pull_request)
            info = repository["list"]["pageInfo"]
            if info["hasNextPage"]:
                self._follow(page, info["endCursor"], missing=repository["list"]["totalCount"] - len(found))
            else:
                self.done[name] = _listing(repository, found)
        except (Malformed, KeyError, TypeError, AttributeError) as error:
            self._doubt(page, f"GitHub's answer is incomplete ({error})")

    def _follow(self, page: _Page, cursor: str, missing: int) -> None:
        if cursor == page.after or page.number >= MAX_PAGES:
            self._doubt(page, "its list of pull requests does not end")
        else:
            first = self._page_size(page.wanted.name, missing)
            self._next.append(replace(page, first=first, after=cursor, number=page.number + 1))

    def _with_all_labels(self, page: _Page, pull_request: Listed) -> Listed:
        # The hundred-and-first label may be the one that says "no preview".
        labels, after = pull_request.labels, pull_request.labels_after
        while after:
            answer = self.client.query(page.wanted.name, queries.labels(), {"id": pull_request.id, "after": after})
            if answer.errors:
                raise Malformed(answer.errors[0].message)
            more, after = label_page(answer.data["node"]["labels"])
            labels += more
        return replace(pull_request, labels=labels, labels_after="")

    def _give_up(self, pages: Sequence[_Page], reason: str) -> None:
        for page in pages:
            self._doubt(page, reason)

    def _doubt(self, page: _Page, reason: str) -> None:
        self.done[page.wanted.name] = Doubt(reason)


def _by_weight(pages: Iterable[_Page]) -> list[list[_Page]]:
    """Put pages into requests so that none asks for too many pull requests."""
    requests: list[list[_Page]] = []
    weight = PULL_REQUESTS_PER_REQUEST
    for page in pages:
        if weight + page.first > PULL_REQUESTS_PER_REQUEST:
            requests.append([])
            weight = 0
        requests[-1].append(page)
        weight += page.first
    return requests


def _listing(repository: Mapping[str, Any], found: Mapping[int, Listed]) -> Listing:
    default_branch = repository["defaultBranchRef"]
    return Listing(
        database_id=repository["databaseId"],
        url=repository["url"],
        default_branch=default_branch["name"] if default_branch else "",
        newest=tuple((node["number"], node["updatedAt"]) for node in repository["newest"]["nodes"]),
        pull_requests=tuple(found[number] for number in sorted(found)),
    )
