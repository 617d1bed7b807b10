"""Each ready-made fault looks to a client like what happens with GitHub."""

import json
import random
import time
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from tests.contract.fake_github import texts
from tests.contract.fake_github.conftest import Ask
from tests.fakes.github import GitHub, Intercept, faults

TWO = {
    "o0": "acme",
    "n0": "orders",
    "l0": None,
    "f0": 20,
    "o1": "globex",
    "n1": "site",
    "l1": None,
    "f1": 20,
}


def post(github: GitHub) -> requests.Response:
    body = {"query": texts.listing([0, 0]), "variables": TWO}
    headers = {"Authorization": f"bearer {github.token}"}
    return requests.post(f"{github.url}/graphql", json=body, headers=headers, timeout=10)


@pytest.mark.parametrize(
    ("fault", "status", "header"),
    [
        (faults.server_error(), 502, ("Content-Type", "text/html; charset=utf-8")),
        (faults.server_error(500), 500, ("Content-Type", "text/html; charset=utf-8")),
        (faults.html_with_status_200(), 200, ("Content-Type", "text/html; charset=utf-8")),
        (faults.secondary_limit(), 403, ("Retry-After", None)),
        (faults.secondary_limit(429, retry_after=7), 429, ("Retry-After", "7")),
        (faults.primary_limit(), 403, ("x-ratelimit-remaining", "0")),
        (faults.primary_limit(429), 429, ("x-ratelimit-remaining", "0")),
        (faults.bad_credentials(), 401, ("Retry-After", None)),
    ],
)
def test_faults_of_http(github: GitHub, fault: Intercept, status: int, header: tuple[str, str | None]) -> None:
    github.intercept = fault
    answer = post(github)

    assert answer.status_code == status
    assert answer.headers.get(header[0]) == header[1]
    assert "Date" in answer.headers
    assert [call.operation for call in github.log] == ["List"]


@pytest.mark.parametrize("fault", [faults.truncated_body(), faults.no_answer()])
def test_a_dropped_connection_is_an_error(github: GitHub, fault: Intercept) -> None:
    github.intercept = fault

    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        post(github)


def test_a_slow_answer_is_still_the_answer(github: GitHub) -> None:
    github.intercept = faults.slow(0.1)
    start = time.perf_counter()

    assert post(github).json()["data"]["r0"]
    assert time.perf_counter() - start >= 0.1


def test_an_exceeded_rate_limit_has_errors_and_no_data(github: GitHub, ask: Ask) -> None:
    github.intercept = faults.rate_limited()
    answer = ask(texts.listing([0, 0]), **TWO)

    assert answer.keys() == {"errors"}
    assert answer["errors"][0]["type"] == "RATE_LIMITED"


def test_a_server_error_in_graphql_has_no_path(github: GitHub, ask: Ask) -> None:
    github.intercept = faults.error_without_path()
    answer = ask(texts.listing([0, 0]), **TWO)

    assert answer["data"] is None
    assert answer["errors"][0].keys() == {"message"}


def test_an_empty_object_has_neither_data_nor_errors(github: GitHub, ask: Ask) -> None:
    github.intercept = faults.empty_object()

    assert ask(texts.listing([0, 0]), **TWO) == {}


def test_a_repository_can_be_null_without_an_error(github: GitHub, ask: Ask) -> None:
    github.intercept = faults.null_repository("r0")
    answer = ask(texts.listing([0, 0]), **TWO)

    assert answer.keys() == {"data"}
    assert answer["data"]["r0"] is None
    assert answer["data"]["r1"]["nameWithOwner"] == "globex/site"


def test_one_alias_can_fail_alone(github: GitHub, ask: Ask) -> None:
    github.intercept = faults.alias_error("r1")
    answer = ask(texts.listing([0, 0]), **TWO)

    assert answer["data"]["r0"]["nameWithOwner"] == "acme/orders"
    assert answer["data"]["r1"] is None
    assert [(error["type"], error["path"]) for error in answer["errors"]] == [("FORBIDDEN", ["r1"])]


def test_a_fault_can_concern_one_repository(github: GitHub, ask: Ask) -> None:
    github.intercept = faults.asking_for("globex/site", faults.null_repository)

    assert [ask(texts.listing([0, 0]), **TWO)["data"][alias] is None for alias in ("r0", "r1")] == [False, True]
    assert ask(texts.confirm([1]), o0="globex", n0="site", p0_0=1)["data"]["r0"] is None
    assert ask(texts.identity(), ids=[])["data"]["nodes"] == []


