"""Source GitHub: probes, lists what may have changed, and reads only what is not known yet.

It keeps nothing that the snapshot holds, so a restart with the stored snapshot continues where the last process ended.
"""

import sys
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from cachetools import LRUCache

from plugin.core.config.references import Locator
from plugin.core.facts.model import ConfigFile, Hold, LookUp, Repository
from plugin.sources import CheckQuestion, Doubt, Usage, Wanted
from plugin.sources.github.asker import Asker, OfRepository
from plugin.sources.github.batches import by_owner
from plugin.sources.github.checks import newest_commits, succeeded
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.comments import Listened, Listener, Retries
from plugin.sources.github.details import Details, FileKey, known_files
from plugin.sources.github.experience import Experience
from plugin.sources.github.identity import explain
from plugin.sources.github.listing import Lister, Listing, Lost
from plugin.sources.github.look_ups import look_up
from plugin.sources.github.nodes import Identity
from plugin.sources.github.probing import probe

FILE_CACHE_BYTES = 64 * 1024 * 1024

# After so many seconds no further query begins, so that a refresh ends, however slow GitHub is and however many owners
# there are. What was read by then counts, and the next refresh continues.
SECONDS_TO_LIST = 120.0  # for the probes and listings of all owners together
SECONDS_FOR_DETAILS = 120.0  # for the details of each owner, in addition: a listing counts only with its details
SECONDS_TO_LOOK_UP = 30.0
SECONDS_FOR_COMMITS = 15.0
SECONDS_FOR_CHECKS = 30.0


