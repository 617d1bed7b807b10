"""What GitHub's answers mean to the client, on the wire format of PyGithub."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from requests_mock import Mocker

from plugin.sources.github.answer import GraphQLError, Limited, TooHeavy, Unavailable
from plugin.sources.github.client import App, GitHubClient, Token
from plugin.sources.github.limiter import OUT_OF_TIME, Clock

GRAPHQL = "https://api.github.com:443/graphql"  # PyGithub always writes the port
RATE = {"cost": 3, "remaining": 4997, "resetAt": "2026-11-21T10:00:00Z"}


@pytest.fixture(name="client")
def _client() -> GitHubClient:
    return GitHubClient("https://api.github.com", Token("secret"))


@pytest.fixture(name="github")
def _github(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mocker]:
    def sleep(seconds: float) -> None:
        raise AssertionError(f"the client waited for {seconds} s")

    monkeypatch.setattr("time.sleep", sleep)
    with Mocker() as mocker:
        yield mocker


def ask(client: GitHubClient) -> Any:
    return client.query("acme/orders", "query { viewer { login } }", {})


def test_data_comes_with_githubs_own_time_and_is_accounted_for(client: GitHubClient, github: Mocker) -> None:
    date = {"Date": "Sat, 21 Nov 2026 09:00:00 GMT"}
    github.post(GRAPHQL, json={"data": {"rateLimit": RATE, "r0": {"x": 1}}}, headers=date)
    answer = ask(client)
    ask(client)

    assert answer.data["r0"] == {"x": 1}
    assert answer.errors == ()
    assert answer.date == datetime(2026, 11, 21, 9, tzinfo=UTC)
    assert (client.usage.requests, client.usage.points, client.usage.remaining) == (2, 6, 4997)


def test_the_token_is_sent_and_the_agent_is_named(client: GitHubClient, github: Mocker) -> None:
    github.post(GRAPHQL, json={"data": {}})
    ask(client)
    (request,) = github.request_history

    assert request.headers["Authorization"] == "token secret"
    assert request.headers["User-Agent"] == "preview-plugin"
    assert request.timeout == 20


def test_errors_belong_to_their_place(client: GitHubClient, github: Mocker) -> None:
    errors = [{"type": "NOT_FOUND", "path": ["r0", "p1"], "message": "no such pull request"}]
    github.post(GRAPHQL, json={"data": {"r0": {"p0": {}, "p1": None}}, "errors": errors})
    answer = ask(client)

    error = GraphQLError(("r0", "p1"), "NOT_FOUND", "no such pull request")
    assert answer.error("r0") == error
    assert answer.error("r0", "p1") == error
    assert answer.error("r0", "p0") is None
    assert answer.error("r1") is None


def test_an_answer_without_a_date_settles_nothing(client: GitHubClient, github: Mocker) -> None:
    github.post(GRAPHQL, json={"data": {}})

    assert ask(client).date is None
    assert not ask(client).settles(datetime(1970, 1, 1, tzinfo=UTC))


PLACED = {"type": "FORBIDDEN", "path": ["r0"], "message": "no"}
UNAVAILABLE = [
    pytest.param({"status_code": 401, "json": {"message": "Bad credentials"}}, "credentials", id="401"),
    pytest.param({"status_code": 403, "json": {"message": "Resource not accessible"}}, "forbade", id="403"),
    pytest.param({"status_code": 404, "json": {"message": "Not Found"}}, "nothing there", id="404"),
    pytest.param({"status_code": 500, "text": "<html>"}, "status 500", id="500"),
    pytest.param(
        {"status_code": 403, "json": {"message": "API rate limit exceeded for x"}}, "rate limit", id="primary"
    ),
    pytest.param(
        {"status_code": 403, "json": {"message": "You have exceeded a secondary rate limit"}},
        "rate limit",
        id="secondary",
    ),
    pytest.param({"status_code": 403, "json": {}, "headers": {"Retry-After": "60"}}, "rate limit", id="retry after"),
    pytest.param({"status_code": 429, "json": {"message": "Too many requests"}}, "rate limit", id="429"),
    pytest.param({"json": {"errors": [{"type": "RATE_LIMITED", "message": "x"}]}}, "rate limit", id="RATE_LIMITED"),
    pytest.param({"json": {"errors": [PLACED]}}, "no data", id="errors without data"),
    pytest.param({"text": "<html>A proxy's page</html>"}, "no data", id="a page with status 200"),
    pytest.param({"text": ""}, "no proper answer", id="nothing with status 200"),
    pytest.param({"text": "{"}, "no proper answer", id="half an answer"),
    pytest.param({"json": {}}, "no data", id="an empty object"),
    pytest.param({"json": {"data": None}}, "no data", id="null data"),
    pytest.param({"json": []}, "no data", id="a list"),
    pytest.param({"exc": requests.ConnectTimeout}, "could not be reached", id="time-out"),
    pytest.param({"exc": requests.ConnectionError}, "could not be reached", id="refused"),
    pytest.param(
        {"status_code": 301, "headers": {"Location": "https://elsewhere.example.com/"}},
        "no proper answer",
        id="redirect",
    ),
]


@pytest.mark.parametrize(("response", "message"), UNAVAILABLE)
def test_what_asking_for_less_would_not_help(
    client: GitHubClient, github: Mocker, response: dict[str, Any], message: str
) -> None:
    github.post(GRAPHQL, **response)

    with pytest.raises(Unavailable, match=message):
        ask(client)
    assert github.call_count == 1


@pytest.mark.parametrize(
    "response",
    [
        pytest.param({"status_code": 502, "text": "<html>"}, id="502"),
        pytest.param({"status_code": 504, "text": "<html>"}, id="504"),
        pytest.param({"json": {"errors": [{"message": "Something went wrong"}]}}, id="error without a place"),
        pytest.param(
            {
                "json": {
                    "data": {"r0": {}},
                    "errors": [{"type": "RESOURCE_LIMITS_EXCEEDED", "path": ["r0"], "message": "x"}],
                }
            },
            id="resource limits with partial data",
        ),
        pytest.param(
            {"json": {"data": {"r0": {}}, "errors": [PLACED, {"message": "x"}]}}, id="one error without a place"
        ),
    ],
)
def test_what_may_pass_in_halves(client: GitHubClient, github: Mocker, response: dict[str, Any]) -> None:
    github.post(GRAPHQL, **response)

    with pytest.raises(TooHeavy):
        ask(client)
    assert github.call_count == 1


def test_after_a_limit_nothing_is_sent_until_it_is_over(github: Mocker) -> None:
    seconds = 0.0
    client = GitHubClient("https://api.github.com", Token("secret"), Clock(lambda: seconds))
    github.post(GRAPHQL, status_code=403, json={}, headers={"Retry-After": "60"})
    assert client.resting(["acme"]) == {}
    for _ in range(3):
        with pytest.raises(Limited):
            ask(client)
    assert github.call_count == 1
    assert client.usage.resumes_at

    seconds = 60.0
    github.post(GRAPHQL, json={"data": {}})
    ask(client)
    assert client.usage.resumes_at is None


def test_one_token_has_one_limiter_for_all_owners(client: GitHubClient, github: Mocker) -> None:
    github.post(GRAPHQL, json={"errors": [{"type": "RATE_LIMITED", "message": "x"}]})
    with pytest.raises(Limited):
        ask(client)
    with pytest.raises(Limited):
        client.query("globex/site", "query { viewer { login } }", {})

    assert github.call_count == 1


def test_no_query_is_begun_after_the_moment_that_was_set(github: Mocker) -> None:
    seconds = 10.0
    client = GitHubClient("https://api.github.com", Token("secret"), Clock(lambda: seconds))
    github.post(GRAPHQL, json={"data": {}})
    with client.until(client.after(20)):
        seconds = 29.9
        ask(client)
        seconds = 30.0
        with pytest.raises(Unavailable, match=OUT_OF_TIME):
            ask(client)
    ask(client)
    assert github.call_count == 2


def test_a_repository_that_is_not_found_does_not_make_a_new_connection(client: GitHubClient, github: Mocker) -> None:
    errors = [{"type": "NOT_FOUND", "path": ["r0"], "message": "no"}]
    github.post(GRAPHQL, json={"data": {"r0": None}, "errors": errors})
    ask(client)
    made = client._clients()["acme"]  # noqa: SLF001 - it cannot be seen from outside
    ask(client)

    assert client._clients()["acme"] is made  # noqa: SLF001 - as above


@pytest.mark.parametrize("errors", [["a", "b"], [{"path": "r0"}], [{"path": 5}], [{"path": []}], [None, None]])
def test_an_error_that_is_not_as_documented_has_no_place(
    client: GitHubClient, github: Mocker, errors: list[object]
) -> None:
    github.post(GRAPHQL, json={"data": {"r0": {}}, "errors": errors})

    with pytest.raises(TooHeavy, match=r"^GitHub could not answer the query$"):
        ask(client)


def test_answers_of_githubs_that_take_long_slow_the_next_ones_down(github: Mocker) -> None:
    seconds = 0.0
    slept: list[float] = []

    def answer(*_: object) -> str:
        nonlocal seconds
        seconds += 15
        return '{"data": {}}'

    github.post(GRAPHQL, text=answer)
    client = GitHubClient("https://api.github.com", Token("secret"), Clock(lambda: seconds, slept.append))
    for _ in range(4):
        ask(client)

    assert slept == [30.0]


def test_time_outs_count_as_githubs_time_too(github: Mocker) -> None:
    seconds = 0.0
    slept: list[float] = []

    def answer(*_: object) -> str:
        nonlocal seconds
        seconds += 15
        return "<html>"

    github.post(GRAPHQL, status_code=504, text=answer)
    client = GitHubClient("https://api.github.com", Token("secret"), Clock(lambda: seconds, slept.append))
    for _ in range(4):
        with pytest.raises(TooHeavy):
            ask(client)

    assert slept == [30.0]


def test_points_that_do_not_suffice_block_until_github_renews_them(github: Mocker) -> None:
    now = datetime(2026, 11, 21, 9, tzinfo=UTC)
    client = GitHubClient("https://api.github.com", Token("secret"), Clock(lambda: 0.0, now=lambda: now))
    reset = str(int(now.timestamp()) + 600)
    headers = {"Date": "Sat, 21 Nov 2026 09:00:00 GMT", "X-RateLimit-Remaining": "1", "X-RateLimit-Reset": reset}
    github.post(GRAPHQL, json={"errors": [{"type": "RATE_LIMITED", "message": "x"}]}, headers=headers)
    assert client.resting(["acme"]) == {}
    with pytest.raises(Limited):
        ask(client)

    assert client.usage.resumes_at == datetime(2026, 11, 21, 9, 10, tzinfo=UTC)


def test_an_owner_that_is_not_read_any_more_does_not_say_when_others_can_go_on() -> None:
    client = GitHubClient("https://api.github.com", App("42", "no key is needed"), Clock(lambda: 0.0))
    client.resting(["acme", "dan"])
    client._limiter("acme").refused({"retry-after": "60"})  # noqa: SLF001
    assert client.usage.resumes_at is None

    client.resting(["acme"])
    assert client.usage.resumes_at


def test_what_is_twenty_seconds_old_is_settled(client: GitHubClient, github: Mocker) -> None:
    github.post(GRAPHQL, json={"data": {}}, headers={"Date": "Sat, 21 Nov 2026 09:00:20 GMT"})
    answer = ask(client)

    assert answer.settles(datetime(2026, 11, 21, 9, 0, 0, tzinfo=UTC))
    assert not answer.settles(datetime(2026, 11, 21, 9, 0, 1, tzinfo=UTC))
