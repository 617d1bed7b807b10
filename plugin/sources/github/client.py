"""The only place that reads from GitHub: PyGithub, one client per thread and owner.

Nothing is retried here: the next refresh asks again, and a request that was too heavy is repeated in halves.
What answers mean is in `answer.py`, how much may be asked in `limiter.py`.
"""

import math
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus

from github import Auth, Github
from github.Installation import Installation

from plugin.core.config.names import folded
from plugin.errors import PluginError
from plugin.sources import Usage
from plugin.sources.github.answer import Answer, Limited, Unavailable, meaning, not_json, read_answer, time_of_day
from plugin.sources.github.draft import Query
from plugin.sources.github.limiter import Limiter, LimiterClock, scarcest
from plugin.sources.github.pygithub import (
    EXPLICIT,
    UNREACHABLE,
    App,
    Token,
    authenticate,
    called,
    installation_of,
    parsed,
    unreachable,
)

READ_ONLY = {"contents": "read", "metadata": "read", "pull_requests": "read"}
# Only what waits for a check needs these. GitHub refuses a token that asks for more than an installation grants.
IF_GRANTED = ("checks", "statuses")


@dataclass(slots=True)
class _Limiters:
    """One limiter for each token."""

    clock: LimiterClock
    _by_token: dict[str, Limiter] = field(default_factory=dict)
    # The tokens of the owners in the newest reading of everything; others may no longer be in use.
    wanted: frozenset[str] = frozenset()

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

    def __init__(self, url: str, credentials: Token | App, clock: LimiterClock | None = None) -> None:
        self._url = url.rstrip("/")
        self._credentials = credentials
        self._clock = clock or LimiterClock()
        self._limiters = _Limiters(self._clock)
        self._usage = Usage()
        self._dated: tuple[datetime, float] | None = None  # the newest answer: by GitHub's clock, and our steady one
        self._threads = threading.local()  # a PyGithub client mixes up answers when two threads share it

    @property
    def usage(self) -> Usage:
        """Requests and points so far, what the scarcest token has left now, and when one of them can go on."""
        self._limiters.tell(self._usage)
        return self._usage

    @property
    def ahead(self) -> timedelta | None:
        """How far our clock is ahead of GitHub's now; None before its first answer, or if the newest one has no time.

        It includes up to a second, because `Date` has whole seconds, and the time that the answer needed. A clock that
        was set since that answer is noticed, too.
        """
        if self._dated is None:
            return None
        date, then = self._dated
        return self._clock.now() - date - timedelta(seconds=self._clock.monotonic() - then)

    def resting(self, owners: Iterable[str]) -> dict[str, str]:
        """Return the owners that must not be read now, so that their points last, each with the reason.

        If all of them would rest, none does: this does not decide when to ask at all.
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
        """Make every query that this thread begins after a moment raise Unavailable."""
        self._threads.deadline = moment
        try:
            yield
        finally:
            self._threads.deadline = math.inf

    def query(self, repository: str, query: Query) -> Answer:
        """Ask one query in the name of `repository`'s owner. Raises Unavailable (Limited, too) or TooHeavy."""
        owner = folded(repository.partition("/")[0])
        limiter = self._limiter(owner)
        limiter.wait_for_turn(self._deadline() - self._clock.monotonic())
        started = self._clock.monotonic()
        try:
            headers, body = self._ask(owner, query)
            answer = read_answer(headers, body)
        except Limited as limited:
            limiter.refused(limited.headers, points_used_up=limited.points_used_up)
            raise
        except PluginError:
            limiter.failed(self._clock.monotonic() - started)
            raise
        self._dated = (answer.date, self._clock.monotonic()) if answer.date else None
        limiter.answered(self._clock.monotonic() - started, headers, answer.data.get("rateLimit"))
        return answer

    def reconnect(self, repository: str) -> None:
        """Before the next query for this owner, ask for all permissions that its installation grants by then."""
        if isinstance(self._credentials, App):
            self._forget(folded(repository.partition("/")[0]))

    def _deadline(self) -> float:
        return float(getattr(self._threads, "deadline", math.inf))

    def _limiter(self, owner: str) -> Limiter:
        return self._limiters.of(self._token_of(owner))

    def _token_of(self, owner: str) -> str:
        # An installation has a token for each owner; a personal token is the same for all.
        return "" if isinstance(self._credentials, Token) else folded(owner)

    def _ask(self, owner: str, query: Query) -> tuple[Mapping[str, str], object]:
        """Return headers and parsed body of an answer with status 200. Raises Unavailable, Limited or TooHeavy."""
        try:
            requester = self._client_for(owner).requester
            if requester.auth:
                called(authenticate, requester.auth)
        except Unavailable:
            self._forget(owner)
            raise
        self._asking()
        content = {"query": query.text, "variables": dict(query.variables)}
        try:
            status, headers, text = requester.requestJson("POST", requester.graphql_url, input=content)
        except UNREACHABLE as error:
            raise unreachable(error) from None
        body = parsed(text)
        if status == HTTPStatus.OK:
            if body is None:
                raise not_json(status)
            return headers, body
        if status == HTTPStatus.UNAUTHORIZED:
            self._forget(owner)
        raise meaning(status, headers, body)

    def _client_for(self, owner: str) -> Github:
        clients = self._clients()
        if owner not in clients:
            clients[owner] = self._connect(owner)
        return clients[owner]

    def _forget(self, owner: str) -> None:
        """Connect again next time: the App may have been reinstalled, under another id."""
        self._clients().pop(owner, None)

    def _clients(self) -> dict[str, Github]:
        clients: dict[str, Github] = self._threads.__dict__.setdefault("clients", {})
        return clients

    def _connect(self, owner: str) -> Github:
        if isinstance(self._credentials, Token):
            return Github(auth=Auth.Token(self._credentials.token), base_url=self._url, **EXPLICIT)
        installation = installation_of(self._credentials.integration(self._url), owner, self._asking)
        number, granted = called(_terms, installation)
        permissions = READ_ONLY | {name: "read" for name in IF_GRANTED if name in granted}
        auth = self._credentials.auth.get_installation_auth(number, token_permissions=permissions)
        return Github(auth=auth, base_url=self._url, **EXPLICIT)

    def _asking(self) -> None:
        self._usage.requests += 1


def _terms(installation: Installation) -> tuple[int, frozenset[str]]:
    """Return an installation's id, and what it grants."""
    return installation.id, frozenset(installation.permissions or ())
