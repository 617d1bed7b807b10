"""What GitHub's answers mean to the client, on the wire format of PyGithub."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from requests_mock import Mocker

from plugin.errors import PluginError
from plugin.sources.github.answer import Answer, GraphQLError, Limited, TooHeavy, Unavailable
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.draft import Query
from plugin.sources.github.limiter import OUT_OF_TIME, LimiterClock
from plugin.sources.github.pygithub import App, Token
from tests.keys import PRIVATE_KEY

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


def ask(client: GitHubClient, repository: str = "acme/orders") -> Answer:
    return client.query(repository, Query("query Q($n: Int!) { viewer { login } }", {"n": 1}))


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


def test_the_query_is_sent_with_its_variables(client: GitHubClient, github: Mocker) -> None:
    github.post(GRAPHQL, json={"data": {}})
    ask(client)

    assert github.request_history[0].json() == {
        "query": "query Q($n: Int!) { viewer { login } }",
        "variables": {"n": 1},
    }


def test_errors_belong_to_their_place(client: GitHubClient, github: Mocker) -> None:
    errors = [{"type": "NOT_FOUND", "path": ["r0", "p1"], "message": "no such pull request"}]
    github.post(GRAPHQL, json={"data": {"r0": {"p0": {}, "p1": None}}, "errors": errors})

    assert ask(client).errors == (GraphQLError(("r0", "p1"), "NOT_FOUND", "no such pull request"),)


def test_our_clock_is_compared_with_githubs_at_each_answer(github: Mocker) -> None:
    now = datetime(2026, 11, 21, 9, 1, tzinfo=UTC)
    seconds = 100.0
    clock = LimiterClock(monotonic=lambda: seconds, now=lambda: now)
    client = GitHubClient("https://api.github.com", Token("secret"), clock)
    nine = {"Date": "Sat, 21 Nov 2026 09:00:00 GMT"}
    answers: list[dict[str, Any]] = [
        {"json": {"data": {}}, "headers": nine},
        {"text": "<html>", "status_code": 502, "headers": {"Date": "Sat, 21 Nov 2026 07:00:00 GMT"}},  # of a proxy
        {"json": {"data": {}}, "headers": {"Date": "yesterday"}},
        {"json": {"data": {}}, "headers": {"Date": "Sat, 21 Nov 2026 09:05:00 GMT"}},
    ]
    github.post(GRAPHQL, answers)

    assert client.ahead is None
    ask(client)
    assert client.ahead == timedelta(minutes=1)
    with pytest.raises(TooHeavy):
        ask(client)
    assert client.ahead == timedelta(minutes=1)
    ask(client)
    assert client.ahead is None
    ask(client)
    assert client.ahead == timedelta(minutes=-4)
    seconds, now = seconds + 30, now + timedelta(seconds=30)
    assert client.ahead == timedelta(minutes=-4)
    now += timedelta(days=10)  # somebody sets our clock
    assert client.ahead == timedelta(days=10, minutes=-4)


def test_an_answer_without_a_date_settles_nothing(client: GitHubClient, github: Mocker) -> None:
    github.post(GRAPHQL, json={"data": {}})

    assert ask(client).date is None
    assert not ask(client).settles(datetime(1970, 1, 1, tzinfo=UTC))


PLACED = {"type": "FORBIDDEN", "path": ["r0"], "message": "no"}
UNAVAILABLE = [
    pytest.param({"status_code": 401, "json": {"message": "Bad credentials"}}, "credentials", id="401"),
    pytest.param({"status_code": 403, "json": {"message": "Resource not accessible"}}, "forbade", id="403"),
    pytest.param({"status_code": 404, "json": {"message": "Not Found"}}, "nothing there", id="404"),
    pytest.param({"status_code": 500, "text": "<html>"}, "status 500$", id="500"),
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
    pytest.param({"json": {"errors": [PLACED]}}, r"no data\): no$", id="errors without data"),
    pytest.param({"text": "<html>A proxy's page</html>"}, "not JSON", id="a page with status 200"),
    pytest.param({"text": ""}, "not JSON", id="nothing with status 200"),
    pytest.param({"text": "{"}, "not JSON", id="half an answer"),
    pytest.param({"content": b"\xff{}"}, "invalid response", id="not UTF-8"),
    pytest.param({"json": {"errors": "x"}}, "invalid response", id="errors that are no list"),
    pytest.param(
        {"json": {"data": {}}, "headers": {"X-RateLimit-Remaining": "x", "X-RateLimit-Limit": "y"}},
        "ValueError",
        id="a limit that is not a number",
    ),
    pytest.param({"json": {}}, "no data", id="an empty object"),
    pytest.param({"json": {"data": None}}, "no data", id="null data"),
    pytest.param({"json": []}, "no data", id="a list"),
    pytest.param({"exc": requests.ConnectTimeout}, "could not be reached", id="time-out"),
    pytest.param({"exc": requests.ConnectionError}, "could not be reached", id="refused"),
    pytest.param(
        {"status_code": 301, "headers": {"Location": "https://elsewhere.example.com/"}},
        "invalid response",
        id="redirect",
    ),
]


@pytest.mark.parametrize(("response", "message"), UNAVAILABLE)
def test_errors_that_asking_for_less_would_not_help(
    client: GitHubClient, github: Mocker, response: dict[str, Any], message: str
) -> None:
    github.post(GRAPHQL, **response)

    with pytest.raises(Unavailable, match=message):
        ask(client)
    assert github.call_count == 1


SAML = (
    "Resource protected by organization SAML enforcement. You must grant your OAuth token access to this organization."
)


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        pytest.param(
            {"status_code": 403, "json": {"message": SAML}},
            f"GitHub forbade the request (403): {SAML}",
            id="single sign-on",
        ),
        pytest.param(
            {"status_code": 403, "json": {"message": "This installation has been suspended"}},
            "GitHub forbade the request (403): This installation has been suspended",
            id="suspended",
        ),
        pytest.param(
            {"status_code": 401, "json": {"message": "Bad credentials"}},
            "GitHub refused the credentials (401): Bad credentials; "
            "is PREVIEW_GITHUB_TOKEN valid, or the GitHub App's key?",
            id="revoked",
        ),
        pytest.param(
            {"status_code": 404, "text": "<!DOCTYPE html><title>Page not found</title>"},
            "GitHub found nothing there (404): not JSON; is PREVIEW_GITHUB_URL the address of GitHub's API?",
            id="a wrong base URL",
        ),
        pytest.param(
            {
                "json": {
                    "errors": [
                        {
                            "path": ["query List", "r0", "archivedAt"],
                            "extensions": {"code": "undefinedField"},
                            "message": "Field 'archivedAt' doesn't exist on type 'Repository'",
                        }
                    ]
                }
            },
            "GitHub refused the query: Field 'archivedAt' doesn't exist on type 'Repository'",
            id="an old Enterprise Server",
        ),
    ],
)
def test_githubs_own_message_is_passed_on(
    client: GitHubClient, github: Mocker, response: dict[str, Any], reason: str
) -> None:
    github.post(GRAPHQL, **response)

    with pytest.raises(Unavailable) as raised:
        ask(client)
    assert str(raised.value) == reason


def test_githubs_message_is_one_bounded_line(client: GitHubClient, github: Mocker) -> None:
    github.post(GRAPHQL, json={"data": None, "errors": [{"message": "Parse error\non \u202e" + "x" * 5000}]})

    with pytest.raises(TooHeavy, match=r"^GitHub could not answer the query: Parse error on x+") as raised:
        ask(client)
    assert len(str(raised.value)) < 400
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "mistake", [AttributeError("a typo"), TypeError("a wrong argument"), KeyError("a wrong name"), AssertionError()]
)
def test_our_own_mistake_is_not_reported_as_an_outage(
    client: GitHubClient, monkeypatch: pytest.MonkeyPatch, mistake: Exception
) -> None:
    def fail(*_: object) -> None:
        raise mistake

    monkeypatch.setattr(client, "_client_for", fail)

    with pytest.raises(type(mistake)) as raised:
        ask(client)
    assert not isinstance(raised.value, PluginError)


def test_a_malformed_installation_is_reported_as_an_outage(github: Mocker) -> None:
    github.get("https://api.github.com:443/orgs/acme/installation", json={"id": 7})
    github.post("https://api.github.com:443/app/installations/7/access_tokens", json=["what is this?"])
    client = GitHubClient("https://api.github.com", App("42", PRIVATE_KEY))

    with pytest.raises(Unavailable, match="invalid response"):
        ask(client)


def test_a_suspended_installation_says_so(github: Mocker) -> None:
    suspended = {"message": "This installation has been suspended"}
    github.get("https://api.github.com:443/orgs/acme/installation", json={"id": 7})
    github.post("https://api.github.com:443/app/installations/7/access_tokens", status_code=403, json=suspended)
    client = GitHubClient("https://api.github.com", App("42", PRIVATE_KEY))

    with pytest.raises(Unavailable, match=r"This installation has been suspended$"):
        ask(client)


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
def test_errors_of_queries_that_may_pass_in_halves(
    client: GitHubClient, github: Mocker, response: dict[str, Any]
) -> None:
    github.post(GRAPHQL, **response)

    with pytest.raises(TooHeavy):
        ask(client)
    assert github.call_count == 1


def test_after_a_limit_nothing_is_sent_until_it_is_over(github: Mocker) -> None:
    seconds = 0.0
    client = GitHubClient("https://api.github.com", Token("secret"), LimiterClock(lambda: seconds))
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
        ask(client, "globex/site")

    assert github.call_count == 1


def test_no_query_begins_after_the_deadline(github: Mocker) -> None:
    seconds = 10.0
    client = GitHubClient("https://api.github.com", Token("secret"), LimiterClock(lambda: seconds))
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
def test_a_malformed_error_has_no_place(client: GitHubClient, github: Mocker, errors: list[object]) -> None:
    github.post(GRAPHQL, json={"data": {"r0": {}}, "errors": errors})

    with pytest.raises(TooHeavy, match=r"^GitHub could not answer the query$"):
        ask(client)


def test_slow_answers_delay_the_next_queries(github: Mocker) -> None:
    seconds = 0.0
    slept: list[float] = []

    def answer(*_: object) -> str:
        nonlocal seconds
        seconds += 15
        return '{"data": {}}'

    github.post(GRAPHQL, text=answer)
    client = GitHubClient("https://api.github.com", Token("secret"), LimiterClock(lambda: seconds, slept.append))
    for _ in range(4):
        ask(client)

    assert slept == [30.0]


def test_timeouts_count_as_githubs_time(github: Mocker) -> None:
    seconds = 0.0
    slept: list[float] = []

    def answer(*_: object) -> str:
        nonlocal seconds
        seconds += 15
        return "<html>"

    github.post(GRAPHQL, status_code=504, text=answer)
    client = GitHubClient("https://api.github.com", Token("secret"), LimiterClock(lambda: seconds, slept.append))
    for _ in range(4):
        with pytest.raises(TooHeavy):
            ask(client)

    assert slept == [30.0]


def test_too_few_points_block_until_github_renews_them(github: Mocker) -> None:
    now = datetime(2026, 11, 21, 9, tzinfo=UTC)
    client = GitHubClient("https://api.github.com", Token("secret"), LimiterClock(lambda: 0.0, now=lambda: now))
    reset = str(int(now.timestamp()) + 600)
    headers = {"Date": "Sat, 21 Nov 2026 09:00:00 GMT", "X-RateLimit-Remaining": "1", "X-RateLimit-Reset": reset}
    github.post(GRAPHQL, json={"errors": [{"type": "RATE_LIMITED", "message": "x"}]}, headers=headers)
    assert client.resting(["acme"]) == {}
    with pytest.raises(Limited):
        ask(client)

    assert client.usage.resumes_at == datetime(2026, 11, 21, 9, 10, tzinfo=UTC)


def test_only_owners_that_are_read_decide_when_reading_resumes() -> None:
    client = GitHubClient("https://api.github.com", App("42", "no key is needed"), LimiterClock(lambda: 0.0))
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
