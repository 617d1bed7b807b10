"""Listings: all open, labelled pull requests of some repositories, every page of them."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from plugin.core.facts.model import Identity, Mark
from plugin.sources import Doubt, Wanted
from plugin.sources.github import queries
from plugin.sources.github.answer import Answer, TooHeavy, Unavailable
from plugin.sources.github.batches import ask_in_batches
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.nodes import (
    MALFORMED,
    Listed,
    Malformed,
    Node,
    Outside,
    label_page,
    listed,
    outside,
    trouble,
)
from plugin.sources.github.variables import label_variables, repository_variables

UNKNOWN_SIZE = 20  # the first guess at how many pull requests a repository has
SPARE = 5  # room for new pull requests, so that a grown list rarely needs a second page
SMALLEST_PAGE, LARGEST_PAGE = 10, 100
PULL_REQUESTS_PER_REQUEST = 200  # about 20,000 nodes, which GitHub answers in a few seconds
MAX_PAGES = 200
TIMES_SHORT = 3  # after so many readings, a list that is short is believed

GONE = (
    "cannot be seen any more (deleted, made private, or the GitHub App or token lost access); "
    "remove its services from the catalog to end their previews"
)
REPLACED = (
    "this name now belongs to another repository than before; "
    "remove its services from the catalog to end their previews, then add them again"
)


@dataclass(frozen=True, slots=True)
class Listing:
    """One repository's open, labelled pull requests in the order of their numbers."""

    identity: Identity
    url: str
    default_branch: str
    mark: Mark
    pull_requests: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """The repository's name does not lead to it any more. `if_gone` is the reason if it is nowhere else either."""

    reason: str
    if_gone: str


@dataclass(slots=True)
class Experience:
    """What listings have taught about repositories; forgetting it costs some requests and nothing else."""

    largest: dict[str, int] = field(default_factory=dict)  # largest page, halved whenever one was too heavy
    # by how much a list was shorter than GitHub said, and how often in a row
    short: dict[str, tuple[int, int]] = field(default_factory=dict)

    def believes(self, name: str, missing: int) -> bool:
        """Tell whether a list that is short by `missing` pull requests is as long as it will ever be.

        A list that moves while its pages are read, or an index that lags, is complete the next time. If it is short by
        the same number again and again, GitHub counts what it does not show, and waiting would freeze the repository.
        """
        if missing <= 0:
            self.short.pop(name, None)
            return True
        before, times = self.short.get(name, (missing, 0))
        self.short[name] = missing, times + 1 if before == missing else 1
        return self.short[name][1] >= TIMES_SHORT


@dataclass(frozen=True, slots=True)
class _Page:
    wanted: Wanted
    first: int
    after: str | None = None
    number: int = 1
    outside: Outside | None = None  # as the first page showed it
    found: Mapping[int, Listed] = field(default_factory=dict)  # by the pages before this one
    shown: int = 0  # how many pull requests these pages had, repeated ones too


