"""Limits: points and budgets."""

import re
from typing import Any

from plugin.sources.file import Organisation
from tests.contract.github.reader import Reader
from tests.fakes.github import GitHub, Request, faults


def test_one_owners_limit_leaves_the_others(organisation: Organisation) -> None:
    repositories = {**organisation.repositories, "globex/site": organisation.repositories["acme/users"]}
    with GitHub(Organisation(repositories=repositories), inside=True) as github:
        reader = Reader(github)
        reader.settle()

        def down(request: Request) -> Any:
            return faults.server_error(500)(request) if "acme" in request.variables.values() else None

        github.intercept = down

        assert set(reader.read()) == set(reader.labels) - {"globex/site"}


def test_a_used_up_budget_is_not_asked_again_before_it_is_renewed(reader: Reader) -> None:
    reader.github.budget = 0
    assert reader.read() == dict.fromkeys(reader.labels, "GitHub's rate limit is used up")
    assert reader.asked() == ["Probe"]
    blocked = reader.source.usage.resumes_at
    assert blocked
    assert blocked > reader.time.now()
    (reason,) = set(reader.read().values())
    assert re.fullmatch(r"GitHub's rate limit is used up until \d\d:\d\d UTC", reason)
    assert reader.asked() == []

    reader.github.budget = None
    reader.time.passes((blocked - reader.time.now()).total_seconds() + 1)
    assert reader.read() == {}


def test_the_last_point_is_known_to_be_the_last(reader: Reader) -> None:
    used = 5000 - (reader.source.usage.remaining or 0)
    reader.github.budget = used + 1
    assert reader.read() == {}
    assert reader.asked() == ["Probe"]
    assert reader.source.usage.remaining == 0

    assert all(reason.startswith("GitHub's rate limit is used up") for reason in reader.read().values())
    assert reader.asked() == []
