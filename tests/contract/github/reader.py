"""The GitHub source by itself, reading again and again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from plugin.core.config.references import Locator
from plugin.core.facts.model import LookUp, Mark, PullRequest, Repository
from plugin.sources import CheckQuestion, Doubt, Wanted
from plugin.sources.file import LONG_AGO, Organisation
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.pygithub import Token
from plugin.sources.github.reader import GitHubSource
from tests.contract.conftest import Time, changed, operations, pull_request, with_pull_requests
from tests.fakes.github import GitHub

LATER = LONG_AGO + timedelta(minutes=1)
PREVIEW = frozenset({"preview"})


def many(organisation: Organisation, count: int = 30) -> Organisation:
    return with_pull_requests(organisation, "acme/orders", *(pull_request(number) for number in range(1, count + 1)))


@dataclass
class Reader:
    """Reads again and again, and remembers what was known as the mirror does."""

    github: GitHub
    time: Time = field(default_factory=Time)
    labels: Mapping[str, frozenset[str]] = field(default_factory=dict)
    known: dict[str, Repository] = field(default_factory=dict)
    comments: bool = False

    def __post_init__(self) -> None:
        self.github.now = self.time.now
        self.labels = self.labels or dict.fromkeys(sorted(self.github.organisation.repositories), PREVIEW)
        self.restart()

    def restart(self) -> None:
        """Make a new process that was given what was known."""
        client = GitHubClient(self.github.url, Token(self.github.token), self.time.clock)
        self.source = GitHubSource(client)

    def read(self, *must_list: str) -> dict[str, str]:
        """Read everything, return the doubts."""
        self.github.log.clear()
        wanted = [
            Wanted(name, labels, self.known.get(name), must_list=name in must_list, comments=self.comments)
            for name, labels in self.labels.items()
        ]
        readings = self.source.read(wanted)
        assert list(readings.keys() ^ self.labels.keys()) == []
        self.known |= {name: found for name, found in readings.items() if isinstance(found, Repository)}
        return {name: found.reason for name, found in readings.items() if isinstance(found, Doubt)}

    def settle(self) -> None:
        """Read until all is known and old enough."""
        assert self.read() == {}
        self.time.passes(20)
        assert self.read() == {}

    def asked(self) -> list[str]:
        return operations(self.github)

    def look_up(self, *locators: str) -> dict[str, LookUp]:
        asked = [Locator(name, int(number)) for name, _, number in (locator.partition("#") for locator in locators)]
        return {str(locator): found for locator, found in self.source.look_up(asked, self.known).items()}

    def commits(self, *locators: str) -> dict[str, tuple[str, ...]]:
        asked = [Locator(name, int(number)) for name, _, number in (locator.partition("#") for locator in locators)]
        return {str(locator): found for locator, found in self.source.commits(asked, self.known).items()}

    def checks(self, *questions: CheckQuestion) -> dict[CheckQuestion, bool]:
        return self.source.checks(questions, self.known)

    def change(self, repository: str, number: int, **changes: Any) -> None:
        self.github.organisation = changed(self.github.organisation, repository, number, **changes)

    def numbers(self, repository: str = "acme/orders") -> list[int]:
        return [known.number for known in self.known[repository].pull_requests]

    def unread(self, repository: str = "acme/orders") -> dict[int, str]:
        """Return what GitHub could not say of pull requests (number: why)."""
        return {number: hold.reason for number, hold in self.known[repository].held.items()}

    def pull_request(self, number: int, repository: str = "acme/orders") -> PullRequest:
        (found,) = (known for known in self.known[repository].pull_requests if known.number == number)
        return found

    def first(self, repository: str = "acme/orders") -> Any:
        return self.known[repository].pull_requests[0]

    def mark(self, repository: str = "acme/orders") -> Mark:
        mark = self.known[repository].mark
        assert mark
        return mark