@dataclass(slots=True)
class Lister:
    """Lists repositories of one owner."""

    client: GitHubClient
    experience: Experience
    done: dict[str, Listing | Lost | Doubt] = field(default_factory=dict)
    _left: deque[_Page] = field(default_factory=deque)

    def list(self, wanted: Iterable[Wanted]) -> dict[str, Listing | Lost | Doubt]:
        """List all wanted repositories, or say why not."""
        self._left.extend(_Page(repository, self._first_page_size(repository)) for repository in wanted)
        ask_in_batches(self._requests(), self._ask, self._give_up)
        return self.done

    def _requests(self) -> Iterator[Sequence[_Page]]:
        """Put pages into requests so that none asks for too many pull requests."""
        while self._left:
            pages = [self._left.popleft()]
            weight = pages[0].first
            while self._left and weight + self._left[0].first <= PULL_REQUESTS_PER_REQUEST:
                weight += self._left[0].first
                pages.append(self._left.popleft())
            yield pages

    def _first_page_size(self, wanted: Wanted) -> int:
        return self._page_size(wanted.name, len(wanted.before.pull_requests) if wanted.before else UNKNOWN_SIZE - SPARE)

    def _page_size(self, repository: str, expected: int) -> int:
        return min(max(expected + SPARE, SMALLEST_PAGE), self.experience.largest.get(repository, LARGEST_PAGE))

    def _ask(self, pages: Sequence[_Page]) -> None:
        variables: dict[str, Any] = {}
        for i, page in enumerate(pages):
            variables |= repository_variables(i, page.wanted.name) | label_variables(i, page.wanted.labels)
            variables |= {f"l{i}": sorted(page.wanted.labels) or None, f"f{i}": page.first, f"a{i}": page.after}
        query = queries.listing([len(page.wanted.labels) for page in pages])
        try:
            answer = self.client.query(pages[0].wanted.name, query, variables)
        except TooHeavy:
            if len(pages) == 1 and pages[0].first > SMALLEST_PAGE:
                half = pages[0].first // 2
                self.experience.largest[pages[0].wanted.name] = half
                self._left.append(replace(pages[0], first=half))  # in doubt until that passes
            raise
        for i, page in enumerate(pages):
            error, repository = trouble(answer, i), answer.data.get(f"r{i}")
            if error is None and repository is not None:
                self._read(page, repository, answer)
            elif repository is None and (error is None or error.type == "NOT_FOUND"):
                self.done[page.wanted.name] = _unseen(page.wanted, named=error is not None)
            else:
                self._doubt(page, error.message if error else "GitHub gave no data for it")

    def _read(self, page: _Page, repository: Node, answer: Answer) -> None:
        try:
            seen = outside(repository, len(page.wanted.labels), answer)
            if lost := _lost(page.wanted, seen):
                self.done[page.wanted.name] = lost
                return
            page = replace(page, outside=_merged(page.outside, seen))
            content = repository["list"]
            found = dict(page.found)
            for node in content["nodes"]:
                pull_request = listed(node, seen.identity.database_id)
                earlier = found.get(pull_request.number)
                if pull_request.open and (earlier is None or earlier.updated_at <= pull_request.updated_at):
                    found[pull_request.number] = self._with_all_labels(page, pull_request)
            page = replace(page, found=found, shown=page.shown + len(content["nodes"]))
            self._turn(page, content, repository["url"])
        except Malformed as error:
            self._doubt(page, str(error))
        except MALFORMED as error:
            self._doubt(page, f"GitHub's answer is incomplete ({error!r})")

    def _turn(self, page: _Page, content: Node, url: str) -> None:
        """Go on to the next page, or finish."""
        missing = content["totalCount"] - page.shown
        name, info = page.wanted.name, content["pageInfo"]
        if info["hasNextPage"]:
            if info["endCursor"] == page.after or page.number >= MAX_PAGES:
                self._doubt(page, "its list of pull requests does not end")
                return
            first = self._page_size(name, missing)
            # Before other lists are begun: if time runs out, some are whole.
            self._left.appendleft(replace(page, first=first, after=info["endCursor"], number=page.number + 1))
        elif self.experience.believes(name, missing):
            self.done[name] = _listing(page, url)
        else:
            self._doubt(page, "GitHub's list of its pull requests is shorter than GitHub's count of them")

    def _with_all_labels(self, page: _Page, pull_request: Listed) -> Listed:
        # The hundred-and-first label may be the one that says "no preview".
        labels, after = pull_request.labels, pull_request.labels_after
        while after:
            try:
                answer = self.client.query(page.wanted.name, queries.labels(), {"id": pull_request.id, "after": after})
            except (TooHeavy, Unavailable) as error:
                raise Malformed(str(error)) from None
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


def _unseen(wanted: Wanted, *, named: bool) -> Lost | Doubt:
    if wanted.before and wanted.before.identity:
        return Lost("GitHub gave no data for it", GONE)
    if named:
        return Doubt("GitHub finds no such repository; is its name right, and may the GitHub App or token read it?")
    return Doubt("GitHub gave no data for it")


def _lost(wanted: Wanted, seen: Outside) -> Lost | None:
    pinned = wanted.before.identity if wanted.before else None
    if pinned and pinned.database_id != seen.identity.database_id:
        return Lost(REPLACED, REPLACED)
    if seen.name.casefold() != wanted.name.casefold():
        reason = f"{wanted.name} is now {seen.name}; change the catalog"
        return Lost(reason, reason)
    return None


def _merged(first: Outside | None, seen: Outside) -> Outside:
    """Return what the first page showed; what later pages show differently has changed meanwhile."""
    if first is None:
        return seen
    if first.identity != seen.identity:
        raise Malformed("it became another repository while it was read")
    mark = first.mark
    same = mark.newest == seen.mark.newest and mark.label_ids == seen.mark.label_ids
    return first if same else replace(first, mark=replace(mark, settled=False))


def _listing(page: _Page, url: str) -> Listing:
    assert page.outside  # noqa: S101  it was read a moment ago
    return Listing(
        identity=page.outside.identity,
        url=url,
        default_branch=page.outside.default_branch,
        mark=page.outside.mark,
        pull_requests=tuple(page.found[number] for number in sorted(page.found)),
    )