class GitHubSource:
    """Reads repositories from GitHub. Used by one thread at a time."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client
        self._experience = Experience()
        self._retries = Retries()
        self._turn = 0
        # Files of repositories that stay in doubt for another reason: as long as they do, no snapshot holds the files.
        self._files: LRUCache[FileKey, ConfigFile | None] = LRUCache(FILE_CACHE_BYTES, getsizeof=_size)

    @property
    def usage(self) -> Usage:
        """Requests and points so far, and what is left."""
        return self._client.usage

    @property
    def ahead(self) -> timedelta | None:
        """How far our clock was ahead of GitHub's at its newest answer; None if that is not known."""
        return self._client.ahead

    def read(self, wanted: Sequence[Wanted]) -> dict[str, Repository | Doubt]:
        """Read each repository completely, or say why not."""
        groups = {group[0].name.partition("/")[0]: group for group in by_owner(wanted, lambda each: each.name)}
        if any(repository.urgent for repository in wanted):
            return self._read_groups(groups.values())
        # An owner whose token has few points left must not delay the others.
        resting = self._client.resting(groups)
        doubts = {each.name: Doubt(reason) for owner, reason in resting.items() for each in groups.pop(owner)}
        self._turn += 1  # so that the same owners do not always wait when time runs out
        in_turn = deque(groups.values())
        in_turn.rotate(self._turn)
        with self._client.reading(groups):
            return doubts | self._read_groups(in_turn)

    def look_up(self, locators: Sequence[Locator], known: Mapping[str, Repository]) -> dict[Locator, LookUp]:
        """Look up pull requests by number; those that could not be looked up are left out."""
        with self._client.until(self._client.after(SECONDS_TO_LOOK_UP)):
            return look_up(self._asker(locators, known), locators)

    def commits(self, locators: Sequence[Locator], known: Mapping[str, Repository]) -> dict[Locator, tuple[str, ...]]:
        """Return the newest commits of pull requests, the newest first; what is unclear is left out."""
        with self._client.until(self._client.after(SECONDS_FOR_COMMITS)):
            return newest_commits(self._asker(locators, known), locators)

    def checks(self, questions: Sequence[CheckQuestion], known: Mapping[str, Repository]) -> dict[CheckQuestion, bool]:
        """Tell for each commit whether its check has succeeded; what is unclear is left out."""
        with self._client.until(self._client.after(SECONDS_FOR_CHECKS)):
            return succeeded(self._asker(questions, known), questions)

    def _asker(self, items: Sequence[OfRepository], known: Mapping[str, Repository]) -> Asker:
        names = {item.repository for item in items}
        identities = _identities({name: known[name] for name in names if name in known})
        return Asker(self._client, identities, self._turn)

    def _read_groups(self, groups: Iterable[Sequence[Wanted]]) -> dict[str, Repository | Doubt]:
        """Read repositories, grouped by owner."""
        results: dict[str, Repository | Doubt] = {}
        deadline = self._client.after(SECONDS_TO_LIST)
        for group in groups:
            results |= self._read(group, deadline)
        return results

    def _read(self, wanted: Sequence[Wanted], deadline: float) -> dict[str, Repository | Doubt]:
        """Read repositories of one owner; `deadline` is for all but the details."""
        with self._client.until(deadline):
            results = probe(self._client, wanted)
            changed = {repository.name: repository for repository in wanted if repository.name not in results}
            longest_ago = sorted(changed.values(), key=_listed_at)
            listed = Lister(self._client, self._experience).read(longest_ago)
        known = {name: before for name, it in changed.items() if (before := it.before) and before.identity}
        listings = {name: listing for name, listing in listed.items() if isinstance(listing, Listing)}
        lost = {name: listing for name, listing in listed.items() if isinstance(listing, Lost)}
        results |= {name: listing for name, listing in listed.items() if isinstance(listing, Doubt)}

        details = Details(self._client, known, {**self._files, **known_files(known)})
        with self._client.until(self._client.after(SECONDS_FOR_DETAILS)):
            results |= explain(self._client, lost, _identities(known))
            details.read(listings)
            listener = self._listen(wanted, listings, results)
        results |= {name: self._result(changed[name], listing, details) for name, listing in listings.items()}
        results = {name: _with_comments(result, listener.results.get(name)) for name, result in results.items()}
        self._keep_files(listings, details, results)
        return results

    def _listen(
        self, wanted: Sequence[Wanted], listings: Mapping[str, Listing], known: Mapping[str, Repository | Doubt]
    ) -> Listener:
        """Read comments where something was listed, and where that failed before; there, nothing is listed for them."""
        now = self._client.after(0)
        identities = {name: listing.identity for name, listing in listings.items()} | _identities({
            name: each
            for name, each in known.items()
            if isinstance(each, Repository) and (each.heard is None or each.unheard) and self._retries.may(name, now)
        })  # fmt: skip
        listener = Listener(self._client, {it.name: it.before.heard if it.before else None for it in wanted})
        listener.read(
            {it.name: identities[it.name].database_id for it in wanted if it.comments and it.name in identities}
        )
        for name, listened in listener.results.items():
            self._retries.note(name, listened, now)
        return listener

    def _result(self, wanted: Wanted, listing: Listing, details: Details) -> Repository | Doubt:
        if reason := details.doubts.get(wanted.name):
            return Doubt(reason)
        unread = (*listing.unread, *details.unread(wanted.name))
        if wanted.before is None and not self._experience.takes_first_reading(wanted.name, len(unread)):
            return Doubt(str(unread[0]))
        pull_requests = details.pull_requests(wanted.name, listing)
        mark = None if unread or listing.mark is None else listing.mark
        settled = all(pull_request.settled for pull_request in pull_requests)
        return Repository(
            name=wanted.name,
            url=listing.url,
            default_branch=listing.default_branch,
            labels=wanted.labels,
            pull_requests=pull_requests,
            held={each.number: Hold(each.reason) for each in unread if each.number is not None},
            identity=str(listing.identity),
            mark=mark and replace(mark, settled=mark.settled and settled),
            archived_at=listing.archived_at,
            missing_labels=listing.missing_labels,
            public=listing.public,
        )

    def _keep_files(
        self, listings: Mapping[str, Listing], details: Details, results: Mapping[str, Repository | Doubt]
    ) -> None:
        """Remember the files of pull requests that are not in a result, and of no others."""
        for name, listing in listings.items():
            result = results[name]
            numbers = result.numbers if isinstance(result, Repository) else frozenset()
            for listed in listing.pull_requests:
                key = listing.identity.database_id, listed.head_sha
                if listed.number in numbers:
                    self._files.pop(key, None)
                elif key in details.files:
                    self._files[key] = details.files[key]


def _with_comments(result: Repository | Doubt, listened: Listened | None) -> Repository | Doubt:
    if isinstance(result, Doubt) or listened is None:
        return result
    if (result.heard, result.unheard) == (listened.heard, listened.unheard):
        return result
    return replace(result, heard=listened.heard, unheard=listened.unheard)


def _identities(known: Mapping[str, Repository]) -> dict[str, Identity]:
    found = ((name, Identity.parse(repository.identity)) for name, repository in known.items())
    return {name: identity for name, identity in found if identity}


def _listed_at(wanted: Wanted) -> tuple[bool, datetime | None]:
    at = wanted.before.listed_at if wanted.before else None
    return at is not None, at


def _size(file: ConfigFile | None) -> int:
    return 200 + (sys.getsizeof(file.text) if file else 0)
