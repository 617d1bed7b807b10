"""The fake inside the process, without sockets: PyGithub sees no difference."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests
from github import Auth, Github
from github.Requester import HTTPRequestsConnectionClass, Requester

from plugin.sources.file import Organisation
from tests.contract.fake_github import texts
from tests.fakes.github import GitHub, faults

VARIABLES = {"o0": "acme", "n0": "orders", "p0_0": 3}


@pytest.fixture(name="inside")
def _inside(organisation: Organisation) -> Iterator[GitHub]:
    with GitHub(organisation, inside=True) as inside:
        yield inside


def client(github: GitHub) -> Github:
    return Github(auth=Auth.Token(github.token), base_url=github.url, retry=None, seconds_between_requests=None)


def test_the_fake_inside_answers_as_the_server_does(inside: GitHub, github: GitHub) -> None:
    github.now = inside.now = lambda: datetime(2026, 11, 21, tzinfo=UTC)
    answers = [client(each).requester.graphql_query(texts.confirm([1]), VARIABLES) for each in (inside, github)]
    for headers, _ in answers:
        headers.pop("content-length", None)  # requests needs no length inside

    assert answers[0] == answers[1]
    assert client(inside).get_repo("acme/orders").full_name == "acme/orders"
    assert [call.operation for call in inside.log] == ["Confirm", "GET /repos/acme/orders"]


def test_two_fakes_inside_one_process_are_independent(inside: GitHub, organisation: Organisation) -> None:
    with GitHub(organisation, inside=True) as other:
        assert inside.url != other.url
        client(other).requester.graphql_query(texts.confirm([1]), VARIABLES)

        assert (len(inside.log), len(other.log)) == (0, 1)


def test_a_dropped_connection_is_an_error(inside: GitHub) -> None:
    inside.intercept = faults.truncated_body()

    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client(inside).requester.graphql_query(texts.confirm([1]), VARIABLES)


def test_simulated_time_causes_timeouts_too(inside: GitHub) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)

    def sleep(seconds: float) -> None:
        nonlocal now
        now += timedelta(seconds=seconds)

    inside.now, inside.sleep, inside.latency = lambda: now, sleep, 14.0
    client(inside).requester.graphql_query(texts.confirm([1]), VARIABLES)
    inside.latency = 16.0  # PyGithub's timeout is 15

    with pytest.raises(requests.ReadTimeout):
        client(inside).requester.graphql_query(texts.confirm([1]), VARIABLES)


def test_a_closed_fake_is_unreachable_and_pygithub_is_restored(organisation: Organisation) -> None:
    with GitHub(organisation, inside=True) as github, GitHub(organisation, inside=True):
        pygithub = client(github)
        pygithub.requester.graphql_query(texts.confirm([1]), VARIABLES)
    with pytest.raises(requests.ConnectionError):
        pygithub.requester.graphql_query(texts.confirm([1]), VARIABLES)

    assert Requester._Requester__httpConnectionClass is HTTPRequestsConnectionClass  # type: ignore[attr-defined]  # noqa: SLF001
