"""Links in Jira: what is sent, compared with Jira's documented example, and what its answers mean."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import requests_mock

from plugin.core.reports.content import Kind, Link, Target
from plugin.core.reports.steps import Item, Look, Retire, Say
from plugin.report.jira import JiraLinks
from plugin.report.writing import Closed, Forbidden, Lost, Missing, Refused

DOCUMENTED = json.loads(Path(__file__).with_name("jira.json").read_text("utf-8"))
URL = "https://acme.atlassian.net"
ISSUE = f"{URL}/rest/api/2/issue/PAY-7/remotelink"
TARGET = Target(Kind.LINK, "acme/orders", 12, "orders PAY-7")
LINK = Link(
    "PAY-7", "preview-plugin:acme/orders#12:orders", "Preview orders-12", "https://orders-12.example.com", "active"
)
SAY = Say(Item(), LINK)


@pytest.fixture(name="server")
def _server() -> Iterator[requests_mock.Mocker]:
    with requests_mock.Mocker() as server:
        yield server


def links(user: str | None = "previews@acme.example") -> JiraLinks:
    return JiraLinks(lambda: URL, user, "secret-token")


def shape(value: Any) -> Any:
    return {key: shape(each) for key, each in value.items()} if isinstance(value, dict) else type(value)


def test_a_link_is_sent_as_jira_documents_it(server: requests_mock.Mocker) -> None:
    server.post(ISSUE, status_code=201, json=DOCUMENTED["response"])
    links().write(TARGET, SAY)
    (request,) = server.request_history
    sent, documented = shape(request.json()), shape(DOCUMENTED["request"])

    assert request.json() == {
        "globalId": "preview-plugin:acme/orders#12:orders",
        "relationship": "preview",
        "object": {"url": "https://orders-12.example.com", "title": "Preview orders-12", "summary": "active"},
    }
    assert sent.keys() <= documented.keys()
    assert sent["object"].items() <= documented["object"].items()
    assert len(request.json()["globalId"]) <= 255


@pytest.mark.parametrize(
    ("user", "authorization"),
    [("ada@acme.example", "Basic YWRhQGFjbWUuZXhhbXBsZTpzZWNyZXQtdG9rZW4="), (None, "Bearer secret-token")],
    ids=["cloud", "data center"],
)
def test_the_token_is_sent_as_the_edition_wants_it(
    server: requests_mock.Mocker, user: str | None, authorization: str
) -> None:
    server.post(ISSUE, status_code=200, json=DOCUMENTED["response"])
    links(user).write(TARGET, SAY)

    assert server.request_history[0].headers["Authorization"] == authorization


def test_a_link_is_taken_away_by_its_identity(server: requests_mock.Mocker) -> None:
    server.delete(ISSUE, status_code=204)
    links().write(TARGET, Retire(Item(), "merged"))

    assert server.request_history[0].qs == {"globalid": ["preview-plugin:acme/orders#12:orders"]}


def test_a_link_that_is_gone_already_is_taken_away(server: requests_mock.Mocker) -> None:
    server.delete(ISSUE, status_code=404)

    assert links().write(TARGET, Retire(Item(), "merged")) == 0


def test_nothing_is_looked_for(server: requests_mock.Mocker) -> None:
    assert links().look(TARGET, Look()) == ()
    assert server.request_history == []


@pytest.mark.parametrize(
    ("status", "headers", "meaning"),
    [
        (401, {}, Forbidden),
        (403, {}, Refused),
        (404, {}, Missing),
        (400, {}, Refused),
        (302, {"Location": "https://evil.example"}, Refused),
        (429, {"Retry-After": "30"}, Closed),
        (429, {}, Closed),
        (500, {}, Lost),
        (503, {}, Lost),
    ],
)
def test_what_an_answer_means(
    server: requests_mock.Mocker, status: int, headers: dict[str, str], meaning: type[Exception]
) -> None:
    server.post(ISSUE, status_code=status, headers=headers, text="secret text of Jira")
    with pytest.raises(meaning) as raised:
        links().write(TARGET, SAY)

    assert "secret" not in str(raised.value)
    assert len(server.request_history) == 1
    if isinstance(raised.value, Closed):
        assert raised.value.seconds == (30.0 if headers else None)


def test_no_answer_is_a_lost_one(server: requests_mock.Mocker) -> None:
    server.post(ISSUE, exc=requests.ConnectionError("proxy.example with a password"))
    with pytest.raises(Lost) as raised:
        links().write(TARGET, SAY)

    assert "password" not in str(raised.value)