def test_exceeded_resource_limits_truncate_a_list_silently(github: GitHub, ask: Ask) -> None:
    whole = ask(texts.listing([0, 0]), **TWO)["data"]["r0"]["list"]
    github.intercept = faults.resource_limits_exceeded()
    answer = ask(texts.listing([0, 0]), **TWO)
    part = answer["data"]["r0"]["list"]

    assert part["pageInfo"] == whole["pageInfo"]
    assert part["nodes"] == whole["nodes"][:-1]
    assert answer["data"]["r1"] is None
    assert [(error["type"], error["path"]) for error in answer["errors"]] == [("RESOURCE_LIMITS_EXCEEDED", ["r1"])]


def test_faults_can_concern_one_operation_a_number_of_times_or_in_turn(github: GitHub, ask: Ask) -> None:
    def statuses(intercept: Intercept, number: int) -> list[int]:
        github.intercept = intercept
        return [post(github).status_code for _ in range(number)]

    assert statuses(faults.on("List", faults.server_error()), 2) == [502, 502]
    assert statuses(faults.on("Details", faults.server_error()), 2) == [200, 200]
    assert statuses(faults.times(2, faults.server_error()), 3) == [502, 502, 200]
    assert statuses(faults.in_turn(None, faults.server_error(504), faults.bad_credentials()), 4) == [
        200,
        504,
        401,
        200,
    ]
    mixed = faults.times(1, faults.on("Confirm", faults.rate_limited()))
    assert statuses(mixed, 2) == [200, 200]
    assert ask(texts.confirm([0]), o0="acme", n0="orders").keys() == {"errors"}


def test_a_failed_query_still_costs_its_points(github: GitHub) -> None:
    github.intercept = faults.server_error()
    post(github)

    assert github.points == github.log[0].cost == 1


def test_any_function_can_be_a_fault(github: GitHub) -> None:
    seen: list[Any] = []

    def intercept(request: Any) -> None:
        seen.append((request.method, request.path, request.operation, json.loads(request.body)["variables"]))

    github.intercept = intercept
    post(github)

    assert seen == [("POST", "/graphql", "List", TWO)]


def listed(ask: Ask, **variables: Any) -> Any:
    """Return the numbers that acme/orders lists; without faults 1, 2, 3, 4 and 7."""
    return ask(texts.listing([0]), **{"o0": "acme", "n0": "orders", "l0": None, "f0": 20, **variables})["data"]["r0"][
        "list"
    ]


def numbers(content: Any) -> list[int]:
    return [node["number"] for node in content["nodes"]]


@pytest.mark.parametrize(("honest", "count"), [(True, 5), (False, 3)])
def test_a_listing_can_lose_half_of_its_entries(github: GitHub, ask: Ask, honest: bool, count: int) -> None:  # noqa: FBT001
    github.intercept = faults.lost_half(honest=honest)
    content = listed(ask)

    assert (numbers(content), content["totalCount"]) == ([1, 3, 7], count)
    assert not content["pageInfo"]["hasNextPage"]


@pytest.mark.parametrize(("honest", "count"), [(True, 5), (False, 2)])
def test_a_listing_can_end_after_its_first_page(github: GitHub, ask: Ask, honest: bool, count: int) -> None:  # noqa: FBT001
    github.intercept = faults.first_page_only(2, honest=honest)
    content = listed(ask, f0=3)

    assert (numbers(content), content["totalCount"]) == ([1, 2], count)
    assert not content["pageInfo"]["hasNextPage"]


def test_entries_can_come_in_any_order(github: GitHub, ask: Ask) -> None:
    github.intercept = faults.out_of_order(random.Random(1))
    found = [numbers(listed(ask)) for _ in range(5)]

    assert all(sorted(each) == [1, 2, 3, 4, 7] for each in found)
    assert any(each != [1, 2, 3, 4, 7] for each in found)


def test_pages_can_come_in_another_order(github: GitHub, ask: Ask) -> None:
    github.intercept = faults.pages_out_of_order()
    first = listed(ask, f0=2)
    second = listed(ask, f0=2, a0=first["pageInfo"]["endCursor"])
    third = listed(ask, f0=2, a0=second["pageInfo"]["endCursor"])

    assert [numbers(page) for page in (first, second, third)] == [[3, 4], [1, 2], [7]]
    assert [page["pageInfo"]["hasNextPage"] for page in (first, second, third)] == [True, True, False]


def test_an_entry_can_be_null_without_an_error(github: GitHub, ask: Ask) -> None:
    github.intercept = faults.null_nodes()
    content = listed(ask)

    assert [node is None for node in content["nodes"]] == [True, False, False, False, False]


