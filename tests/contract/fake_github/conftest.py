from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from plugin.sources.file import Organisation, PullRequestEntry, RepositoryEntry
from tests.fakes.github import GitHub

Ask = Callable[..., Any]


def pull_request(number: int, **given: Any) -> PullRequestEntry:
    defaults = {
        "branch": f"branch-{number}",
        "head_sha": f"{number:040x}",
        "author": "ada",
        "labels": ["preview"],
    }
    return PullRequestEntry.model_validate({"number": number, **defaults, **given})


@pytest.fixture(name="organisation")
def _organisation() -> Organisation:
    orders = (
        pull_request(3, config="version: 1\n", updated_at=datetime(2026, 11, 3, tzinfo=UTC)),
        pull_request(1, labels=["preview", "kind/bug"], author="dependabot[bot]"),
        pull_request(2, labels=["Preview"], author="ghost"),
        pull_request(4, fork="mallory/orders", author="mallory", config="version: 2\n"),
        pull_request(5, state="merged"),
        pull_request(6, state="closed", labels=[]),
        pull_request(7, labels=["kind/bug"], draft=True),
    )
    return Organisation(
        repositories={
            "acme/orders": RepositoryEntry(pull_requests=orders),
            "globex/site": RepositoryEntry(default_branch="trunk"),
        }
    )


@pytest.fixture(name="github")
def _github(organisation: Organisation) -> Iterator[GitHub]:
    with GitHub(organisation) as github:
        yield github


@pytest.fixture(name="ask")
def _ask(github: GitHub) -> Iterator[Ask]:
    """Ask in GraphQL; returns the parsed answer, whose HTTP status must be 200."""
    with requests.Session() as session:

        def ask(query: str, **variables: Any) -> Any:
            response = session.post(
                f"{github.url}/graphql",
                json={"query": query, "variables": variables},
                headers={"Authorization": f"bearer {github.token}"},
                timeout=10,
            )
            assert response.status_code == 200, response.text
            return response.json()

        yield ask
