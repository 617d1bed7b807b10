"""Listings: all open, labelled pull requests of some repositories, every page of them."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from plugin.core.config.names import folded
from plugin.core.facts.model import Mark
from plugin.sources import Doubt, Wanted
from plugin.sources.github import queries
from plugin.sources.github.answer import Answer, Part, TooHeavy
from plugin.sources.github.batches import ask_in_batches
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.experience import LARGEST_PAGE, Experience
from plugin.sources.github.labels import all_labels
from plugin.sources.github.nodes import MALFORMED, Identity, Listed, Malformed, Outside, listed, number_of, outside

EXPECTED_PULL_REQUESTS = 20  # the first guess at how many pull requests a repository has
SPARE_ENTRIES = 5  # room for new pull requests, so that a grown list rarely needs a second page
SMALLEST_PAGE = 10
PULL_REQUESTS_PER_REQUEST = 200  # about 20,000 nodes, which GitHub answers in a few seconds
MAX_PAGES = 200
# Labels that a listing lacks are read separately, but not for many pull requests: then GitHub itself has a problem.
LABELS_ASKED_FOR_AGAIN = 10  # pull requests of one owner in one reading

GONE = (
    "can no longer be seen (deleted, made private, or the GitHub App or token lost access); "
    "remove its services from the catalog to end their previews"
)
REPLACED = (
    "this name now belongs to a different repository; "
    "remove its services from the catalog to end their previews, then add them again"
)


@dataclass(frozen=True, slots=True)
class Unread:
    """A pull request that GitHub lists without saying enough about it."""

    reason: str  # of any length
    number: int | None = None  # None: GitHub did not even give its number

    def __str__(self) -> str:
        """Return the reason with the number, which the reason alone may lack."""
        return (
            self.reason if self.number is None or f"#{self.number}" in self.reason else f"#{self.number}: {self.reason}"
        )


@dataclass(frozen=True, slots=True)
class Listing:
    """One repository's open, labelled pull requests in the order of their numbers."""

    identity: Identity
    url: str
    default_branch: str
    archived_at: datetime | None
    public: bool
    missing_labels: frozenset[str]
    mark: Mark | None
    pull_requests: tuple[Listed, ...]
    unread: tuple[Unread, ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """A repository whose name no longer leads to it. `if_gone` is the reason if it cannot be found elsewhere either."""

    reason: str
    if_gone: str


@dataclass(frozen=True, slots=True)
class _Page:
    wanted: Wanted
    first: int
    after: str | None = None
    number: int = 1
    outside: Outside | None = None  # as the first page showed it
    found: Mapping[int, Listed] = field(default_factory=dict)  # by the pages before this one
    unread: tuple[Unread, ...] = ()
    shown: int = 0  # how many pull requests these pages had, repeated ones too


@dataclass(slots=True)
class Lister:
    """Lists repositories of one owner."""

    client: GitHubClient
    experience: Experience
    done: dict[str, Listing | Lost | Doubt] = field(default_factory=dict)
    _left: deque[_Page] = field(default_factory=deque)
    _without_labels: int = 0

    def read(self, wanted: Iterable[Wanted]) -> dict[str, Listing | Lost | Doubt]:
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
        return self._page_size(
            wanted.name, len(wanted.before.pull_requests) if wanted.before else EXPECTED_PULL_REQUESTS - SPARE_ENTRIES
        )

    def _page_size(self, repository: str, expected: int) -> int:
        return min(
            max(expected + SPARE_ENTRIES, SMALLEST_PAGE), self.experience.largest_page.get(repository, LARGEST_PAGE)
        )

    def _ask(self, pages: Sequence[_Page]) -> None:
        asked = [queries.Page(page.wanted.name, page.wanted.labels, page.first, page.after) for page in pages]
        try:
            answer = self.client.query(pages[0].wanted.name, queries.listing(asked))
        except TooHeavy:
            if len(pages) == 1 and pages[0].first > SMALLEST_PAGE:
                half = pages[0].first // 2
                self.experience.largest_page[pages[0].wanted.name] = half
                self._left.append(replace(pages[0], first=half))  # in doubt until that passes
            raise
        for page, repository in zip(pages, queries.repositories(answer, len(pages)), strict=True):
            error = queries.repository_error(repository)
            if error is None and repository.value is not None:
                self._read(page, repository, answer)
            elif repository.value is None and (error is None or error.type == "NOT_FOUND"):
                self.done[page.wanted.name] = _unseen(page.wanted, named=error is not None)
            else:
                self._doubt(page, error.message if error else "GitHub gave no data for it")

    def _read(self, page: _Page, repository: Part, answer: Answer) -> None:
        try:
            seen = outside(repository, page.wanted.labels, answer)
            if lost := _lost(page.wanted, seen):
                self.done[page.wanted.name] = lost
                return
            content = queries.list_part(repository)
            entries = content.at("nodes").items
            found, unread = dict(page.found), list(page.unread)
            for entry in entries:
                self._read_entry(page.wanted.name, entry, seen.identity.database_id, found, unread)
            page = replace(
                page,
                outside=_merged(page.outside, seen),
                found=found,
                unread=tuple(unread),
                shown=page.shown + len(entries),
            )
            self._turn(page, content, repository.value["url"])
        except Malformed as error:
            self._doubt(page, str(error))
        except MALFORMED as error:
            self._doubt(page, f"GitHub's answer is incomplete ({error!r})")

    def _read_entry(
        self, repository: str, entry: Part, database_id: int, found: dict[int, Listed], unread: list[Unread]
    ) -> None:
        """Read one pull request. If GitHub cannot say enough about it, only this one stays unread."""
        try:
            pull_request = listed(entry, database_id)
            earlier = found.get(pull_request.number)
            if pull_request.open and (earlier is None or earlier.updated_at <= pull_request.updated_at):
                found[pull_request.number] = self._with_all_labels(repository, pull_request, entry)
        except Malformed as error:
            unread.append(Unread(str(error), number_of(entry)))

    def _turn(self, page: _Page, content: Part, url: str) -> None:
        """Go on to the next page, or finish."""
        missing = content.value["totalCount"] - page.shown
        name, info = page.wanted.name, content.value["pageInfo"]
        if info["hasNextPage"]:
            if info["endCursor"] == page.after or page.number >= MAX_PAGES:
                self._doubt(page, "its list of pull requests does not end")
                return
            first = self._page_size(name, missing)
            # Finish this list before others begin, so that some are complete if time runs out.
            self._left.appendleft(replace(page, first=first, after=info["endCursor"], number=page.number + 1))
        elif self.experience.believes_count(name, missing):
            self.done[name] = _listing(page, url)
        else:
            self._doubt(page, "GitHub's list of its pull requests is shorter than GitHub's count of them")

    def _with_all_labels(self, repository: str, pull_request: Listed, entry: Part) -> Listed:
        """Read the labels that the listing lacks: the hundred-and-first may be the one that says "no preview"."""
        if pull_request.labels is not None and not pull_request.labels_after:
            return pull_request
        if entry.error and pull_request.labels is None:
            self._without_labels += 1
            if self._without_labels > LABELS_ASKED_FOR_AGAIN:
                raise Malformed(entry.error.message)
        after = pull_request.labels_after or None
        labels = all_labels(self.client, repository, pull_request.id, pull_request.labels or (), after)
        return replace(pull_request, labels=labels, labels_after="")

    def _give_up(self, pages: Sequence[_Page], reason: str) -> None:
        for page in pages:
            self._doubt(page, reason)

    def _doubt(self, page: _Page, reason: str) -> None:
        self.done[page.wanted.name] = Doubt(reason)


def _unseen(wanted: Wanted, *, named: bool) -> Lost | Doubt:
    if wanted.before and Identity.parse(wanted.before.identity):
        return Lost("GitHub gave no data for it", GONE)
    if named:
        return Doubt("GitHub cannot find it; is its name right, and may the GitHub App or token read it?")
    return Doubt("GitHub gave no data for it")


def _lost(wanted: Wanted, seen: Outside) -> Lost | None:
    pinned = Identity.parse(wanted.before.identity) if wanted.before else None
    if pinned and pinned.database_id != seen.identity.database_id:
        return Lost(REPLACED, REPLACED)
    if folded(seen.name) != folded(wanted.name):
        reason = f"{wanted.name} is now {seen.name}; change the catalog"
        return Lost(reason, reason)
    return None


def _merged(first: Outside | None, seen: Outside) -> Outside:
    """Return what the first page showed; what later pages show differently has changed meanwhile."""
    if first is None:
        return seen
    if first.identity != seen.identity:
        raise Malformed("it became another repository while it was read")
    if first.mark is None or seen.mark is None:
        return replace(first, mark=None)
    same = first.mark.token == seen.mark.token
    return first if same else replace(first, mark=replace(first.mark, settled=False))


def _listing(page: _Page, url: str) -> Listing:
    seen = page.outside
    assert seen  # noqa: S101  it was read a moment ago
    unread = tuple(each for each in page.unread if each.number not in page.found)
    certain = not unread and all(pull_request.certain for pull_request in page.found.values())
    return Listing(
        identity=seen.identity,
        url=url,
        default_branch=seen.default_branch,
        archived_at=seen.archived_at,
        public=seen.public,
        missing_labels=seen.missing_labels,
        mark=seen.mark if certain else None,
        pull_requests=tuple(page.found[number] for number in sorted(page.found)),
        unread=unread,
    )
