"""Sources: where pull requests come from. Each reads whole repositories or says that it could not."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from plugin.core.model import Elsewhere, Repository
from plugin.core.references import Locator


@dataclass(frozen=True, slots=True)
class Wanted:
    """A repository to read: its open pull requests with at least one of `labels`, or all of them if there are none."""

    name: str
    labels: frozenset[str]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A reading that must not be used, and why. What was known before stays in force."""

    reason: str


@dataclass(slots=True)
class Usage:
    """What a source asked of its server since the start; `remaining` is None where there is no limit to know."""

    requests: int = 0
    points: int = 0
    remaining: int | None = None


class Source(Protocol):
    """Reads repositories. It never raises for trouble outside: every doubt is named beside the good readings."""

    @property
    def usage(self) -> Usage:
        """What was asked so far."""

    def read(self, wanted: Sequence[Wanted]) -> Mapping[str, Repository | Doubt]:
        """Read each wanted repository completely, or say why not."""

    def look_up(self, locators: Collection[Locator]) -> Mapping[Locator, Elsewhere]:
        """Say where unlisted pull requests are; those that could not be looked up are left out."""
