"""Answers from the past: some of GitHub's servers lag behind."""

import random
from datetime import UTC, datetime, timedelta

import pytest
import requests

from plugin.sources.file import Organisation
from tests.contract.conftest import changed
from tests.contract.fake_github import texts
from tests.contract.fake_github.conftest import Ask
from tests.fakes.github import GitHub, faults
from tests.fakes.github.history import History
from tests.fakes.github.world import Changes, World, build

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
FIRST = {"o0": "acme", "n0": "orders", "l0": None, "f0": 1}


def second(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.fixture(name="worlds")
def _worlds(organisation: Organisation) -> list[World]:
    return [build(organisation, Changes()) for _ in range(3)]


def test_history_remembers_the_organisation_at_each_moment(worlds: list[World]) -> None:
    history = History(worlds[0])
    history.add(worlds[1], second(1))
    history.add(worlds[2], second(3))

    found = [history.at(second(seconds)) for seconds in (-100, 0.9, 1, 2.9, 3, 100)]

    # They are equal, but not the same.
    assert [[world is each for each in worlds].index(True) for world in found] == [0, 0, 1, 1, 2, 2]
    assert history.newest is worlds[2]


def test_history_forgets_what_is_older_than_ten_seconds(worlds: list[World]) -> None:
    history = History(worlds[0])
    history.add(worlds[1], second(0))
    history.add(worlds[2], second(11))

    assert history.at(second(-1)) is worlds[1]


def requests_status(github: GitHub) -> int:
    headers = {"Authorization": f"bearer {github.token}"}
    return requests.post(f"{github.url}/graphql", json={}, headers=headers, timeout=10).status_code


def title(ask: Ask) -> str:
    answer = ask(texts.listing([0]), **FIRST)
    found: str = answer["data"]["r0"]["list"]["nodes"][0]["title"]
    return found


def test_answers_can_go_back_in_time_by_some_seconds(github: GitHub, ask: Ask, organisation: Organisation) -> None:
    now = NOON
    github.now = lambda: now
    github.organisation = changed(organisation, "acme/orders", 1, title="new")
    github.intercept = faults.going_back(random.Random(1))
    now += timedelta(seconds=4)
    seen = [title(ask) for _ in range(20)]
    assert set(seen) == {"", "new"}
    assert seen != sorted(seen)  # the new title was seen before the old one

    github.intercept = faults.going_back(random.Random(1), fault=faults.on("List", faults.lost_half(honest=True)))
    assert {title(ask) for _ in range(20)} == {"", "new"}
    github.intercept = faults.going_back(random.Random(1), fault=faults.server_error())
    assert requests_status(github) == 502

    github.intercept = faults.going_back(random.Random(1))
    now += timedelta(seconds=4)
    assert {title(ask) for _ in range(20)} == {"new"}
