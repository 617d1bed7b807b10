"""State: keeps what is known, so that it survives a restart and can be shared between replicas.

`Store` holds what must never be lost, `Board` holds messages between replicas that may be lost, `Outbox` holds what was
written elsewhere, and `Lease` decides which replica polls.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from plugin.core.answers.history import Event
from plugin.core.answers.live import Hold, Live
from plugin.core.config.catalog import Catalog
from plugin.core.facts.acts import Act, Acts
from plugin.core.facts.deployments import Reported, Reports
from plugin.core.facts.lives import Lives
from plugin.core.facts.model import Snapshot
from plugin.core.life.earlier_ends import EarlierEnds
from plugin.errors import PluginError
from plugin.state.outbox import MemoryOutbox, Outbox


class Outdated(PluginError):
    """Another process stored something newer, or another replica polls now. Nothing was stored."""


class Unreachable(PluginError):
    """The state cannot be read or written at the moment."""


@dataclass(frozen=True, slots=True)
class Head:
    """The small part of the state that is checked before every answer."""

    version: int  # grows whenever an answer could change
    fresh_at: datetime | None  # the last time that the source was read successfully; None: never
    reports: str = ""  # opaque; another one whenever Argo CD has reported something, which changes no answer


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that answers are made from. `catalog` is None until every repository has been read once."""

    head: Head
    catalog: Catalog | None
    snapshot: Snapshot
    live: Live | None = None  # None: nothing was ever answered
    hold: Hold | None = None  # None: the breaker holds nothing back
    histories: Mapping[str, tuple[Event, ...]] = field(default_factory=dict)  # by `<service>/<number>`
    acts: Acts = field(default_factory=dict)
    lives: Lives = field(default_factory=dict)
    ends: EarlierEnds | None = None  # None: no end waits for an acknowledgement
    reported: Reports = field(default_factory=dict)  # what Argo CD reported

    @property
    def held_catalog(self) -> str:
        """The fingerprint of the catalog that waits for an acknowledgement; "" if none does.

        While previews are held back, they come first: an acknowledgement that belongs to another catalog has no effect.
        """
        return self.hold.catalog if self.hold else self.ends.catalog if self.ends else ""


NOTHING = Known(Head(0, None), None, Snapshot({}))


class Store(Protocol):
    """Keeps what is known. Nothing is answered before it is stored. Every method may raise Unreachable."""

    def head(self) -> Head:
        """Return the newest head, including one stored by another process. Cheap enough for every request."""

    def load(self) -> Known:
        """Return everything under the newest head. Parts unchanged since the last load are the same objects."""

    def save(self, before: Known, after: Known) -> None:
        """Replace `before` with `after` in one step, writing only what differs. Raises Outdated."""

    def act(self, act: Act) -> None:
        """Store what somebody said, at once and in a new version. An older act never replaces a newer one."""

    def report(self, name: str, report: Reported) -> None:
        """Store what Argo CD reported about the preview of this name, at once, without a new version.

        A save that began before does not undo it.
        """


class Board(Protocol):
    """Messages between replicas. Every method may raise Unreachable."""

    def hint(self, repositories: Collection[str]) -> None:
        """Say that something may have changed in these repositories."""

    def take_hints(self) -> frozenset[str]:
        """Return the repositories that were hinted at since the last call, and forget them."""

    def asked(self, version: int) -> None:
        """Say that Argo CD got an answer of this version."""

    def newest_asked(self) -> int:
        """Return the newest version that Argo CD got; 0 before the first."""


class Lease(Protocol):
    """Decides which replica polls: one at a time."""

    @property
    def held(self) -> bool:
        """Whether this replica polls, as far as it knows. `Store.save` makes sure."""

    @property
    def token(self) -> bytes:
        """Another one whenever the lease is taken anew: in between, another replica may have polled."""

    def compete(self) -> None:
        """Start to compete for the lease until the state is closed. Commands that only read do not compete."""


@dataclass(frozen=True, slots=True)
class OpenedState:
    """The parts of one opened state."""

    store: Store
    board: Board
    lease: Lease
    close: Callable[[], None]
    outbox: Outbox = field(default_factory=MemoryOutbox)
