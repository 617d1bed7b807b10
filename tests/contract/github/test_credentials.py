"""Credentials: a token, a GitHub App with one installation per owner, Enterprise Server; one client per thread."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from github.Requester import HTTPRequestsConnectionClass, RequestsResponse

from plugin.core.facts.model import Repository
from plugin.sources import CheckQuestion, Wanted
from plugin.sources.file import Organisation
from plugin.sources.github import queries
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.pygithub import App, Token
from plugin.sources.github.reader import GitHubSource
from tests.contract.conftest import EditedCatalog, Plugin, Time, doubts, make_plugin, operations, plugin_of
from tests.fakes.github import App as FakeApp
from tests.fakes.github import GitHub, Request, Response, faults


@pytest.fixture(name="key", scope="module")
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pem(key: rsa.RSAPrivateKey) -> str:
    no_password = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password).decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def two_owners(organisation: Organisation) -> Organisation:
    """Return the organisation with its users at another owner, a person."""
    repositories = dict(organisation.repositories)
    repositories["dan/users"] = repositories.pop("acme/users")
    return Organisation(repositories=repositories)


def app_plugin(github: GitHub, key: rsa.RSAPrivateKey, catalog: Path) -> Plugin:
    return make_plugin(GitHubClient(github.url, App("42", pem(key))), catalog)


def test_an_app_finds_one_installation_for_each_owner(
    organisation: Organisation, key: rsa.RSAPrivateKey, edited_catalog: EditedCatalog
) -> None:
    catalog = edited_catalog("repository: acme/users", "repository: dan/users")
    app = FakeApp(42, public_pem(key), people=frozenset({"dan"}))
    with GitHub(two_owners(organisation), app=app) as github:
        plugin = app_plugin(github, key, catalog)
        report = plugin.refresh()

        assert doubts(report) == {}
        asked = operations(github)
        assert asked.count("GET /orgs/acme/installation") == 1
        assert asked.count("GET /users/dan/installation") == 1
        assert len(plugin.previews()) == 15

        plugin.refresh()
        assert operations(github) == ["Probe", "Probe"]  # one for each owner, and nothing about installations


def test_checks_are_read_as_soon_as_an_owner_grants_that(organisation: Organisation, key: rsa.RSAPrivateKey) -> None:
    sha = organisation.repositories["acme/orders"].pull_requests[0].head_sha
    question = CheckQuestion("acme/orders", sha, "image")
    with GitHub(organisation, app=FakeApp(42, public_pem(key)), inside=True) as github:
        github.check("acme/orders", sha, "image")
        source = GitHubSource(GitHubClient(github.url, App("42", pem(key))))
        reading = source.read([Wanted("acme/orders", frozenset({"preview"}))])["acme/orders"]
        assert isinstance(reading, Repository)
        known = {"acme/orders": reading}

        assert source.checks([question], known) == {}  # nothing more is asked for than what is granted
        github.grant("statuses")
        assert source.checks([question], known) == {}
        github.grant("checks")
        assert source.checks([question], known) == {question: True}
        github.log.clear()
        assert source.checks([question], known) == {question: True}
        assert operations(github) == ["Gate"]


def test_what_used_up_one_installations_points_leaves_the_others(
    organisation: Organisation, key: rsa.RSAPrivateKey, edited_catalog: EditedCatalog
) -> None:
    catalog = edited_catalog("repository: acme/users", "repository: dan/users")
    app = FakeApp(42, public_pem(key), people=frozenset({"dan"}))
    with GitHub(two_owners(organisation), app=app) as github:
        plugin = app_plugin(github, key, catalog)
        plugin.refresh()
        limited = faults.rate_limited(seconds=600)
        github.intercept = lambda request: limited(request) if "acme" in request.variables.values() else None
        for _ in range(2):
            github.log.clear()
            assert set(doubts(plugin.refresh())) == {"acme/backoffice", "acme/orders", "acme/payments", "acme/shop"}

        (probe,) = github.log  # nobody asks for acme's again
        assert probe.variables["o0"] == "dan"


def test_few_points_of_one_installation_cost_the_others_nothing(
    organisation: Organisation, key: rsa.RSAPrivateKey, edited_catalog: EditedCatalog
) -> None:
    catalog = edited_catalog("repository: acme/users", "repository: dan/users")
    app = FakeApp(42, public_pem(key), people=frozenset({"dan"}))
    acmes = {"acme/backoffice", "acme/orders", "acme/payments", "acme/shop"}
    left = {"acme": 20, "dan": 400}

    def few(request: Request) -> Response | None:
        def spoil(answer: dict[str, Any]) -> None:
            answer["data"]["rateLimit"]["remaining"] = left[request.variables["o0"]]

        return faults.spoiled(spoil)(request) if "o0" in request.variables else None

    with GitHub(two_owners(organisation), app=app) as github:
        passing = Time()
        source = GitHubSource(GitHubClient(github.url, App("42", pem(key)), passing.clock))
        plugin = plugin_of(source, catalog, passing)
        github.now, github.intercept = passing.now, few
        for _ in range(2):
            assert doubts(plugin.refresh()) == {}
            passing.passes(30)
        assert source.usage.resumes_at is None  # dan's can go on

        github.log.clear()
        told = doubts(plugin.refresh())
        assert set(told) == acmes
        assert re.fullmatch(r"GitHub's points for acme are few; it is read again at \d\d:\d\d UTC", told["acme/shop"])
        assert [call.variables["o0"] for call in github.log] == ["dan"]
        # 400 points less a tenth are 360 readings at one point: one in 10 seconds.
        assert source.usage.resumes_at
        assert (source.usage.resumes_at - passing.now()).total_seconds() == pytest.approx(10, abs=1)
        passing.passes(10)

        # A webhook is heard all the same.
        assert set(doubts(plugin.refresher.refresh(["acme/orders", "dan/users"]))) == acmes - {"acme/orders"}

        # Nobody is left out if all would be: somebody asks now.
        left["dan"] = 20
        plugin.refresh()
        assert source.usage.resumes_at
        assert doubts(plugin.refresh()) == {}


def test_an_owner_without_the_app_is_doubt_about_its_repositories_only(
    organisation: Organisation, key: rsa.RSAPrivateKey, edited_catalog: EditedCatalog
) -> None:
    catalog = edited_catalog("repository: acme/users", "repository: dan/users")
    with GitHub(two_owners(organisation), app=FakeApp(42, public_pem(key), owners=frozenset({"acme"}))) as github:
        report = app_plugin(github, key, catalog).refresh()

    assert doubts(report) == {
        "dan/users": "GitHub found nothing there (404): Not Found; is the GitHub App installed for this owner?"
    }


def test_a_token_of_an_app_is_renewed_before_it_expires(organisation: Organisation, key: rsa.RSAPrivateKey) -> None:
    with GitHub(organisation, app=FakeApp(42, public_pem(key), token_seconds=10)) as github:
        plugin = app_plugin(github, key, Path("tests/acme/catalog.yaml"))
        plugin.refresh()  # PyGithub renews a token 20 seconds before its end, so this one for each request
        github.now = lambda: datetime.now(UTC) + timedelta(seconds=11)

        assert doubts(plugin.refresh()) == {}


def test_an_app_that_was_installed_again_is_found(
    organisation: Organisation, key: rsa.RSAPrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    with GitHub(organisation, app=FakeApp(42, public_pem(key), token_seconds=10)) as github:
        plugin = app_plugin(github, key, Path("tests/acme/catalog.yaml"))
        plugin.refresh()
        monkeypatch.setattr("tests.fakes.github.app.database_id", len)  # another installation id

        assert set(doubts(plugin.refresh())) != set()
        assert doubts(plugin.refresh()) == {}


def test_another_apps_key_is_refused_and_said_so(organisation: Organisation, key: rsa.RSAPrivateKey) -> None:
    other = rsa.generate_private_key(65537, 2048)
    with GitHub(organisation, app=FakeApp(42, public_pem(other))) as github:
        report = app_plugin(github, key, Path("tests/acme/catalog.yaml")).refresh()

    (doubt,) = set(doubts(report).values())
    assert doubt == (
        "GitHub refused the credentials (401): A JSON web token could not be decoded; "
        "is PREVIEW_GITHUB_TOKEN valid, or the GitHub App's key?"
    )


def test_enterprise_server_has_its_own_paths_and_no_limits(github: GitHub) -> None:
    plugin = make_plugin(GitHubClient(github.enterprise_url, Token(github.token)))
    report = plugin.refresh()

    assert doubts(report) == {}
    assert report.points_left is None
    assert all(call.enterprise for call in github.log)
    assert len(plugin.previews()) == 15


def test_two_threads_never_get_each_others_answer(github: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyGithub keeps a request's state on the connection between sending and receiving; here that takes longer."""
    receive = HTTPRequestsConnectionClass.getresponse

    def receive_late(connection: HTTPRequestsConnectionClass) -> RequestsResponse:
        time.sleep(0.002)
        return receive(connection)

    monkeypatch.setattr(HTTPRequestsConnectionClass, "getresponse", receive_late)
    client = GitHubClient(github.url, Token(github.token))

    def look_up(number: int) -> list[int]:
        query = queries.confirm({"acme/orders": [number]})
        answers = [client.query("acme/orders", query) for _ in range(20)]
        return [answer.data["r0"]["p0"]["number"] for answer in answers]

    numbers = [12, 15, 17, 18]
    with ThreadPoolExecutor(len(numbers)) as threads:
        found = list(threads.map(look_up, numbers))

    assert found == [[number] * 20 for number in numbers]
