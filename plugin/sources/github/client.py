"""The only place that talks to GitHub: PyGithub, one client per thread and owner.

Nothing is retried here: the next refresh asks again, and a request that was too heavy is asked again in halves.
What answers mean is in `answer.py`, how much may be asked in `limiter.py`.
"""

import math
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
from github import Auth, Github, GithubException, GithubIntegration, UnknownObjectException
from github.Installation import Installation

from plugin.errors import PluginError
from plugin.sources import Usage
from plugin.sources.github.answer import Answer, Limited, Unavailable, is_good_answer, meaning, read_answer, time_of_day
from plugin.sources.github.limiter import Clock, Limiter, scarcest

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


@dataclass(frozen=True, slots=True)
class Token:
    """A personal access token."""

    token: str


@dataclass(frozen=True, slots=True)
class App:
    """A GitHub App; its installation is discovered for each owner."""

    app_id: str
    private_key: str


@dataclass(slots=True)
class _Limiters:
    """One limiter for each token."""

    clock: Clock
    _by_token: dict[str, Limiter] = field(default_factory=dict)
    wanted: frozenset[str] = (
        frozenset()
    )  # tokens that the newest reading of everything is for; others may be of the past

    def of(self, token: str) -> Limiter:
        return self._by_token.setdefault(token, Limiter(self.clock))

    def tell(self, usage: Usage) -> None:
        limiters = list(self._by_token.values())
        usage.points = sum(limiter.points for limiter in limiters)
        quota = scarcest(limiters)
        usage.remaining = quota.remaining if quota else None
        moments = [self._by_token[token].resumes_at for token in self.wanted]
        waiting = [moment for moment in moments if moment]
        usage.resumes_at = min(waiting) if waiting and len(waiting) == len(moments) else None


class GitHubClient:
    """Asks GraphQL queries, each in the name of one owner's credentials."""

    def __init__(self, url: str, credentials: Token | App, clock: Clock | None = None) -> None:
        self._url = url.rstrip("/")
        self._credentials = credentials
        self._clock = clock or Clock()
        self._limiters = _Limiters(self._clock)
        self._usage = Usage()
        self._threads = threading.local()  # a PyGithub client mixes up answers when two threads share it

    @property
    def usage(self) -> Usage:
        """Requests and points so far, what the scarcest token has left now, and when one of them can go on."""
        self._limiters.tell(self._usage)
        return self._usage

    def resting(self, owners: Iterable[str]) -> dict[str, str]:
        """Say which owners are not to be read now, so that their points last (owner: reason).

        None of them rests if all would: when to ask at all is not decided here.
        """
        limiters = {owner: self._limiter(owner) for owner in owners}
        self._limiters.wanted = frozenset(self._token_of(owner) for owner in limiters)
        if all(limiter.resumes_at for limiter in limiters.values()):
            return {}
        return {
            owner: f"GitHub's points for {owner} are few; it is read again at {time_of_day(until)}"
            for owner, limiter in limiters.items()
            if (until := limiter.rests_until)
        }

    @contextmanager
    def reading(self, owners: Iterable[str]) -> Iterator[None]:
        """Read everything of these owners, then let their tokens rest as long as that needs."""
        tokens = {self._token_of(owner): self._limiter(owner) for owner in owners}
        before = {token: limiter.points for token, limiter in tokens.items()}
        yield
        for token, limiter in tokens.items():
            limiter.rest(limiter.points - before[token])

    def after(self, seconds: float) -> float:
        """Return the moment so many seconds from now, for `until`."""
        return self._clock.monotonic() + seconds

    @contextmanager
    def until(self, moment: float) -> Iterator[None]:
        """Let this thread begin no query later than at a moment: it is Unavailable."""
        self._threads.deadline = moment
        try:
            yield
        finally:
            self._threads.deadline = math.inf

    def query(self, repository: str, text: str, variables: Mapping[str, Any]) -> Answer:
        """Ask one query in the name of `repository`'s owner. Raises Unavailable (Limited, too) or TooHeavy."""
        owner = repository.partition("/")[0]
        limiter = self._limiter(owner)
        limiter.wait_for_turn(self._deadline() - self._clock.monotonic())
        started = self._clock.monotonic()
        try:
            headers, body = self._ask(owner, text, dict(variables))
            answer = read_answer(headers, body)
        except Limited as limited:
            limiter.refused(limited.headers, points_used_up=limited.points_used_up)
            raise
        except PluginError:
            limiter.failed(self._clock.monotonic() - started)
            raise
        limiter.answered(self._clock.monotonic() - started, headers, answer.data.get("rateLimit"))
        return answer

    def _deadline(self) -> float:
        return float(getattr(self._threads, "deadline", math.inf))

    def _limiter(self, owner: str) -> Limiter:
        return self._limiters.of(self._token_of(owner))

    def _token_of(self, owner: str) -> str:
        # An installation has a token for each owner; a personal token is the same for all.
        return "" if isinstance(self._credentials, Token) else owner

    def _ask(self, owner: str, text: str, variables: dict[str, Any]) -> tuple[Mapping[str, str], object]:
        """Return headers and body of an answer with status 200. Raises Unavailable, Limited or TooHeavy."""
        try:
            github = self._client_for(owner)
            self._usage.requests += 1
            return github.requester.graphql_query(text, variables)
        except GithubException as error:
            if is_good_answer(error):
                return error.headers or {}, error.data
            if error.status in (401, 404):  # an App may have been installed anew, under another id
                self._clients().pop(owner, None)
            raise meaning(error) from None
        except _BAD_ANSWER as error:
            raise Unavailable(
                f"GitHub could not be reached or gave no proper answer ({type(error).__name__})"
            ) from None

    def _client_for(self, owner: str) -> Github:
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
            self._usage.requests += 1
            return integration.get_org_installation(owner)
        except UnknownObjectException:  # not an organisation: a person
            self._usage.requests += 1
            return integration.get_user_installation(owner)
