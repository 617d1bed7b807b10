"""What GitHub's answers to GraphQL queries mean: data and errors at once, errors with status 200, a proxy's page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from plugin.core.config.messages import one_line
from plugin.errors import PluginError

# GitHub's times have whole seconds and its answers can lag: what is younger than this may have changed again within its
# second, or may be shown by one part of GitHub and not by another.
SETTLED = timedelta(seconds=20)

_HTTP_REASONS = {
    401: "GitHub refused the credentials (401)",
    403: "GitHub forbade the request (403)",
    404: "GitHub found nothing there (404)",
}
_HINTS = {
    401: "; is PREVIEW_GITHUB_TOKEN valid, or the GitHub App's key?",
    404: "; is the GitHub App installed for this owner?",
}
_NOT_JSON = "not JSON; is PREVIEW_GITHUB_URL the address of GitHub's API?"

Key = str | int


class Unavailable(PluginError):
    """GitHub cannot be asked now; asking for less would not help."""


class Limited(Unavailable):
    """GitHub accepts no requests for some time; `headers` may say for how long."""

    def __init__(
        self, headers: Mapping[str, str] | None = None, *, points_used_up: bool = False, until: datetime | None = None
    ) -> None:
        super().__init__("GitHub's rate limit is used up" + (f" until {time_of_day(until)}" if until else ""))
        self.headers = headers or {}
        self.points_used_up = points_used_up


class TooHeavy(PluginError):
    """GitHub refused or aborted this request; half of it may succeed."""


@dataclass(frozen=True, slots=True)
class GraphQLError:
    """An error that belongs to one place of the data, for example ("r0", "p3")."""

    path: tuple[Key, ...]
    type: str
    message: str  # GitHub's own sentence, of any length


class Part(NamedTuple):
    """One place of an answer: what GitHub says there, and the errors that affect it. A tuple, as there are many."""

    value: Any  # as parsed from JSON
    errors: tuple[GraphQLError, ...] = ()  # paths count from this place; () is the place itself, or one above it

    def at(self, key: Key) -> "Part":
        """Return the part at a key or an index. Raises KeyError, IndexError or TypeError if the data has no such place.

        Below null everything is null.
        """
        value = None if self.value is None else self.value[key]
        if not self.errors:
            return Part(value)
        return Part(
            value,
            tuple(
                GraphQLError(error.path[1:], error.type, error.message)
                for error in self.errors
                if error.path[:1] in {(), (key,)}
            ),
        )

    @property
    def items(self) -> "list[Part]":
        """The parts of a list. Raises TypeError if this is not a list."""
        if not isinstance(self.value, list):
            raise TypeError("not a list")
        if not self.errors:
            return [Part(item) for item in self.value]
        return [self.at(index) for index in range(len(self.value))]

    @property
    def error(self) -> GraphQLError | None:
        """The first error at, above or below this place."""
        return self.errors[0] if self.errors else None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a GraphQL query. What is at or below an error's place must not be trusted."""

    data: Mapping[str, Any]
    errors: tuple[GraphQLError, ...]
    date: datetime | None  # GitHub's own clock; None if it did not say

    @property
    def whole(self) -> Part:
        """Everything in it."""
        return Part(self.data, self.errors)

    def settles(self, updated_at: datetime) -> bool:
        """Tell whether what changed at `updated_at` was old enough when this was answered."""
        return self.date is not None and self.date - updated_at >= SETTLED


def read_answer(headers: Mapping[str, str], body: object) -> Answer:
    """Read the parsed body of an answer with status 200. Raises Unavailable, Limited or TooHeavy."""
    content = body if isinstance(body, Mapping) else {}
    data, errors = content.get("data"), content.get("errors") or []
    if not isinstance(errors, list):
        raise Unavailable("GitHub sent an invalid response (errors of an unknown kind)")
    if any(isinstance(error, Mapping) and error.get("type") == "RATE_LIMITED" for error in errors):
        raise Limited(headers, points_used_up=True)
    if not isinstance(data, dict) and any(map(_refuses_the_query, errors)):
        # Half of the query would be refused as well.
        raise Unavailable(f"GitHub refused the query{_in_its_words(errors)}")
    placed = tuple(_placed(error) for error in errors if _has_place(error))
    if len(placed) < len(errors):
        # An error without a place may concern any part of the data, so none of it can be trusted.
        unplaced = [error for error in errors if not _has_place(error)]
        raise TooHeavy(f"GitHub could not answer the query{_in_its_words(unplaced)}")
    if any(error.type == "RESOURCE_LIMITS_EXCEEDED" for error in placed):
        raise TooHeavy("the query exceeded GitHub's resource limits")
    if not isinstance(data, dict):
        raise Unavailable(f"GitHub sent an invalid response (no data){_in_its_words(errors)}")
    return Answer(data, placed, date_of(headers))


def meaning(status: int, headers: Mapping[str, str], body: object) -> Unavailable | TooHeavy:
    """Return what an error response means. `body` is parsed JSON, or None if it is something else."""
    if status in (502, 504):
        return TooHeavy(f"GitHub aborted the query ({status})")
    message = body.get("message") if isinstance(body, Mapping) else None
    sentence = one_line(message) if isinstance(message, str) else ""
    if status == 429 or "rate limit" in sentence.lower() or "retry-after" in headers:  # noqa: PLR2004  an HTTP status
        return Limited(headers)
    reason = _HTTP_REASONS.get(status, f"GitHub answered with status {status}")
    if body is None and status < 500:  # noqa: PLR2004  an HTTP status; a page is what an outage looks like
        return Unavailable(f"{reason}: {_NOT_JSON}")
    return Unavailable(f"{reason}{': ' if sentence else ''}{sentence}{_HINTS.get(status, '')}")


def not_json(status: int) -> Unavailable:
    """Return the error for a successful response that is not JSON: a proxy's page, or not GitHub's API at all."""
    return Unavailable(f"GitHub sent an invalid response (status {status}): {_NOT_JSON}")


def date_of(headers: Mapping[str, str]) -> datetime | None:
    """Read the Date header."""
    try:
        return parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return None


def time_of_day(moment: datetime) -> str:
    """Return the time of a moment today for people, rounded up to the minute."""
    return f"{moment.astimezone(UTC) + timedelta(minutes=1, microseconds=-1):%H:%M} UTC"


def _in_its_words(errors: list[Any]) -> str:
    """Return the first message of some errors, ready to append; it may quote the query, so it is cut to one line."""
    for error in errors:
        message = error.get("message") if isinstance(error, Mapping) else None
        if isinstance(message, str) and (sentence := one_line(message)):
            return f": {sentence}"
    return ""


def _refuses_the_query(error: object) -> bool:
    # An unknown field or argument, as on an old Enterprise Server, has a code and no type; its path counts from the
    # query's own text. https://graphql-ruby.org/errors/overview.html
    if not isinstance(error, Mapping) or "type" in error:
        return False
    extensions = error.get("extensions")
    return isinstance(extensions, Mapping) and "code" in extensions


def _has_place(error: object) -> bool:
    return isinstance(error, Mapping) and isinstance(error.get("path"), list) and bool(error["path"])


def _placed(error: Mapping[str, Any]) -> GraphQLError:
    return GraphQLError(tuple(error["path"]), str(error.get("type")), str(error.get("message", "")))
