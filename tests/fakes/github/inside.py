"""The way to the fake GitHub without sockets: PyGithub is given connections that lead straight to it.

Other clients cannot reach it; what is to be seen on the wire needs the server.
"""

from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Any

import requests
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester

from .wire import Request, Response, make_request

_NUMBERS = count(1)
_HOSTS: dict[str, "Inside"] = {}


class Inside:
    """One fake GitHub, under a host name of its own."""

    def __init__(self, handle: Callable[[Request], Response], now: Callable[[], datetime]) -> None:
        self.handle, self.now = handle, now
        self._host = f"github-{next(_NUMBERS)}.test"
        self.url = f"http://{self._host}"
        _HOSTS[self._host] = self
        # PyGithub's own way in; hosts that are not inside are reached as always.
        Requester.injectConnectionClasses(_connect, HTTPSRequestsConnectionClass)  # type: ignore[arg-type]

    def close(self) -> None:
        """Let nobody in any more."""
        del _HOSTS[self._host]
        if not _HOSTS:
            Requester.resetConnectionClasses()


def _connect(host: str, port: int | None = None, **options: Any) -> "_Connection | HTTPRequestsConnectionClass":
    if not host.endswith(".test"):
        return HTTPRequestsConnectionClass(host, port, **options)
    return _Connection(host, **options)


class _Connection:
    """What PyGithub expects of a connection."""

    def __init__(self, host: str, *, timeout: float, **_: Any) -> None:
        self.host, self._timeout = host, timeout
        self._asked = ("", "", b"", {})  # type: tuple[str, str, bytes, dict[str, str]]

    def request(self, verb: str, url: str, body: str | None, headers: dict[str, str], stream: bool) -> None:  # noqa: FBT001, ARG002 - PyGithub's signature
        self._asked = verb, url, (body or "").encode(), headers

    def getresponse(self) -> "_Answered":
        verb, url, body, headers = self._asked
        if self.host not in _HOSTS:
            raise requests.ConnectionError(f"{self.host} is closed")
        inside = _HOSTS[self.host]
        started = inside.now()
        response = inside.handle(make_request(verb, inside.url, url, headers.items(), body))
        if (inside.now() - started).total_seconds() > self._timeout:
            raise requests.ReadTimeout("GitHub took too long")
        if response.cut is not None:
            raise requests.exceptions.ChunkedEncodingError("the connection died")
        return _Answered(response)

    def close(self) -> None:
        """Nothing is open."""


class _Answered:
    def __init__(self, response: Response) -> None:
        self.status, self._response = response.status, response

    def getheaders(self) -> list[tuple[str, str]]:
        return list(self._response.headers.items())

    def read(self) -> str:
        return self._response.body.decode()
