"""Time: a refresh ends, and the next one goes on."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from plugin.sources import CheckQuestion
from plugin.sources.file import Organisation, RepositoryEntry
from plugin.sources.github.limiter import OUT_OF_TIME
from plugin.sources.github.look_ups import LOOK_UPS_PER_REQUEST
from tests.contract.conftest import pull_request
from tests.contract.github.reader import LATER, Reader
from tests.fakes.github import GitHub

LISTING, DETAILS, LOOKING_UP = 25.0, 20.0, 5.0  # seconds; the plugin takes more, which would make these tests larger


@pytest.fixture(name="little_time")
def _little_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (
        ("TO_LIST", LISTING),
        ("FOR_DETAILS", DETAILS),
        ("TO_LOOK_UP", LOOKING_UP),
        ("FOR_COMMITS", LOOKING_UP),
        ("FOR_CHECKS", LOOKING_UP),
    ):
        monkeypatch.setattr(f"plugin.sources.github.reader.SECONDS_{name}", seconds)


def slow(repositories: int, pull_requests: int) -> Organisation:
    names = [f"acme/service-{i:02}" for i in range(repositories)]
    entries = tuple(pull_request(number) for number in range(1, pull_requests + 1))
    return Organisation(repositories=dict.fromkeys(names, RepositoryEntry(pull_requests=entries)))


@pytest.mark.usefixtures("little_time")
@pytest.mark.parametrize(("repositories", "pull_requests", "seconds"), [(60, 10, 6), (12, 130, 3), (50, 30, 5)])
def test_a_refresh_ends_in_time_and_the_next_one_goes_on(repositories: int, pull_requests: int, seconds: float) -> None:
    with GitHub(slow(repositories, pull_requests), inside=True) as github:
        reader = Reader(github)
        github.latency, github.sleep = seconds, reader.time.passes
        left = [repositories]
        while left[-1]:
            begun = reader.time.monotonic()
            reasons = reader.read()
            assert reader.time.monotonic() - begun < LISTING + DETAILS + 2 * seconds
            assert set(reasons.values()) <= {OUT_OF_TIME}
            assert len(reasons) < left[-1]
            left.append(len(reasons))
            reader.known = {
                name: replace(known, listed_at=known.listed_at or reader.time.now())
                for name, known in reader.known.items()
            }
            reader.time.passes(60)

    assert len(left) > 2
    assert all(len(known.pull_requests) == pull_requests for known in reader.known.values())


def test_the_repository_listed_longest_ago_comes_first(reader: Reader) -> None:
    reader.known["acme/payments"] = replace(reader.known["acme/payments"], listed_at=None)
    for i, name in enumerate(["acme/users", "acme/orders", "acme/shop"]):
        reader.known[name] = replace(reader.known[name], listed_at=LATER + timedelta(seconds=i))
    reader.read("acme/orders", "acme/payments", "acme/shop", "acme/users")

    (listing,) = (call for call in reader.github.log if call.operation == "List")
    assert [listing.variables[f"n{i}"] for i in range(4)] == ["payments", "users", "orders", "shop"]


@pytest.mark.usefixtures("little_time")
def test_no_owner_is_always_the_last_when_time_is_short() -> None:
    names = [f"{owner}/users" for owner in ("acme", "dan", "globex", "initech")]
    with GitHub(Organisation(repositories=dict.fromkeys(names, RepositoryEntry())), inside=True) as github:
        reader = Reader(github)
        github.latency, github.sleep = 19, reader.time.passes  # so that there is time for two of them
        left = []
        for _ in range(4):
            left += list(reader.read())
            reader.known.clear()
            reader.time.passes(60)

    assert Counter(left) == dict.fromkeys(names, 2)


@pytest.mark.usefixtures("little_time")
def test_looking_up_ends_in_time_too(reader: Reader) -> None:
    numbers = [f"acme/orders#{number}" for number in range(1, 301)]
    reader.github.latency, reader.github.sleep = LOOKING_UP, reader.time.passes
    found = reader.look_up(*numbers)

    assert reader.asked() == ["Confirm"]
    assert len(found) == LOOK_UPS_PER_REQUEST


@pytest.mark.usefixtures("little_time")
def test_asking_for_commits_and_checks_ends_in_time_and_no_owner_is_always_the_last() -> None:
    names = [f"{owner}/users" for owner in ("acme", "dan", "globex")]
    entries = tuple(pull_request(number) for number in range(1, 4))
    with GitHub(
        Organisation(repositories=dict.fromkeys(names, RepositoryEntry(pull_requests=entries))), inside=True
    ) as github:
        reader = Reader(github)
        reader.settle()
        github.latency, github.sleep = LOOKING_UP, reader.time.passes  # so that there is time for one owner
        questions = [CheckQuestion(name, f"{1:040x}", "image") for name in names]
        commits, checks = [], []
        for _ in names:
            commits += list(reader.commits(*(f"{name}#1" for name in names)))
            checks += [question.repository for question in reader.checks(*questions)]
            github.latency = 0
            reader.read()
            github.latency = LOOKING_UP
            reader.time.passes(60)

    assert sorted(commits) == [f"{name}#1" for name in names]
    assert sorted(checks) == names


def test_remaining_points_are_unknown_once_they_are_renewed(reader: Reader) -> None:
    assert reader.source.usage.remaining

    reader.time.passes(3600)
    assert reader.source.usage.remaining is None
