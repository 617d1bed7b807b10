"""The way to the fake GitHub without sockets: PyGithub is given connections that lead straight to it.

Other clients cannot reach it; what is to be seen on the wire needs the server.
"""

import io
from collections.abc import Callable
from datetime import datetime
from itertools import count

import requests
from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass, Requester, RequestsResponse

from .wire import Request, Response, make_request

_NUMBERS = count(1)
_HOSTS: dict[str, "Inside"] = {}


class Inside:
    """One fake GitHub, under its own host name."""

    def __init__(self, handle: Callable[[Request], Response], now: Callable[[], datetime]) -> None:
        self.handle, self.now = handle, now
        self._host = f"github-{next(_NUMBERS)}.test"
        self.url = f"http://{self._host}"
        _HOSTS[self._host] = self
        # PyGithub's own way in; hosts that are not inside are reached as always.
        Requester.injectConnectionClasses(_Connection, HTTPSRequestsConnectionClass)

    def close(self) -> None:
        """Refuse further connections."""
        del _HOSTS[self._host]
        if not _HOSTS:
            Requester.resetConnectionClasses()


class _Connection(HTTPRequestsConnectionClass):
    """PyGithub's own connection, but for hosts that are inside."""

    def getresponse(self) -> RequestsResponse:
        if not self.host.endswith(".test"):
            return super().getresponse()
        if self.host not in _HOSTS:
            raise requests.ConnectionError(f"{self.host} is closed")
        inside = _HOSTS[self.host]
        started = inside.now()
        body: str = self.input or ""  # type: ignore[redundant-expr]  # PyGithub calls it None
        response = inside.handle(make_request(self.verb, inside.url, self.url, self.headers.items(), body.encode()))
        if self.timeout and (inside.now() - started).total_seconds() > self.timeout:
            raise requests.ReadTimeout("GitHub took too long")
        if response.cut is not None:
            raise requests.exceptions.ChunkedEncodingError("the connection died")
        return _answered(response)


def _answered(response: Response) -> RequestsResponse:
    answered = requests.Response()
    answered.status_code = response.status
    answered.headers.update(response.headers)
    answered.raw, answered.encoding = io.BytesIO(response.body), "utf-8"
    return RequestsResponse(answered)
