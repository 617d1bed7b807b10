"""What GitHub's answers to GraphQL queries mean: data and errors at once, errors with status 200, a proxy's page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from github import GithubException

from plugin.core.facts.model import SETTLED
from plugin.errors import PluginError

_HTTP_REASONS = {
    401: "GitHub refused the credentials (401)",
    403: "GitHub forbade the request (403)",
    404: "GitHub knows nothing there (404); is the GitHub App installed for this owner?",
}


class Unavailable(PluginError):
    """GitHub cannot be asked now; asking for less would not help."""


class Limited(Unavailable):
    """GitHub wants to be left alone for some time, which `headers` may tell."""

    def __init__(
        self, headers: Mapping[str, str] | None = None, *, points_used_up: bool = False, until: datetime | None = None
    ) -> None:
        super().__init__("GitHub's rate limit is used up" + (f" until {time_of_day(until)}" if until else ""))
        self.headers = headers or {}
        self.points_used_up = points_used_up


class TooHeavy(PluginError):
    """GitHub refused or broke off this request; half of it may pass."""


@dataclass(frozen=True, slots=True)
class GraphQLError:
    """An error that belongs to one place of the data, for example ("r0", "p3")."""

    path: tuple[str | int, ...]
    type: str
    message: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a GraphQL query. What stands at or below an error's place is not to be trusted."""

    data: Mapping[str, Any]
    errors: tuple[GraphQLError, ...]
    date: datetime | None  # GitHub's own clock; None if it did not say

    def error(self, *place: str | int) -> GraphQLError | None:
        """Return the first error at or below a place."""
        return next((error for error in self.errors if error.path[: len(place)] == place), None)

    def settles(self, updated_at: datetime) -> bool:
        """Tell whether what changed at `updated_at` was old enough when this was answered."""
        return self.date is not None and self.date - updated_at >= SETTLED


def read_answer(headers: Mapping[str, str], body: object) -> Answer:
    """Read an answer with status 200. Raises Unavailable, Limited or TooHeavy."""
    # A page that is no JSON arrives here as {"data": "<html>..."}.
    content = body if isinstance(body, Mapping) else {}
    data, errors = content.get("data"), content.get("errors") or []
    if any(isinstance(error, Mapping) and error.get("type") == "RATE_LIMITED" for error in errors):
        raise Limited(headers, points_used_up=True)
    placed = tuple(_placed(error) for error in errors if _has_place(error))
    if len(placed) < len(errors):
        # An error without a place leaves open which parts of the data can be trusted: none. Its text names the request.
        raise TooHeavy("GitHub could not answer the query")
    if any(error.type == "RESOURCE_LIMITS_EXCEEDED" for error in placed):
        raise TooHeavy("the query exceeded GitHub's resource limits")
    if not isinstance(data, dict):
        raise Unavailable("GitHub gave no proper answer (no data)")
    return Answer(data, placed, date_of(headers))


def is_good_answer(error: GithubException) -> bool:
    """Tell whether GitHub answered with status 200 and errors inside, for which PyGithub raises as well."""
    return isinstance(error.data, dict) and isinstance(error.data.get("errors"), list) and bool(error.data["errors"])


def meaning(error: GithubException) -> Unavailable | TooHeavy:
    """Say what any other error means."""
    if error.status in (502, 504):
        return TooHeavy(f"GitHub broke the query off ({error.status})")
    message = str(error.data.get("message", "")).lower() if isinstance(error.data, dict) else ""
    headers = error.headers or {}
    if error.status == 429 or "rate limit" in message or "retry-after" in headers:  # noqa: PLR2004  an HTTP status
        return Limited(headers)
    return Unavailable(_HTTP_REASONS.get(error.status, f"GitHub answered with status {error.status}"))


def date_of(headers: Mapping[str, str]) -> datetime | None:
    """Read the Date header."""
    try:
        return parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return None


def time_of_day(moment: datetime) -> str:
    """Write a moment of today for people, never too early."""
    return f"{moment.astimezone(UTC) + timedelta(minutes=1, microseconds=-1):%H:%M} UTC"


def _has_place(error: object) -> bool:
    return isinstance(error, Mapping) and isinstance(error.get("path"), list) and bool(error["path"])


def _placed(error: Mapping[str, Any]) -> GraphQLError:
    return GraphQLError(tuple(error["path"]), str(error.get("type")), str(error.get("message", "")))
