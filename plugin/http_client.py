"""Requests to other servers: bounded in time and size, and never redirected.

They carry the credentials that are given, and no others. GitHub alone is asked in another way, through PyGithub.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import requests
import urllib3
from requests.auth import AuthBase

from plugin.errors import Unanswered

CHUNK = 64 * 1024
USER_AGENT = "preview-plugin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How long a request may take, and how large its response may be."""

    largest: int  # bytes of a body
    timeout: float = 5.0  # seconds to connect, and for each part of the response
    slowest: float = 10.0  # seconds for a whole body


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked. The body is `form` or `json`, `authorization` is the whole header; "" sends none."""

    method: str
    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    json: object = None
    authorization: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answered, whatever its status is."""

    status: int
    headers: Mapping[str, str]  # found in any case
    body: bytes


def ask(session: requests.Session, request: Request, bounds: Bounds) -> Response:
    """Send a request, and read its response. Raises Unanswered. A redirect is a response like any other."""
    try:
        with session.request(
            request.method,
            request.url,
            params=dict(request.query),
            data=None if request.form is None else dict(request.form),
            json=request.json,
            headers={"User-Agent": USER_AGENT, **request.headers},
            auth=_Authorization(request.authorization),
            timeout=bounds.timeout,
            allow_redirects=False,
            stream=True,
        ) as response:
            return Response(response.status_code, response.headers, _body(response, bounds))
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise Unanswered(type(error).__name__) from None  # its text may contain a proxy's address with a password


class _Authorization(AuthBase):
    """Sets the header, or leaves it out. Without it requests would look for a login in a `.netrc` file."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._value:
            request.headers["Authorization"] = self._value
        return request


def _body(response: requests.Response, bounds: Bounds) -> bytes:
    body, deadline = bytearray(), time.monotonic() + bounds.slowest
    while chunk := response.raw.read1(CHUNK, decode_content=True):  # what is there; `read` would wait for all of it
        body += chunk
        if len(body) > bounds.largest:
            raise Unanswered("its answer is too large")
        if time.monotonic() > deadline:
            raise Unanswered("its answer takes too long")
    return bytes(body)
