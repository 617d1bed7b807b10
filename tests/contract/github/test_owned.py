"""The repositories of an owner, from which `preview-plugin init` starts a catalog."""

from datetime import UTC, datetime
from typing import Any

import pytest

from plugin.errors import PluginError
from plugin.sources.file import Organisation, RepositoryEntry
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.owned import owned
from plugin.sources.github.pygithub import Token
from tests.contract.conftest import operations
from tests.fakes.github import GitHub, Intercept, Request, Response, json_response

ACME = ["acme/backoffice", "acme/orders", "acme/payments", "acme/shop", "acme/users"]


def client(github: GitHub) -> GitHubClient:
    return GitHubClient(github.url, Token(github.token))


@pytest.mark.parametrize("person", [False, True])
def test_the_repositories_of_an_organisation_or_a_person(github: GitHub, *, person: bool) -> None:
    if person:
        github.make_person("acme")
    github.organisation = Organisation(
        repositories={**github.organisation.repositories, "other/tool": RepositoryEntry()}
    )

    assert owned(client(github), "acme") == ACME
    assert owned(client(github), "ACME") == ACME
    assert owned(client(github), "other") == ["other/tool"]


def test_forks_and_archived_repositories_are_left_out(github: GitHub) -> None:
    github.archive("acme/users", datetime(2026, 1, 1, tzinfo=UTC))
    forks = {repository.fork for it in github.organisation.repositories.values() for repository in it.pull_requests}

    assert owned(client(github), "acme") == ACME[:-1]
    assert [name for fork in forks if fork for name in owned(client(github), fork.partition("/")[0])] == []


def test_every_page_is_read(github: GitHub) -> None:
    names = [f"acme/r{i:03}" for i in range(250)]
    github.organisation = Organisation(repositories=dict.fromkeys(names, RepositoryEntry()))

    assert owned(client(github), "acme") == names
    assert operations(github) == ["Owned"] * 3


def test_an_owner_that_does_not_exist(github: GitHub) -> None:
    with pytest.raises(PluginError, match=r"^GitHub knows no organisation and no person nobody$"):
        owned(client(github), "nobody")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"repositories": None}, r"knows no organisation"),
        ({"repositories": {"nodes": []}}, r"is incomplete \(KeyError\('pageInfo'\)\)"),
        ({"repositories": {"nodes": [{}], "pageInfo": {"hasNextPage": False}}}, r"is incomplete"),
        ({"repositories": {"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": "x"}}}, r"does not end"),
    ],
)
def test_an_answer_of_another_shape_is_an_error(github: GitHub, answer: Any, message: str) -> None:
    github.intercept = always(json_response(200, {"data": {"repositoryOwner": answer}}))

    with pytest.raises(PluginError, match=message):
        owned(client(github), "acme")


def test_an_error_of_github_is_told(github: GitHub) -> None:
    error = {"type": "FORBIDDEN", "path": ["repositoryOwner"], "message": "SAML enforcement"}
    github.intercept = always(json_response(200, {"data": {"repositoryOwner": None}, "errors": [error]}))

    with pytest.raises(PluginError, match=r"could not list the repositories of acme: SAML enforcement$"):
        owned(client(github), "acme")


def test_a_repository_that_the_token_must_not_see_is_left_out(github: GitHub) -> None:
    page = {"nodes": [None, {"nameWithOwner": "acme/a", "archivedAt": None}], "pageInfo": {"hasNextPage": False}}
    github.intercept = always(json_response(200, {"data": {"repositoryOwner": {"repositories": page}}}))

    assert owned(client(github), "acme") == ["acme/a"]


def always(response: Response) -> Intercept:
    def intercept(_: Request) -> Response:
        return response

    return intercept
