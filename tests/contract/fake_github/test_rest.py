"""The REST side: what a GitHub App needs, and the naive way of reading that the benchmark compares with."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from github import Auth, Github, GithubIntegration

from plugin.sources.file import Organisation, RepositoryEntry
from tests.contract.fake_github import texts
from tests.contract.fake_github.conftest import pull_request
from tests.fakes import github as fake
from tests.fakes.github import App, Blob, GitHub, Symlink, Tree, database_id
from tests.fakes.github.world import node_id

OPENAPI = json.loads(Path(fake.__file__).with_name("openapi.json").read_text(encoding="utf-8"))
Get = Callable[..., requests.Response]


@pytest.fixture(name="key", scope="module")
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(name="private_key")
def _private_key(key: rsa.RSAPrivateKey) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


@pytest.fixture(name="github")
def _github(organisation: Organisation, key: rsa.RSAPrivateKey) -> Iterator[GitHub]:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public_key = key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
    with GitHub(organisation, app=App(id=42, public_key=public_key)) as github:
        yield github


@pytest.fixture(name="get")
def _get(github: GitHub) -> Get:
    def get(path: str, *, token: str = github.token, method: str = "GET") -> requests.Response:
        headers = {"Authorization": f"bearer {token}"}
        return requests.request(method, f"{github.url}{path}", headers=headers, timeout=10, allow_redirects=False)

    return get


def signed(private_key: str, github: GitHub, **changed: Any) -> str:
    now = int(github.now().timestamp())
    claims = {"iat": now - 60, "exp": now + 300, "iss": "42", **changed}
    return jwt.encode(claims, private_key, algorithm="RS256")


def installation_token(get: Get, bearer: str, owner: str) -> Any:
    installation = get(f"/orgs/{owner}/installation", token=bearer).json()
    path = f"/app/installations/{installation['id']}/access_tokens"
    return get(path, token=bearer, method="POST").json()


def client(github: GitHub, url: str) -> Github:
    auth = Auth.Token(github.token)
    return Github(base_url=url, auth=auth, per_page=100, lazy=True, seconds_between_requests=None, retry=None)


def assert_is_githubs(route: str, response: requests.Response) -> None:
    jsonschema.Draft202012Validator(OPENAPI[f"{route} {response.status_code}"]).validate(response.json())


def test_answers_have_the_shape_of_githubs_openapi(github: GitHub, get: Get, private_key: str) -> None:
    repository = "/repos/{owner}/{repo}"
    contents = repository + "/contents/{path}"
    at = f"/repos/acme/orders/contents/.preview.yaml?ref={3:040x}"
    bearer = signed(private_key, github)
    installation = get("/orgs/acme/installation", token=bearer)
    token = get(f"/app/installations/{installation.json()['id']}/access_tokens", token=bearer, method="POST")

    assert_is_githubs(f"GET {repository}", get("/repos/acme/orders"))
    assert_is_githubs(f"GET {repository}", get("/repos/acme/nothing"))
    assert_is_githubs(f"GET {repository}/pulls", get("/repos/acme/orders/pulls?state=all"))
    assert_is_githubs(f"GET {contents}", get(at))
    for file in (Symlink("nowhere"), Tree(), Blob("x" * 2_000_000)):
        github.put_file("acme/orders", f"{3:040x}", file)
        assert_is_githubs(f"GET {contents}", get(at))
    assert_is_githubs("GET /orgs/{org}/installation", installation)
    assert_is_githubs("POST /app/installations/{installation_id}/access_tokens", token)
    github.rename("acme/orders", "acme/sales")
    assert_is_githubs(f"GET {repository}", get("/repos/acme/orders"))


def test_a_deleted_fork_is_null(github: GitHub, get: Get) -> None:
    """GitHub does this, although its OpenAPI description does not say so for a list of pull requests."""
    github.delete_fork("mallory/orders")
    [head] = [pull["head"] for pull in get("/repos/acme/orders/pulls").json() if pull["number"] == 4]

    assert head == {"label": "mallory:branch-4", "ref": "branch-4", "sha": f"{4:040x}", "repo": None}


@pytest.mark.parametrize("damage", [{"id": "1"}, {"owner": None}, {"invented": 1}])
def test_an_answer_of_another_shape_is_noticed(get: Get, damage: dict[str, Any]) -> None:
    schema = jsonschema.Draft202012Validator(OPENAPI["GET /repos/{owner}/{repo} 200"])
    answer = get("/repos/acme/orders").json()

    assert schema.is_valid(answer)
    assert not schema.is_valid({**answer, **damage})
    assert not schema.is_valid({name: value for name, value in answer.items() if name not in damage | {"url": 1}})


@pytest.mark.parametrize("url", ["url", "enterprise_url"])
def test_pygithub_reads_pull_requests_and_files(github: GitHub, url: str) -> None:
    with client(github, getattr(github, url)) as naive:
        repository = naive.get_repo("acme/orders")
        pulls = {pull.number: pull for pull in repository.get_pulls(state="open")}
        file = repository.get_contents(".preview.yaml", ref=pulls[4].head.sha)

    assert list(pulls) == [7, 4, 3, 2, 1]  # the newest first, unlike in the plugin's queries
    assert not isinstance(file, list)
    assert file.decoded_content == b"version: 2\n"
    assert pulls[1].user.login == "dependabot[bot]"  # with its suffix, unlike in GraphQL
    assert [label.name for label in pulls[1].labels] == ["preview", "kind/bug"]
    assert pulls[4].head.repo.id == database_id("mallory/orders")
    assert (pulls[7].draft, pulls[7].base.ref) == (True, "main")


def test_pages_are_linked(github: GitHub, get: Get) -> None:
    entries = tuple(pull_request(number) for number in range(1, 251))
    github.organisation = Organisation(repositories={"acme/orders": RepositoryEntry(pull_requests=entries)})
    with client(github, github.url) as naive:
        found = [pull.number for pull in naive.get_repo("acme/orders").get_pulls()]

    assert found == list(range(250, 0, -1))
    assert [call.operation for call in github.log] == ["GET /repos/acme/orders/pulls"] * 3
    assert get("/repos/acme/orders/pulls?per_page=100&page=2").links.keys() == {
        "prev",
        "next",
        "last",
        "first",
    }
    assert len(get("/repos/acme/orders/pulls").json()) == 30
    assert len(get("/repos/acme/orders/pulls?per_page=500").json()) == 100


def test_state_chooses_open_closed_or_all(get: Get) -> None:
    def found(state: str) -> list[int]:
        return [pull["number"] for pull in get(f"/repos/acme/orders/pulls?state={state}&direction=asc").json()]

    assert found("open") == [1, 2, 3, 4, 7]
    assert found("closed") == [5, 6]
    assert found("all") == [1, 2, 3, 4, 5, 6, 7]


def test_a_renamed_repository_redirects_by_its_id_and_keeps_the_question(github: GitHub, get: Get) -> None:
    github.rename("acme/orders", "acme/sales")
    moved = get("/repos/acme/orders/pulls?state=closed")

    assert moved.status_code == 301
    identity = database_id("acme/orders")
    assert moved.headers["Location"] == f"{github.url}/repositories/{identity}/pulls?state=closed"
    followed = get(moved.headers["Location"].removeprefix(github.url))
    assert [pull["number"] for pull in followed.json()] == [6, 5]
    assert get(f"/repositories/{identity}").json()["full_name"] == "acme/sales"
    assert get("/repositories/1").status_code == 404


def test_files_are_found_by_commit_only(github: GitHub, get: Get) -> None:
    path = "/repos/acme/orders/contents/.preview.yaml"
    github.put_file("acme/orders", f"{1:040x}", Symlink("real.yaml"))
    github.put_file("acme/orders", f"{1:040x}", Blob("found"), "real.yaml")

    assert get(f"{path}?ref={3:040x}").json()["encoding"] == "base64"
    assert get(f"{path}?ref={1:040x}").json()["size"] == len("found")  # REST follows a link, GraphQL does not
    assert get(f"{path}?ref={2:040x}").status_code == 404
    assert get(f"{path}?ref={'f' * 40}").status_code == 404
    assert get(path).status_code == 404  # the default branch has none


def test_a_file_over_a_megabyte_comes_without_its_content(github: GitHub, get: Get) -> None:
    github.put_file("acme/orders", f"{1:040x}", Blob("x" * 1_000_001))
    file = get(f"/repos/acme/orders/contents/.preview.yaml?ref={1:040x}").json()

    assert (file["encoding"], file["content"], file["size"]) == ("none", "", 1_000_001)


def test_pygithub_works_as_an_app_on_github_and_on_enterprise_server(github: GitHub, private_key: str) -> None:
    for url in (github.url, github.enterprise_url):
        auth = Auth.AppAuth(42, private_key)
        with GithubIntegration(auth=auth, base_url=url, seconds_between_requests=None) as integration:
            installation = integration.get_org_installation("acme")
            with integration.get_github_for_installation(installation.id) as app:
                headers, answer = app.requester.graphql_query(
                    texts.confirm([1]), {"o0": "acme", "n0": "orders", "p0_0": 3}
                )

        assert answer["data"]["r0"]["p0"]["state"] == "OPEN"
        assert "date" in headers


def test_each_owner_has_its_own_installation(github: GitHub, get: Get, private_key: str) -> None:
    bearer = signed(private_key, github)
    token = installation_token(get, bearer, "globex")["token"]
    theirs = node_id("R", "acme/orders")

    def ask(query: str, **variables: object) -> Any:
        body = {"query": query, "variables": variables}
        headers = {"Authorization": f"bearer {token}"}
        return requests.post(f"{github.url}/graphql", json=body, headers=headers, timeout=10).json()

    by_name = ask(texts.confirm([0, 0]), o0="globex", n0="site", o1="acme", n1="orders")
    by_id = ask("query ($id: ID!) { node(id: $id) { id } }", id=theirs)

    assert by_name["data"]["r0"] == {"databaseId": database_id("globex/site")}
    assert by_name["data"]["r1"] is None
    assert (by_name["errors"][0]["type"], by_name["errors"][0]["path"]) == ("NOT_FOUND", ["r1"])
    assert (by_id["data"], by_id["errors"][0]["type"]) == ({"node": None}, "NOT_FOUND")
    assert get("/repos/globex/site", token=token).status_code == 200
    assert get("/repos/acme/orders", token=token).status_code == 404


def test_an_installation_token_expires(github: GitHub, get: Get, private_key: str) -> None:
    moment = datetime(2026, 11, 21, 9, tzinfo=UTC)
    github.now = lambda: moment
    token = installation_token(get, signed(private_key, github), "acme")
    before = get("/repos/acme/orders", token=token["token"]).status_code
    github.now = lambda: moment + timedelta(hours=1)

    assert token["expires_at"] == "2026-11-21T10:00:00Z"
    assert before == 200
    assert get("/repos/acme/orders", token=token["token"]).status_code == 401


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"iss": "43"}, "'Issuer' claim"),
        ({"exp": 2_000_000_000}, "too far in the future"),
        ({"exp": 1_000}, "'Expiration time' claim"),
        ({"iat": 1_900_000_000}, "'Issued at' claim"),
    ],
)
def test_a_json_web_token_with_a_wrong_claim_is_refused(
    github: GitHub, get: Get, private_key: str, changed: dict[str, Any], message: str
) -> None:
    answer = get("/orgs/acme/installation", token=signed(private_key, github, **changed))

    assert answer.status_code == 401
    assert message in answer.json()["message"]


def test_a_json_web_token_of_another_key_is_refused(github: GitHub, get: Get) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    bearer = jwt.encode({"iat": 0, "exp": 9_999_999_999, "iss": "42"}, other, algorithm="RS256")

    for token in (bearer, github.token, "x"):
        assert get("/orgs/acme/installation", token=token).status_code == 401


def test_the_apps_own_token_opens_no_repository(github: GitHub, get: Get, private_key: str) -> None:
    assert get("/repos/acme/orders", token=signed(private_key, github)).status_code == 401


def test_the_app_is_found_only_where_it_is_installed(
    organisation: Organisation, github: GitHub, private_key: str
) -> None:
    public_key = github_public_key(private_key)
    app = App(id=42, public_key=public_key, owners=frozenset({"acme"}))
    with GitHub(organisation, app=app) as limited:
        headers = {"Authorization": f"bearer {signed(private_key, github)}"}

        def status(owner: str) -> int:
            url = f"{limited.url}/orgs/{owner}/installation"
            return requests.get(url, headers=headers, timeout=10).status_code

        assert (status("acme"), status("globex")) == (200, 404)


def github_public_key(private_key: str) -> str:
    key = serialization.load_pem_private_key(private_key.encode(), None)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def test_an_exceeded_rate_limit_is_403(github: GitHub, get: Get) -> None:
    github.budget = 1
    healthy, limited = get("/repos/acme/orders"), get("/repos/acme/orders")

    assert (healthy.status_code, limited.status_code) == (200, 403)
    assert limited.headers["x-ratelimit-remaining"] == "0"


def test_an_unknown_route_is_404(get: Get) -> None:
    assert get("/nothing").status_code == 404
    assert get("/repos/acme/orders", method="POST").status_code == 404
