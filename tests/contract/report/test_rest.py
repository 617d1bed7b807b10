"""GitHub's REST API as what writes uses it: a token for one permission, and what is certain if there is no reply."""

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from plugin.sources import NoReply, NotGranted, NotSent
from plugin.sources.file import Organisation
from plugin.sources.github.pygithub import App, Token
from plugin.sources.github.rest import GitHubRest
from tests.contract.report.stage import sha
from tests.fakes.github import App as FakeApp
from tests.fakes.github import GitHub, faults
from tests.keys import PRIVATE_KEY

PATH = "/repos/acme/orders/statuses/0a4be4a1c1a5e7e6f5c9d3b1a2f4c6d8e0f1a3b5"
STATUS = {"state": "pending", "context": "preview/orders"}


@pytest.fixture(name="installed")
def _installed(organisation: Organisation) -> Iterator[GitHub]:
    key = load_pem_private_key(PRIVATE_KEY.encode(), None).public_key()
    public = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with GitHub(organisation, app=FakeApp(42, public, writes=frozenset({"statuses"}))) as github:
        yield github


def with_token(github: GitHub, token: str = "") -> GitHubRest:
    return GitHubRest(github.url, Token(token or github.token), "statuses")


def with_app(github: GitHub, permission: str = "statuses") -> GitHubRest:
    return GitHubRest(github.url, App("42", PRIVATE_KEY), permission)


def test_a_token_writes_what_it_is_asked_to(github: GitHub) -> None:
    reply = with_token(github).ask("acme/orders", "POST", PATH, STATUS)

    assert reply.status == 201
    assert isinstance(reply.body, dict)
    assert reply.body["context"] == "preview/orders"
    assert "x-ratelimit-remaining" in reply.headers


def test_an_app_asks_for_a_token_that_can_only_write_one_thing(installed: GitHub) -> None:
    rest = with_app(installed)
    assert rest.ask("acme/orders", "POST", PATH, STATUS).status == 201
    assert rest.ask("acme/orders", "POST", PATH, STATUS).status == 201
    assert rest.ask("acme/orders", "POST", "/repos/acme/orders/deployments", {"ref": sha(1)}).status == 403

    assert [call.operation for call in installed.log].count("GET /orgs/acme/installation") == 1


def test_a_permission_that_the_app_was_not_granted_is_named(installed: GitHub) -> None:
    with pytest.raises(NotGranted, match="the GitHub App has no permission to write deployments"):
        with_app(installed, "deployments").ask("acme/orders", "GET", "/repos/acme/orders/deployments")

    installed.grant_writing("deployments")
    reply = with_app(installed, "deployments").ask("acme/orders", "GET", "/repos/acme/orders/deployments")
    assert reply.status == 200


def test_an_owner_without_the_app_gets_nothing(installed: GitHub) -> None:
    rest = GitHubRest(installed.url, App("43", PRIVATE_KEY), "statuses")  # another App

    with pytest.raises(NotSent):
        rest.ask("acme/orders", "POST", PATH, STATUS)


def test_whose_token_it_is(github: GitHub, installed: GitHub) -> None:
    github.login = "acme-previews"
    rest = with_token(github)
    assert (rest.account("acme/orders"), rest.account("acme/orders")) == ("acme-previews", "acme-previews")
    assert [call.operation for call in github.log] == ["GET /user"]

    assert with_app(installed).account("acme/orders") == "preview[bot]"


def test_a_token_that_is_refused_says_nothing_about_its_account(github: GitHub) -> None:
    with pytest.raises(NotGranted, match="does not say whose token this is"):
        with_token(github, "wrong").account("acme/orders")

    github.intercept = faults.server_error(502)
    with pytest.raises(NotSent, match="does not say whose token this is"):
        with_token(github).account("acme/orders")


@pytest.mark.parametrize("fault", [faults.no_answer(), faults.truncated_body()], ids=["no answer", "truncated"])
def test_a_request_without_a_reply_may_have_done_something(github: GitHub, fault: object) -> None:
    github.intercept = fault  # type: ignore[assignment]
    with pytest.raises(NoReply):
        with_token(github).ask("acme/orders", "POST", PATH, STATUS)


def test_a_page_is_a_reply_without_json(github: GitHub) -> None:
    github.intercept = faults.html_with_status_200()
    reply = with_token(github).ask("acme/orders", "POST", PATH, STATUS)

    assert (reply.status, reply.body) == (200, None)


def test_a_renamed_repository_is_written_to_under_its_new_name(github: GitHub) -> None:
    github.rename("acme/orders", "acme/sales")
    reply = with_token(github).ask("acme/orders", "POST", PATH, STATUS)

    assert reply.status == 201
    assert [each for each, _ in github.written.statuses] == ["acme/sales"]
