"""Sources: where pull requests come from, and where is told what became of them.

Each reads whole repositories or says that it could not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from plugin.core.config.lifecycle import Traffic
from plugin.core.config.references import Locator
from plugin.core.facts.model import LookUp, Repository
from plugin.errors import PluginError


@dataclass(frozen=True, slots=True)
class Wanted:
    """A repository to read: its open pull requests with at least one of `labels`, or all of them if there are none.

    `before` is what was known of it. If nothing has changed since, a source may return that very object, unless
    `must_list` is set, or that object with what was heard since. To spare its server, a source may postpone what is not
    `urgent`. Comments that may be commands are read if the source has any, and only with `comments`.
    """

    name: str
    labels: frozenset[str]
    before: Repository | None = None
    must_list: bool = False
    urgent: bool = False
    comments: bool = False


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a reading must not be used, in text of any length. What was known before stays in force."""

    reason: str


@dataclass(slots=True)
class Usage:
    """What a source asked of its server since the start, and when it can ask again."""

    requests: int = 0
    points: int = 0
    remaining: int | None = None  # points of the scarcest token; None where the limit is unknown
    resumes_at: datetime | None = None  # when the first of its tokens can afford to read again; None: now


@dataclass(frozen=True, slots=True)
class CheckQuestion:
    """Whether a check of one commit has succeeded."""

    repository: str
    sha: str
    check: str  # the name of a check run or of a commit status
    app: str = ""  # the slug of the GitHub App whose check run counts; "" for any


class Source(Protocol):
    """Reads repositories. It never raises an error for trouble outside: it returns doubts beside the good readings."""

    @property
    def usage(self) -> Usage:
        """What was asked of the server so far."""

    @property
    def ahead(self) -> timedelta | None:
        """How far our clock is ahead of the server's; None before its first answer."""

    def read(self, wanted: Sequence[Wanted]) -> Mapping[str, Repository | Doubt]:
        """Read each wanted repository completely, or say why not.

        A pull request that the server cannot say enough about does not put its repository in doubt: it is in
        `Repository.held` and left out of `pull_requests`.
        """

    def look_up(self, locators: Sequence[Locator], known: Mapping[str, Repository]) -> Mapping[Locator, LookUp]:
        """Look up pull requests by number; those that could not be looked up are left out.

        `known` holds each locator's repository, so that a different one that has its name now is not asked.
        """

    def commits(
        self, locators: Sequence[Locator], known: Mapping[str, Repository]
    ) -> Mapping[Locator, tuple[str, ...]]:
        """Return the newest commits of pull requests, at most ten each, the newest first.

        Those that could not be read are left out.
        """

    def checks(
        self, questions: Sequence[CheckQuestion], known: Mapping[str, Repository]
    ) -> Mapping[CheckQuestion, bool]:
        """Tell for each commit whether its check has succeeded. Those that could not be read are left out."""


class Registry(Protocol):
    """Knows which images exist. It never raises an error for trouble outside."""

    def exist(self, images: Sequence[str]) -> Mapping[str, bool]:
        """Tell for each image (`ghcr.io/acme/orders:1a2b3c`) whether it exists.

        Those whose registry could not be asked, or gave no clear answer, are left out.
        """


class TrafficMeter(Protocol):
    """Knows which previews are used. It never raises an error for trouble outside."""

    def used(self, traffic: Traffic) -> frozenset[str] | Doubt:
        """Return the namespaces that were used lately, or say why that is not known."""


class NotSent(PluginError):
    """A request could not even be sent, so it did nothing."""


class NotGranted(PluginError):
    """The credentials lack a permission. Only a person can change that."""


class NoReply(PluginError):
    """A request was sent and nothing useful came back. What it did is not known."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server replied to one request."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: object  # parsed JSON; None if it is something else


class Rest(Protocol):
    """A server's API for what is written there. Used by one thread at a time."""

    def ask(self, repository: str, verb: str, path: str, content: object = None) -> Reply:
        """Send one request in the name of a repository's owner. Raises NotSent, NotGranted or NoReply."""

    def account(self, repository: str) -> str:
        """Return the login in whose name everything is written. Raises NotSent, NotGranted or NoReply."""


class Headers(Protocol):
    """HTTP headers, found in any case. A dict is enough if the case is known."""

    def get(self, key: str, default: str, /) -> str:
        """Return a header's value."""


class Deliveries(Protocol):
    """A source's webhook deliveries. Each only hints at repositories that are worth a look; it is never believed."""

    def claims_signature(self, headers: Headers) -> bool:
        """Tell whether a delivery has a signature at all, which is known before its body is read."""

    def is_signed(self, headers: Headers, body: bytes) -> bool:
        """Tell whether a delivery comes from somebody who knows a secret; `body` is as it was sent."""

    def hinted(self, headers: Headers, payload: object) -> frozenset[str]:
        """Return the repositories that may have changed, as the delivery spells them. `payload` is any parsed JSON."""
