"""What reading GitHub costs, counted by the fake as GitHub counts: requests and points."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from plugin.core.config.references import Locator
from plugin.core.facts.model import Repository
from plugin.sources import CheckQuestion, Wanted
from plugin.sources.file import LONG_AGO, Organisation, RepositoryEntry
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.pygithub import Token
from plugin.sources.github.reader import GitHubSource
from tests.contract.conftest import Time, changed, pull_request
from tests.fakes.github import GitHub

REPOSITORIES, PULL_REQUESTS = 500, 10
PREVIEW = frozenset({"preview"})


class Company:
    """500 repositories with 10 pull requests each, read again and again."""

    def __init__(self, github: GitHub) -> None:
        self.github, self.time = github, Time()
        github.now = self.time.now
        self.known: dict[str, Repository] = {}
        self.restart()

    def restart(self) -> None:
        self.source = GitHubSource(GitHubClient(self.github.url, Token(self.github.token), self.time.clock))

    def cycle(self, seconds: float = 30.0) -> tuple[dict[str, int], int]:
        """Let time pass and read everything; return the requests by operation, and the points."""
        self.time.passes(seconds)
        self.github.log.clear()
        wanted = [Wanted(name, PREVIEW, self.known.get(name)) for name in self.github.organisation.repositories]
        readings = self.source.read(wanted)
        assert all(isinstance(reading, Repository) for reading in readings.values())
        self.known = {name: found for name, found in readings.items() if isinstance(found, Repository)}
        return dict(Counter(call.operation for call in self.github.log)), self.github.points


def _repository(index: int) -> RepositoryEntry:
    first = index * PULL_REQUESTS + 1
    return RepositoryEntry(
        pull_requests=tuple(
            pull_request(number, config="version: 1\n") for number in range(first, first + PULL_REQUESTS)
        )
    )


@pytest.fixture(name="company", scope="module")
def _company() -> Iterator[Company]:
    repositories = {f"acme/service-{index:03}": _repository(index) for index in range(REPOSITORIES)}
    with GitHub(Organisation(repositories=repositories), inside=True) as github:
        yield Company(github)


@pytest.fixture(name="settled")
def _settled(company: Company) -> Company:
    for _ in range(3):
        requests, _ = company.cycle()
    assert requests == {"Probe": 5}
    return company


def test_a_cold_start_lists_and_reads_each_pull_request_once(company: Company) -> None:
    company.known = {}
    company.restart()

    assert company.cycle() == ({"List": 50, "Details": 50}, 150)
    assert sum(len(repository.pull_requests) for repository in company.known.values()) == 5000


def test_a_cycle_in_which_nothing_changed_costs_five_points(settled: Company) -> None:
    assert settled.cycle() == ({"Probe": 5}, 5)


def test_a_restart_costs_nothing_more(settled: Company) -> None:
    settled.restart()

    assert settled.cycle() == ({"Probe": 5}, 5)


def test_one_push_costs_two_requests_more_and_then_settles(settled: Company) -> None:
    now = (settled.time.now() + timedelta(seconds=30)).replace(microsecond=0)
    settled.github.organisation = changed(
        settled.github.organisation, "acme/service-007", 71, head_sha="f" * 40, updated_at=now
    )

    assert settled.cycle(30) == ({"Probe": 5, "List": 1, "Details": 1}, 7)
    # What is younger than 20 seconds may have changed again within its second, so it is read once more.
    assert settled.cycle(30) == ({"Probe": 5, "List": 1, "Details": 1}, 7)
    assert settled.cycle(30) == ({"Probe": 5}, 5)


def test_a_push_that_was_long_ago_settles_at_once(settled: Company) -> None:
    settled.github.organisation = changed(
        settled.github.organisation, "acme/service-008", 81, head_sha="e" * 40, updated_at=LONG_AGO + timedelta(hours=1)
    )

    assert settled.cycle() == ({"Probe": 5, "List": 1, "Details": 1}, 7)
    assert settled.cycle() == ({"Probe": 5}, 5)


def _heads(company: Company, count: int) -> list[tuple[Locator, str]]:
    """One pull request each of so many repositories, with its head."""
    first = [(name, known.pull_requests[0]) for name, known in list(company.known.items())[:count]]
    return [(Locator(name, known.number), known.head_sha) for name, known in first]


def test_fifty_waiting_commits_cost_three_points_however_many_checks_they_wait_for(settled: Company) -> None:
    heads = _heads(settled, 50)
    questions = [CheckQuestion(locator.repository, sha, f"image {locator.number}") for locator, sha in heads]
    settled.github.log.clear()
    commits = settled.source.commits([locator for locator, _ in heads], settled.known)
    checks = settled.source.checks(questions, settled.known)

    assert (len(commits), checks) == (50, dict.fromkeys(questions, False))
    assert [(call.operation, call.cost) for call in settled.github.log] == [("Commits", 1), ("Gate", 2)]


def test_nothing_that_waits_costs_nothing(settled: Company) -> None:
    settled.github.log.clear()

    assert settled.source.commits([], settled.known) == {}
    assert settled.source.checks([], settled.known) == {}
    assert settled.github.log == []


def test_listing_everything_again_reads_nothing_that_is_known(settled: Company) -> None:
    settled.github.log.clear()
    readings = settled.source.read(
        [Wanted(name, PREVIEW, known, must_list=True) for name, known in settled.known.items()]
    )

    assert readings == settled.known
    assert Counter(call.operation for call in settled.github.log) == {"List": 39}
