"""Sources: where pull requests come from. Each reads whole repositories or says that it could not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from plugin.core.config.references import Locator
from plugin.core.facts.model import LookUp, Repository


@dataclass(frozen=True, slots=True)
class Wanted:
    """A repository to read: its open pull requests with at least one of `labels`, or all of them if there are none.

    `before` is what was known of it. If nothing has changed since, a source may return that very object, unless
    `must_list` is set. To spare its server, a source may postpone what is not `urgent`.
    """

    name: str
    labels: frozenset[str]
    before: Repository | None = None
    must_list: bool = False
    urgent: bool = False


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


class Source(Protocol):
    """Reads repositories. It never raises an error for trouble outside: it returns doubts beside the good readings."""

    @property
    def usage(self) -> Usage:
        """What was asked of the server so far."""

    def read(self, wanted: Sequence[Wanted]) -> Mapping[str, Repository | Doubt]:
        """Read each wanted repository completely, or say why not.

        A pull request that the server cannot say enough about does not put its repository in doubt: it is in
        `Repository.held` and left out of `pull_requests`.
        """

    def look_up(self, locators: Sequence[Locator], known: Mapping[str, Repository]) -> Mapping[Locator, LookUp]:
        """Look up pull requests by number; those that could not be looked up are left out.

        `known` holds each locator's repository, so that a different one that has its name now is not asked.
        """


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
