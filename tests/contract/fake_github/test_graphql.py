"""The GraphQL side answers and refuses as GitHub does."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from plugin.sources.file import Organisation, RepositoryEntry
from tests.contract.fake_github import texts
from tests.contract.fake_github.conftest import Ask, pull_request
from tests.fakes.github import Blob, GitHub, Symlink, Tree, database_id

ORDERS = {"o0": "acme", "n0": "orders"}
EVERYTHING = {**ORDERS, "l0": None, "f0": 100, "a0": None}


def orders(selection: str) -> str:
    return f'{{ repository(owner: "acme", name: "orders") {{ {selection} }} }}'


def numbers(answer: Any) -> list[int]:
    return [node["number"] for node in answer["data"]["r0"]["list"]["nodes"]]


def listed(answer: Any) -> dict[int, Any]:
    return {node["number"]: node for node in answer["data"]["r0"]["list"]["nodes"]}


def file_at(ask: Ask, sha: str) -> Any:
    answer = ask(texts.details([1]), ids=[], s0_0=sha, e0_0=f"{sha}:.preview.yaml", m0_0=f"{sha}:x", **ORDERS)
    assert "errors" not in answer
    return answer["data"]["r0"]


def test_open_pull_requests_are_listed_in_the_order_of_their_numbers(ask: Ask) -> None:
    assert numbers(ask(texts.listing([0]), **EVERYTHING)) == [1, 2, 3, 4, 7]


def test_several_labels_mean_any_of_them_in_any_case(ask: Ask) -> None:
    def labelled(*labels: str) -> list[int]:
        return numbers(ask(texts.listing([0]), **{**EVERYTHING, "l0": list(labels)}))

    assert labelled("preview") == labelled("PREVIEW") == [1, 2, 3, 4]  # 2 has it as "Preview"
    assert labelled("preview", "kind/bug") == [1, 2, 3, 4, 7]
    assert labelled("other") == []


def test_label_names_ignore_case(github: GitHub, ask: Ask) -> None:
    def label_id(name: str) -> Any:
        label = ask(texts.probe([1]), **ORDERS, k0_0=name)["data"]["r0"]["k0"]
        return label and label["id"]

    assert label_id("preview") == label_id("PREVIEW") != label_id("other")
    github.delete_label("acme/orders", "Preview")
    assert label_id("preview") is None


def test_pages_together_are_the_whole_list(ask: Ask) -> None:
    found, cursor, pages = [], None, 0
    while True:
        answer = ask(texts.listing([0]), **{**EVERYTHING, "f0": 2, "a0": cursor})
        found += numbers(answer)
        pages += 1
        page = answer["data"]["r0"]["list"]["pageInfo"]
        if not page["hasNextPage"]:
            break
        cursor = page["endCursor"]

    assert (found, pages) == ([1, 2, 3, 4, 7], 3)


def test_a_pull_request_that_closes_between_two_pages_hides_no_other(github: GitHub, ask: Ask) -> None:
    first = ask(texts.listing([0]), **{**EVERYTHING, "f0": 2})
    github.organisation = Organisation(
        repositories={
            "acme/orders": RepositoryEntry(
                pull_requests=tuple(
                    entry if entry.number != 1 else entry.model_copy(update={"state": "closed"})
                    for entry in github.organisation.repositories["acme/orders"].pull_requests
                )
            )
        }
    )
    cursor = first["data"]["r0"]["list"]["pageInfo"]["endCursor"]

    assert numbers(ask(texts.listing([0]), **{**EVERYTHING, "a0": cursor})) == [3, 4, 7]


def test_a_cursor_that_github_did_not_give_is_refused(ask: Ask) -> None:
    answer = ask(texts.listing([0]), **{**EVERYTHING, "a0": "x"})

    assert answer["errors"][0]["type"] == "INVALID_CURSOR_ARGUMENTS"
    assert answer["data"]["r0"] is None  # the field may not be null, so its parent is


def test_the_newest_are_those_updated_last_over_all_states(ask: Ask) -> None:
    newest = ask(texts.listing([0]), **EVERYTHING)["data"]["r0"]["newest"]["nodes"]

    assert [node["number"] for node in newest] == [3, 7, 6, 5, 4]
    assert newest[0]["updatedAt"] == "2026-11-03T00:00:00Z"


def test_pages_of_the_newest_are_the_whole_list_too(ask: Ask) -> None:
    found: list[int] = []
    after = "null"
    for _ in range(4):
        order = "orderBy: {field: UPDATED_AT, direction: DESC}"
        page = f"pullRequests(first: 2, after: {after}, {order})"
        answer = ask(orders(f"{page} {{ pageInfo {{ endCursor }} nodes {{ number }} }}"))
        connection = answer["data"]["repository"]["pullRequests"]
        found += [node["number"] for node in connection["nodes"]]
        after = f'"{connection["pageInfo"]["endCursor"]}"'

    assert found == [3, 7, 6, 5, 4, 2, 1]


def test_branches_can_be_asked_for(ask: Ask) -> None:
    def found(argument: str) -> list[int]:
        answer = ask(orders(f"pullRequests(first: 9, {argument}) {{ nodes {{ number }} }}"))
        return [node["number"] for node in answer["data"]["repository"]["pullRequests"]["nodes"]]

    assert found('headRefName: "branch-3"') == [3]
    assert found('baseRefName: "other"') == []
    assert found('baseRefName: "main", states: [MERGED, CLOSED]') == [5, 6]


def test_people_bots_and_deleted_accounts_differ(ask: Ask) -> None:
    found = listed(ask(texts.listing([0]), **EVERYTHING))

    assert found[3]["author"] == {"__typename": "User", "login": "ada"}
    assert found[1]["author"] == {"__typename": "Bot", "login": "dependabot"}
    assert found[2]["author"] is None


def test_a_fork_is_a_separate_repository_until_it_is_deleted(github: GitHub, ask: Ask) -> None:
    before = listed(ask(texts.listing([0]), **EVERYTHING))
    github.delete_fork("mallory/orders")
    after = listed(ask(texts.listing([0]), **EVERYTHING))

    assert before[3]["headRepository"] == {"databaseId": database_id("acme/orders")}
    assert before[4]["headRepository"] == {"databaseId": database_id("mallory/orders")}
    assert before[4]["isCrossRepository"] is after[4]["isCrossRepository"] is True
    assert after[4]["headRepository"] is None


def test_more_than_a_hundred_labels_come_in_pages(github: GitHub, ask: Ask) -> None:
    labels = [f"label-{i}" for i in range(150)]
    github.organisation = Organisation(
        repositories={"acme/orders": RepositoryEntry(pull_requests=(pull_request(1, labels=labels),))}
    )
    first = listed(ask(texts.listing([0]), **EVERYTHING))[1]
    rest = ask(texts.labels(), id=first["id"], after=first["labels"]["pageInfo"]["endCursor"])["data"]["node"]

    assert first["labels"]["pageInfo"]["hasNextPage"]
    assert [node["name"] for node in first["labels"]["nodes"] + rest["labels"]["nodes"]] == labels
    assert not rest["labels"]["pageInfo"]["hasNextPage"]


def test_an_unknown_repository_is_null_beside_the_others(ask: Ask) -> None:
    answer = ask(texts.confirm([1, 1]), **ORDERS, p0_0=5, o1="acme", n1="x", p1_0=1)

    assert answer["data"]["r0"]["p0"]["state"] == "MERGED"
    assert answer["data"]["r1"] is None
    [error] = answer["errors"]
    assert error.pop("locations")
    assert error == {
        "type": "NOT_FOUND",
        "path": ["r1"],
        "message": "Could not resolve to a Repository with the name 'acme/x'.",
    }


def test_an_unknown_number_is_null_with_an_error(ask: Ask) -> None:
    answer = ask(texts.confirm([2]), **ORDERS, p0_0=6, p0_1=99)

    found = answer["data"]["r0"]["p0"]
    assert found.pop("id").startswith("PR_")
    assert found == {
        "number": 6,
        "state": "CLOSED",
        "updatedAt": "2026-11-01T09:00:00Z",
        "isDraft": False,
        "baseRefName": "main",
        "headRefOid": f"{6:040x}",
        "labels": {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": []},
    }
    assert answer["data"]["r0"]["p1"] is None
    assert (answer["errors"][0]["type"], answer["errors"][0]["path"]) == ("NOT_FOUND", ["r0", "p1"])
    assert answer["errors"][0]["message"] == "Could not resolve to a PullRequest with the number of 99."


def test_an_unknown_id_is_null_with_an_error_beside_the_known_ones(ask: Ask) -> None:
    known = listed(ask(texts.listing([0]), **EVERYTHING))[3]["id"]

    answer = ask(texts.details([]), ids=["PR_nobody", known])

    assert [node and node["id"] for node in answer["data"]["nodes"]] == [None, known]
    assert (answer["errors"][0]["type"], answer["errors"][0]["path"]) == ("NOT_FOUND", ["nodes", 0])


def test_repository_names_ignore_case(ask: Ask) -> None:
    answer = ask(texts.confirm([0]), o0="ACME", n0="Orders")

    assert answer["data"]["r0"] == {"databaseId": database_id("acme/orders")}


def test_a_file_is_read_by_commit_and_is_null_if_missing(ask: Ask) -> None:
    assert file_at(ask, f"{3:040x}")["f0"] == {
        "__typename": "Blob",
        "byteSize": 11,
        "isBinary": False,
        "isTruncated": False,
        "text": "version: 1\n",
    }
    without = file_at(ask, f"{1:040x}")
    assert without["c0"] == {"oid": f"{1:040x}"}
    assert without["f0"] is None


def test_a_fork_s_commit_is_read_through_the_base_repository(github: GitHub, ask: Ask) -> None:
    before = file_at(ask, f"{4:040x}")
    github.delete_fork("mallory/orders")

    assert before["f0"]["text"] == "version: 2\n"
    assert file_at(ask, f"{4:040x}") == before


def test_an_unknown_commit_is_null_without_an_error_until_github_knows_it(github: GitHub, ask: Ask) -> None:
    github.forget_commit(f"{3:040x}")
    forgotten = file_at(ask, f"{3:040x}")
    github.remember_commit(f"{3:040x}")

    assert (forgotten["c0"], forgotten["f0"]) == (None, None)
    assert file_at(ask, f"{3:040x}")["c0"] is not None


def test_odd_files_look_as_they_do_on_github(github: GitHub, ask: Ask) -> None:
    def put(file: Blob | Symlink | Tree) -> Any:
        github.put_file("acme/orders", f"{3:040x}", file)
        return file_at(ask, f"{3:040x}")["f0"]

    binary = put(Blob(None, is_binary=True, byte_size=7))
    huge = put(Blob("version: 1", is_truncated=True, byte_size=2_000_000))

    assert (binary["text"], binary["isBinary"], binary["byteSize"]) == (None, True, 7)
    assert (huge["isTruncated"], huge["byteSize"]) == (True, 2_000_000)
    assert put(Symlink("../secret"))["text"] == "../secret"
    assert put(Tree()) == {"__typename": "Tree"}


def test_a_config_file_with_a_zero_byte_is_binary(github: GitHub, ask: Ask) -> None:
    entry = pull_request(1, config="version: 1\0")
    github.organisation = Organisation(repositories={"acme/orders": RepositoryEntry(pull_requests=(entry,))})
    file = file_at(ask, f"{1:040x}")["f0"]

    assert (file["isBinary"], file["text"], file["byteSize"]) == (True, None, 11)


def test_a_renamed_repository_keeps_its_identity(github: GitHub, ask: Ask) -> None:
    follow = 'query Q($n: String!) { repository(owner: "acme", name: $n) { id nameWithOwner } }'
    before = ask(follow, n="orders")["data"]["repository"]
    github.rename("acme/orders", "acme/sales")

    assert ask(texts.confirm([0]), **ORDERS)["errors"][0]["type"] == "NOT_FOUND"
    assert ask(follow, n="orders")["data"]["repository"] == {
        "id": before["id"],
        "nameWithOwner": "acme/sales",
    }
    assert ask(texts.confirm([1]), o0="acme", n0="sales", p0_0=3)["data"]["r0"]["p0"]["number"] == 3


def test_a_recreated_repository_has_another_identity(github: GitHub, ask: Ask) -> None:
    def identities() -> tuple[int, str]:
        repository = ask(texts.listing([0]), **EVERYTHING)["data"]["r0"]
        return repository["databaseId"], repository["list"]["nodes"][0]["id"]

    before = identities()
    github.recreate("acme/orders")

    assert not set(before) & set(identities())


def test_identities_do_not_change_from_one_run_to_the_next(organisation: Organisation) -> None:
    def identity() -> Any:
        with GitHub(organisation) as github:
            headers = {"Authorization": f"token {github.token}"}
            body = {"query": texts.listing([0]), "variables": EVERYTHING}
            return requests.post(f"{github.url}/graphql", json=body, headers=headers, timeout=10).json()["data"]["r0"]

    assert identity() == identity()


def test_the_rate_limit_counts_down_and_is_told_in_headers_too(github: GitHub) -> None:
    query = "{ rateLimit { limit cost used remaining nodeCount resetAt } }"
    moment = datetime(2026, 11, 21, 9, tzinfo=UTC)
    github.now = lambda: moment

    def ask() -> requests.Response:
        headers = {"Authorization": f"bearer {github.token}"}
        return requests.post(f"{github.url}/graphql", json={"query": query}, headers=headers, timeout=10)

    ask()
    second = ask()

    assert second.json()["data"]["rateLimit"] == {
        "limit": 5000,
        "cost": 1,
        "used": 2,
        "remaining": 4998,
        "nodeCount": 0,
        "resetAt": "2026-11-21T10:00:00Z",
    }
    assert second.headers["x-ratelimit-remaining"] == "4998"
    assert second.headers["x-ratelimit-resource"] == "graphql"
    assert parsedate_to_datetime(second.headers["Date"]) == moment
    assert github.points == 2


def test_an_exceeded_rate_limit_is_an_error_with_status_200(github: GitHub, ask: Ask) -> None:
    moment = datetime(2026, 11, 21, 9, tzinfo=UTC)
    github.now = lambda: moment
    github.budget = 1
    query = texts.confirm([0])
    healthy = ask(query, **ORDERS)
    limited = ask(query, **ORDERS)
    github.now = lambda: moment + timedelta(hours=1)

    assert healthy["data"]["rateLimit"]["remaining"] == 0
    assert limited.keys() == {"errors"}
    assert limited["errors"][0]["type"] == "RATE_LIMITED"
    assert ask(query, **ORDERS) == {
        "data": {
            **healthy["data"],
            "rateLimit": {**healthy["data"]["rateLimit"], "resetAt": "2026-11-21T11:00:00Z"},
        }
    }


def test_enterprise_server_has_its_own_path_and_no_rate_limit(github: GitHub) -> None:
    github.budget = 0
    body = {"query": texts.confirm([0]), "variables": ORDERS}
    headers = {"Authorization": f"bearer {github.token}"}

    answer = requests.post(f"{github.url}/api/graphql", json=body, headers=headers, timeout=10)

    assert answer.json()["data"] == {"rateLimit": None, "r0": {"databaseId": database_id("acme/orders")}}
    assert "x-ratelimit-limit" not in answer.headers
    wrong = requests.post(f"{github.enterprise_url}/graphql", json=body, headers=headers, timeout=10)
    assert wrong.status_code == 404


@pytest.mark.parametrize("authorization", [None, "bearer wrong", "bearer", "basic fake-token", "fake-token"])
def test_a_missing_or_wrong_token_is_401_and_costs_nothing(github: GitHub, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    body = {"query": texts.confirm([0]), "variables": ORDERS}

    answer = requests.post(f"{github.url}/graphql", json=body, headers=headers, timeout=10)

    assert answer.status_code == 401
    assert answer.json().keys() == {"message", "documentation_url", "status"}
    assert github.points == 0


def test_a_request_without_a_user_agent_is_refused(github: GitHub) -> None:
    connection = HTTPConnection("127.0.0.1", urlsplit(github.url).port, timeout=10)
    connection.request("GET", "/repos/acme/orders", headers={"Authorization": f"bearer {github.token}"})

    assert connection.getresponse().status == 403
    connection.close()


def test_graphql_requires_post_and_json_with_a_query(github: GitHub) -> None:
    url, headers = f"{github.url}/graphql", {"Authorization": f"bearer {github.token}"}

    assert requests.get(url, headers=headers, timeout=10).status_code == 404
    assert requests.post(url, data="{", headers=headers, timeout=10).status_code == 400
    assert requests.post(url, json=[], headers=headers, timeout=10).status_code == 400
    assert requests.post(url, json={"query": None}, headers=headers, timeout=10).status_code == 400


def test_too_many_ids_are_refused_as_github_does(ask: Ask) -> None:
    answer = ask(texts.details([]), ids=["PR_x"] * 101)

    assert answer == {
        "data": None,
        "errors": [
            {
                "type": "ARGUMENT_LIMIT",
                "path": ["nodes"],
                "message": "You may not provide more than 100 node ids; you provided 101.",
            }
        ],
    }


def test_too_many_nodes_are_refused_without_a_path(ask: Ask) -> None:
    variables: dict[str, Any] = {}
    for i in range(50):
        variables |= {f"o{i}": "acme", f"n{i}": "orders", f"f{i}": 100}

    [error] = ask(texts.listing([0] * 50), **variables)["errors"]

    assert error.keys() == {"type", "message"}
    assert error["type"] == "MAX_NODE_LIMIT_EXCEEDED"


def test_a_page_of_101_is_refused_and_costs_nothing(github: GitHub, ask: Ask) -> None:
    answer = ask(texts.listing([0]), **{**EVERYTHING, "f0": 101})

    assert answer["data"] is None
    assert answer["errors"][0]["type"] == "EXCESSIVE_PAGINATION"
    assert answer["errors"][0]["path"] == ["r0", "list"]
    assert github.points == 0


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ('query Q { repository(owner: "a", name: "b") { stars } }', {}),
        ('query Q { repository(owner: "a", nam: "b") { databaseId } }', {}),
        ('query Q { repository(owner: "a") { databaseId } }', {}),
        ('query Q($n: String) { repository(owner: "a", name: $n) { databaseId } }', {}),
        ('query Q($n: String!) { repository(owner: "a", name: $n) { databaseId } }', {}),
        ('query Q($n: String!) { repository(owner: "a", name: $n) { databaseId } }', {"n": None}),
        ("query Q { repository(", {}),
        ("query A { rateLimit { cost } } query B { rateLimit { cost } }", {}),
    ],
    ids=["field", "argument", "missing", "nullable", "unset", "null", "syntax", "two"],
)
def test_a_wrong_query_has_errors_and_no_data(ask: Ask, query: str, variables: dict[str, Any]) -> None:
    assert ask(query, **variables).keys() == {"errors"}


def test_an_abbreviated_commit_is_refused(ask: Ask) -> None:
    answer = ask(texts.details([1]), ids=[], **ORDERS, s0_0="main", e0_0="main:x", m0_0="main:y")

    assert answer.keys() == {"errors"}
    assert "GitObjectID" in answer["errors"][0]["message"]


def test_each_request_is_logged(github: GitHub, ask: Ask) -> None:
    ask(texts.listing([0]), **EVERYTHING)

    [call] = github.log
    assert (call.operation, call.variables, call.cost, call.nodes) == ("List", EVERYTHING, 1, 10_105)


def test_an_answer_takes_as_long_as_the_latency_says(github: GitHub, ask: Ask) -> None:
    github.latency = 0.1
    start = time.perf_counter()
    ask(texts.confirm([0]), **ORDERS)

    assert time.perf_counter() - start >= 0.1


@pytest.mark.parametrize(
    ("query", "missing"),
    [
        ("{ rateLimit(dryRun: true) { cost } }", "dryRun"),
        ('{ node(id: "U_1") { id } }', "not U_1"),
        (orders('object(expression: "main:README.md") { oid }'), "full commit only"),
        (orders("pullRequests(first: 1, labels: []) { nodes { id } }"), "labels"),
        (orders('pullRequests(last: 1, before: "x") { nodes { id } }'), "pages before a cursor"),
        (
            orders("pullRequests(first: 1, orderBy: {field: COMMENTS, direction: ASC}) { nodes { id } }"),
            "orderBy COMMENTS",
        ),
    ],
)
def test_a_query_that_the_fake_does_not_support_fails_the_test(
    organisation: Organisation, query: str, missing: str
) -> None:
    github = GitHub(organisation)
    headers = {"Authorization": f"bearer {github.token}"}
    answer = requests.post(f"{github.url}/graphql", json={"query": query}, headers=headers, timeout=10)

    assert answer.status_code == 500
    with pytest.raises(AssertionError, match=missing):
        github.__exit__(None, None, None)


def test_a_closed_github_hangs_up_on_open_connections(organisation: Organisation) -> None:
    github = GitHub(organisation)
    with requests.Session() as session:
        url, headers = f"{github.url}/repos/acme/orders", {"Authorization": f"bearer {github.token}"}
        assert session.get(url, headers=headers, timeout=10).status_code == 200
        github.close()
        with pytest.raises(requests.ConnectionError):
            session.get(url, headers=headers, timeout=10)


def test_an_organisation_that_github_could_not_hold_is_refused() -> None:
    def organisation(*entries: Any) -> Organisation:
        return Organisation(repositories={"acme/orders": RepositoryEntry(pull_requests=entries)})

    same = "a" * 40
    with pytest.raises(ValueError, match="two contents"):
        GitHub(organisation(pull_request(1, head_sha=same, config="a"), pull_request(2, head_sha=same, config="b")))


def test_a_change_to_a_missing_repository_is_refused(github: GitHub) -> None:
    """A misspelt name would make a test pass without testing anything."""
    with pytest.raises(ValueError, match="has no acme/order"):
        github.rename("acme/order", "acme/sales")
    with pytest.raises(ValueError, match="has no acme/order"):
        github.recreate("acme/order")
    with pytest.raises(ValueError, match="has no acme/order"):
        github.put_file("acme/order", "a" * 40, Tree())
    with pytest.raises(ValueError, match="no pull request of mallory/order"):
        github.delete_fork("mallory/order")
    with pytest.raises(ValueError, match="globex/site stands for two"):
        github.rename("acme/orders", "globex/site")
