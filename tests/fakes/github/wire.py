"""One HTTP request and its answer, as tests and faults see them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Response:
    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None  # announce the whole body, send this many bytes of it and hang up

    def json(self) -> Any:
        return json.loads(self.body)

    def with_headers(self, headers: Mapping[str, str]) -> "Response":
        return replace(self, headers={**headers, **self.headers})


# What GitHub cannot say, by its place in the answer, such as ("r0", "list", "nodes", 3, "author"): type and message.
Errors = Mapping[tuple[str | int, ...], tuple[str, str]]


class Answer(Protocol):
    """What GitHub answers when nothing is wrong."""

    def __call__(self, lag: float = 0.0, errors: Errors | None = None, **variables: Any) -> Response:
        """Answer as of `lag` seconds ago; `variables` replace those of a GraphQL request.

        At the places of `errors` is null, or above them where the schema promises a value.
        """


def _nobody(lag: float = 0.0, errors: Errors | None = None, **variables: Any) -> Response:  # noqa: ARG001 - there is none
    raise RuntimeError("this request did not come through GitHub")


@dataclass(frozen=True)
class Request:
    method: str
    path: str  # of REST without the prefix of GitHub Enterprise Server
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case
    body: bytes = b""
    base_url: str = ""
    enterprise: bool = False
    graphql: bool = False
    operation: str = ""  # the GraphQL operation's name, or method and path
    variables: Mapping[str, Any] = field(default_factory=dict)  # of GraphQL
    now: datetime = LONG_AGO  # by GitHub's clock
    answer: Answer = _nobody


def json_response(status: int, content: object, headers: Mapping[str, str] | None = None) -> Response:
    sent = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
    return Response(status, json.dumps(content, ensure_ascii=False).encode(), sent)


def error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return GitHub's usual error body."""
    body = {
        "message": message,
        "documentation_url": "https://docs.github.com/rest",
        "status": str(status),
    }
    return json_response(status, body, headers)


def not_found() -> Response:
    return error(HTTPStatus.NOT_FOUND, "Not Found")


def make_request(method: str, base_url: str, target: str, headers: Iterable[tuple[str, str]], body: bytes) -> Request:
    """Take a request apart; `target` is its path and query, `base_url` where github.com's API would be."""
    url = urlsplit(target)
    enterprise = url.path.startswith("/api/")
    return Request(
        method=method,
        path=url.path.removeprefix("/api/v3"),
        query=dict(parse_qsl(url.query, keep_blank_values=True)),
        headers={name.lower(): value for name, value in headers},
        body=body,
        base_url=f"{base_url}/api/v3" if enterprise else base_url,
        enterprise=enterprise,
        graphql=url.path in {"/graphql", "/api/graphql"},
    )
