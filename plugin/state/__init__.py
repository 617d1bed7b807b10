"""State: where what is known is kept, so that it outlives a restart and can be shared between replicas.

`Store` is what must never be lost, `Board` what replicas tell each other and may forget, `Lease` who of them polls.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from plugin.core.answers.breaker import Emitted
from plugin.core.answers.filters import Filters
from plugin.core.answers.history import Event
from plugin.core.answers.live import Live
from plugin.core.config.catalog import Catalog
from plugin.core.facts.model import Snapshot
from plugin.errors import PluginError


class Outdated(PluginError):
    """Somebody else has stored something newer, or polls now: what was to be stored is dropped."""


class Unreachable(PluginError):
    """The state cannot be read or written now."""


@dataclass(frozen=True, slots=True)
class Head:
    """The little that has to be looked at for every answer."""

    version: int  # grows whenever an answer could change
    fresh_at: datetime | None  # when the source last said something that counts; None: never


@dataclass(frozen=True, slots=True)
class Known:
    """What is known and may be answered from. `catalog` is None until every repository was read once."""

    head: Head
    catalog: Catalog | None
    snapshot: Snapshot
    live: Live | None = None
    emitted: Mapping[Filters, Emitted] = field(default_factory=dict)
    histories: Mapping[str, tuple[Event, ...]] = field(default_factory=dict)  # by `<service>/<number>`
    acknowledged: frozenset[str] = frozenset()  # fingerprints of catalogs that a human has acknowledged


NOTHING = Known(Head(0, None), None, Snapshot({}))


class Store(Protocol):
    """Keeps what is known. It is stored before anybody is answered from it. Everything here raises Unreachable."""

    def head(self) -> Head:
        """Return the newest head, also of another replica's making. Cheap enough for every request."""

    def load(self) -> Known:
        """Return everything of the newest head. What has not changed since the last time comes as the same objects."""

    def save(self, before: Known, after: Known) -> None:
        """Store `after`, which was made from `before`, at once and whole. Raises Outdated.

        Only what differs is written. `emitted` may hold more than `before` by then: answers to new inputs stay.
        """

    def emit(self, version: int, filters: Filters, emitted: Emitted) -> None:
        """Store what was answered to an input for the first time. Raises Outdated if `version` is not the newest."""

    def acknowledge(self, fingerprint: str) -> None:
        """Remember that a human has acknowledged a catalog, in a new version."""


class Board(Protocol):
    """What replicas tell each other. Everything here raises Unreachable."""

    def hint(self, repositories: Collection[str]) -> None:
        """Say that something may have changed in these repositories."""

    def take_hints(self) -> frozenset[str]:
        """Return what was hinted at since the last time, once."""

    def asked(self, version: int) -> None:
        """Say that an answer of this version was given to Argo CD."""

    def newest_asked(self) -> int:
        """Return the newest version that was given to Argo CD; 0 before the first."""


class Lease(Protocol):
    """Who polls: one of several replicas at a time."""

    @property
    def held(self) -> bool:
        """Whether it is this replica, as far as it knows; `Store.save` is what makes sure."""

    def compete(self) -> None:
        """Begin to ask for it, and keep it until the state is closed. A command that only looks does not."""


@dataclass(frozen=True, slots=True)
class State:
    """One place, opened."""

    store: Store
    board: Board
    lease: Lease
    close: Callable[[], None]