def test_exceeded_resource_limits_can_leave_nothing(github: GitHub, ask: Ask) -> None:
    github.intercept = faults.resource_limits_exceeded()

    assert ask("query Q { rateLimit { cost } }")["errors"] == [
        {"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits for this query exceeded."}
    ]
    assert ask(texts.identity(), ids=[])["data"]["nodes"] is None


@pytest.mark.parametrize("fault", [faults.rate_limited(30), faults.primary_limit(seconds=30)], ids=["200", "403"])
def test_an_exceeded_rate_limit_says_when_it_resets(github: GitHub, fault: Intercept) -> None:
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    github.now = lambda: noon
    github.intercept = fault

    assert post(github).headers["x-ratelimit-reset"] == str(int(noon.timestamp()) + 30)


def test_a_deleted_label_is_null_and_leaves_no_trace(github: GitHub, ask: Ask) -> None:
    asked = {"o0": "acme", "n0": "orders", "k0_0": "preview"}
    before = ask(texts.probe([1]), **asked)["data"]["r0"]
    github.delete_label("acme/orders", "preview")
    after = ask(texts.probe([1]), **asked)["data"]["r0"]

    assert before["k0"]["id"].startswith("LA_")
    assert after == {**before, "k0": None}
    assert numbers(listed(ask, l0=["preview"])) == []
    github.restore()
    assert numbers(listed(ask, l0=["preview"])) == [1, 2, 3, 4]


def test_a_hidden_pull_request_is_not_found_until_it_returns(github: GitHub, ask: Ask) -> None:
    github.hide("acme/orders", 3)
    assert numbers(listed(ask)) == [1, 2, 4, 7]
    answer = ask(texts.confirm([1]), o0="acme", n0="orders", p0_0=3)
    assert answer["data"]["r0"]["p0"] is None
    assert [error["type"] for error in answer["errors"]] == ["NOT_FOUND"]

    github.restore()
    assert numbers(listed(ask)) == [1, 2, 3, 4, 7]


def test_a_deleted_repository_is_not_found(github: GitHub, ask: Ask) -> None:
    known = ask(texts.probe([0]), o0="acme", n0="orders")["data"]["r0"]["id"]
    github.delete("acme/orders")

    assert ask(texts.probe([0]), o0="acme", n0="orders")["data"]["r0"] is None
    assert ask(texts.identity(), ids=[known])["data"]["nodes"] == [None]
    github.restore()
    assert ask(texts.identity(), ids=[known])["data"]["nodes"] != [None]


def test_a_missing_repository_cannot_be_deleted_or_hidden(github: GitHub) -> None:
    """A misspelt name would make a test pass without testing anything."""
    with pytest.raises(ValueError, match="has no acme/order"):
        github.delete("acme/order")
    with pytest.raises(ValueError, match="has no acme/order"):
        github.delete_label("acme/order", "preview")
    with pytest.raises(ValueError, match="has no pull request acme/orders#99"):
        github.hide("acme/orders", 99)


def test_a_nested_error_makes_its_place_null(github: GitHub, ask: Ask) -> None:
    github.intercept = faults.nested_error("r0", "list", "nodes", 3, "headRepository")
    answer = ask(texts.listing([0, 0]), **TWO)

    assert answer["data"]["r0"]["list"]["nodes"][3]["headRepository"] is None
    assert answer["data"]["r0"]["list"]["nodes"][3]["number"] == 4
    [error] = answer["errors"]
    assert (error["type"], error["message"]) == ("FORBIDDEN", "GitHub hides this")
    assert error["path"] == ["r0", "list", "nodes", 3, "headRepository"]


@pytest.mark.parametrize("place", [("title",), ()], ids=["a field that cannot be null", "the entry itself"])
def test_a_nested_error_makes_a_parent_null_whose_field_is_required(
    github: GitHub, ask: Ask, place: tuple[str, ...]
) -> None:
    github.intercept = faults.nested_error("r0", "list", "nodes", 3, *place)
    answer = ask(texts.listing([0, 0]), **TWO)

    assert [node is None for node in answer["data"]["r0"]["list"]["nodes"]] == [False, False, False, True, False]
    assert answer["errors"][0]["path"] == ["r0", "list", "nodes", 3, *place]


def test_an_archived_repository_says_since_when(github: GitHub, ask: Ask) -> None:
    asked = {"o0": "acme", "n0": "orders"}
    assert ask(texts.probe([0]), **asked)["data"]["r0"]["archivedAt"] is None

    github.archive("acme/orders", datetime(2026, 11, 21, 12, tzinfo=UTC))
    assert ask(texts.probe([0]), **asked)["data"]["r0"]["archivedAt"] == "2026-11-21T12:00:00Z"

    github.archive("acme/orders", None)
    assert ask(texts.probe([0]), **asked)["data"]["r0"]["archivedAt"] is None
