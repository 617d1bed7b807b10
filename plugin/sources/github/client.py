"""The only place that talks to GitHub: PyGithub, one client per thread and owner, and what its answers mean.

Nothing is retried here: the next refresh asks again, and a request that was too heavy is asked again in halves.
Answers to GraphQL can be errors with status 200, data and errors at once, or a proxy's page; see `Answer`.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from github import Auth, Github, GithubException, GithubIntegration, UnknownObjectException
from github.Installation import Installation

from plugin.errors import PluginError
from plugin.sources import Usage

TIMEOUT = 20  # seconds; GitHub itself gives up after 10
USER_AGENT = "preview-plugin"
READ_ONLY = {"contents": "read", "metadata": "read", "pull_requests": "read"}

# PyGithub's own waiting is switched off: its default retry sleeps until a rate limit resets, up to an hour, and its
# default throttle counts a GraphQL query as a write and waits a second after each.
_EXPLICIT: dict[str, Any] = {
    "timeout": TIMEOUT,
    "user_agent": USER_AGENT,
    "per_page": 100,
    "retry": None,
    "seconds_between_requests": None,
    "seconds_between_writes": None,
    "lazy": True,
}

# What PyGithub raises for a bad answer or a page that is no answer at all.
_BAD_ANSWER = (
    requests.RequestException,
    ValueError,
    AssertionError,
    TypeError,
    KeyError,
    AttributeError,
    RuntimeError,
)

_HTTP_REASONS = {
    401: "GitHub refused the credentials (401)",
    403: "GitHub forbade the request (403)",
    404: "GitHub knows nothing there (404); is the GitHub App installed for this owner?",
}


class Unavailable(PluginError):
    """GitHub cannot be asked now; asking for less would not help."""


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
    date: datetime  # GitHub's own clock

    def error(self, *place: str | int) -> GraphQLError | None:
        """Return the first error at or below a place."""
        return next((error for error in self.errors if error.path[: len(place)] == place), None)


@dataclass(frozen=True, slots=True)
class Token:
    """A personal access token."""

    token: str


@dataclass(frozen=True, slots=True)
class App:
    """A GitHub App; its installation is discovered for each owner."""

    app_id: str
    private_key: str


class GitHubClient:
    """Asks GraphQL queries, each in the name of one owner's credentials."""

    def __init__(self, url: str, credentials: Token | App) -> None:
        self.usage = Usage()
        self._url = url.rstrip("/")
        self._credentials = credentials
        self._threads = threading.local()  # a PyGithub client mixes up answers when two threads share it

    def query(self, repository: str, text: str, variables: Mapping[str, Any]) -> Answer:
        """Ask one query in the name of `repository`'s owner. Raises Unavailable or TooHeavy."""
        headers: Mapping[str, str]
        body: Any
        try:
            github = self._client_for(repository)
            self.usage.requests += 1
            headers, body = github.requester.graphql_query(text, dict(variables))
        except GithubException as error:
            if error.status in (401, 404):  # an App may have been installed anew, under another id
                self._clients().pop(repository.partition("/")[0], None)
            body = _errors_in_a_good_answer(error)
            headers = dict(error.headers or {})
        except _BAD_ANSWER as error:
            raise Unavailable(
                f"GitHub could not be reached or gave no proper answer ({type(error).__name__})"
            ) from None
        # A page that is no JSON arrives here as {"data": "<html>..."}.
        data: Any = body.get("data") if isinstance(body, Mapping) else None
        if not isinstance(data, dict):
            raise Unavailable("GitHub gave no proper answer (no data)")
        self._account(data)
        return Answer(data, _errors(body.get("errors", [])), _date(headers))

    def _client_for(self, repository: str) -> Github:
        owner = repository.partition("/")[0]
        clients = self._clients()
        if owner not in clients:
            clients[owner] = self._connect(owner)
        return clients[owner]

    def _clients(self) -> dict[str, Github]:
        clients: dict[str, Github] = self._threads.__dict__.setdefault("clients", {})
        return clients

    def _connect(self, owner: str) -> Github:
        if isinstance(self._credentials, Token):
            return Github(auth=Auth.Token(self._credentials.token), base_url=self._url, **_EXPLICIT)
        app = Auth.AppAuth(self._credentials.app_id, self._credentials.private_key)
        integration = GithubIntegration(auth=app, base_url=self._url, **_EXPLICIT)
        installation = self._installation(integration, owner)
        auth = app.get_installation_auth(installation.id, token_permissions=READ_ONLY)
        return Github(auth=auth, base_url=self._url, **_EXPLICIT)

    def _installation(self, integration: GithubIntegration, owner: str) -> Installation:
        try:
            self.usage.requests += 1
            return integration.get_org_installation(owner)
        except UnknownObjectException:  # not an organisation: a person
            self.usage.requests += 1
            return integration.get_user_installation(owner)

    def _account(self, data: Mapping[str, Any]) -> None:
        match data.get("rateLimit"):
            case {"cost": int(cost), "remaining": int(remaining)}:
                self.usage.points += cost
                self.usage.remaining = remaining


def _errors_in_a_good_answer(error: GithubException) -> dict[str, Any]:
    """Return the body where GitHub answered 200 with errors. Raises Unavailable or TooHeavy for everything else."""
    body = error.data
    if isinstance(body, dict) and isinstance(body.get("errors"), list) and body["errors"]:
        kinds = {str(item.get("type")) for item in body["errors"]}
        if "RATE_LIMITED" in kinds:
            raise Unavailable("GitHub's rate limit is used up")
        if "RESOURCE_LIMITS_EXCEEDED" in kinds or not all(item.get("path") for item in body["errors"]):
            # An error without a place leaves open which parts of the data can be trusted: none.
            raise TooHeavy("GitHub could not answer the query: " + str(body["errors"][0].get("message", "")))
        return body
    if error.status in (502, 504):
        raise TooHeavy(f"GitHub broke the query off ({error.status})")
    raise Unavailable(_reason(error))


def _reason(error: GithubException) -> str:
    message = str(error.data.get("message", "")).lower() if isinstance(error.data, dict) else ""
    if error.status == 429 or "rate limit" in message or "retry-after" in (error.headers or {}):  # noqa: PLR2004  an HTTP status
        return "GitHub's rate limit is used up"
    return _HTTP_REASONS.get(error.status, f"GitHub answered with status {error.status}")


def _errors(errors: list[dict[str, Any]]) -> tuple[GraphQLError, ...]:
    return tuple(
        GraphQLError(tuple(error["path"]), str(error.get("type")), str(error.get("message", ""))) for error in errors
    )


def _date(headers: Mapping[str, str]) -> datetime:
    try:
        return parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return datetime.fromtimestamp(0, UTC)  # so that nothing counts as settled
