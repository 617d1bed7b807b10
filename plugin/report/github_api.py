"""One request to GitHub's REST API, and what it means if GitHub did not do it.

https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from plugin.core.config.messages import one_line
from plugin.core.reports.content import Target
from plugin.report.writing import Closed, Forbidden, Lost, Missing, Refused
from plugin.sources import NoReply, NotGranted, NotSent, Reply, Rest

_NOT_PERMITTED = ("Resource not accessible by", "Must have push access")
_OK = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class GitHubApi:
    """Asks in the name of a target's owner. Every method raises the errors of `writing.py`."""

    rest: Rest

    def read(self, target: Target, path: str, shape: TypeAdapter[Result]) -> Result:
        """Return what is at a path, which counts from the repository."""
        return _shaped(_certain(lambda: self._ask(target, "GET", path)), shape)

    def write(self, target: Target, verb: str, path: str, content: Mapping[str, object] | None = None) -> object:
        """Change what is at a path; return what GitHub replied."""
        return _certain(lambda: self._ask(target, verb, path, content))

    def create(self, target: Target, path: str, content: Mapping[str, object], shape: TypeAdapter[Result]) -> Result:
        """Create something; return what GitHub made of it."""
        return _shaped(self.write(target, "POST", path, content), shape)

    def account(self, target: Target) -> str:
        """Return the login of the account that writes."""
        return _certain(lambda: self.rest.account(target.repository))

    def _ask(self, target: Target, verb: str, path: str, content: Mapping[str, object] | None = None) -> object:
        reply = self.rest.ask(target.repository, verb, f"/repos/{target.repository}{path}", content)
        if reply.status not in _OK:
            raise _meaning(reply)
        return reply.body


def _shaped(body: object, shape: TypeAdapter[Result]) -> Result:
    try:
        return shape.validate_python(body)
    except ValidationError:
        raise Lost("GitHub sent an invalid response") from None


def _certain(ask: Callable[[], Result]) -> Result:
    """Ask, and turn what kept GitHub from replying into what is certain all the same."""
    try:
        return ask()
    except NotSent as error:
        raise Closed(str(error)) from None
    except NotGranted as error:
        raise Forbidden(str(error)) from None
    except NoReply as error:
        raise Lost(str(error)) from None


def _meaning(reply: Reply) -> Lost | Refused | Closed | Forbidden | Missing:
    """Return what a reply means that is no success."""
    message = reply.body.get("message") if isinstance(reply.body, Mapping) else ""
    sentence = one_line(message) if isinstance(message, str) else ""
    reason = f"GitHub answered {reply.status}" + (f": {sentence}" if sentence else "")
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Lost(reason)
    if _is_a_limit(reply, sentence):
        return Closed(reason, _seconds(reply.headers))
    if reply.status == HTTPStatus.UNAUTHORIZED:
        return Closed(reason)
    if reply.status == HTTPStatus.FORBIDDEN and sentence.startswith(_NOT_PERMITTED):
        return Forbidden(reason)
    if reply.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return Missing(reason)
    return Refused(reason)


def _is_a_limit(reply: Reply, sentence: str) -> bool:
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return True
    used_up = reply.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in reply.headers
    return reply.status == HTTPStatus.FORBIDDEN and (used_up or "rate limit" in sentence.lower())


def _seconds(headers: Mapping[str, str]) -> float | None:
    """Return how long GitHub wants to be left alone; None if it does not say."""
    after, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
    if after.isascii() and after.isdigit():
        return float(after)
    if headers.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdigit():
        try:  # both by GitHub's clock
            return float(reset) - parsedate_to_datetime(headers.get("date", "")).timestamp()
        except ValueError:
            return None
    return None
