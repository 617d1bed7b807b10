"""One HTTP request and its answer, as tests and faults see them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any


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


def _nobody() -> Response:
    raise RuntimeError("this request did not come through the server")


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
    answer: Callable[[], Response] = _nobody  # what GitHub answers when nothing is wrong


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
