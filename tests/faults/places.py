"""Places: where replicas keep their state. They use the real stores, but the simulation decides which replica polls."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, cast

from redis import Redis

from plugin.core.commands.answer import Note
from plugin.core.reports.budget import Budget
from plugin.core.reports.content import Target
from plugin.core.reports.steps import Standing
from plugin.state import OpenedState, Outdated
from plugin.state.memory import LocalBoard, LocalLease, MemoryStore
from plugin.state.opening import open_state
from plugin.state.outbox import MemoryOutbox, Outbox, Sent
from plugin.state.redis import RedisStore
from plugin.state.redis_board import RedisBoard
from plugin.state.redis_keys import LEASE, LEASE_OF_1, RETIRED
from plugin.state.redis_outbox import RedisOutbox


class Place(Protocol):
    shared: bool  # whether several replicas can use it
    can_go_back: bool  # whether it can lose the newest writes under living processes

    def open(self) -> OpenedState:
        """Open it for one process."""

    def lose(self) -> None:
        """Lose everything. Only while no replica has it open."""

    def take_lease(self, state: OpenedState) -> None:
        """Make the process with this state the one that polls; the previous one is not told."""

    def keep_copy(self) -> None:
        """Remember what it holds now."""

    def go_back(self) -> None:
        """Hold what it held when it was copied last, or nothing."""


@dataclass(eq=False)
class _SharedOutbox:
    """Shared by processes, of which one may write it."""

    inside: MemoryOutbox
    polls: Callable[[], Outbox | None]  # that of the process that may

    def load(self) -> Sent:
        return self.inside.load()

    def keep(self, budget: Budget, target: Target, standing: Standing | None) -> None:
        if self.polls() is not self:
            raise Outdated("another process polls now")
        self.inside.keep(budget, target, standing)

    def keep_note(self, budget: Budget, key: str, note: Note | None) -> None:
        if self.polls() is not self:
            raise Outdated("another process polls now")
        self.inside.keep_note(budget, key, note)

    def keep_since(self, budget: Budget, since: datetime | None) -> None:
        if self.polls() is not self:
            raise Outdated("another process polls now")
        self.inside.keep_since(budget, since)


class MemoryPlace:
    """A store that never fails and outlives every process."""

    shared = True
    can_go_back = False

    def __init__(self) -> None:
        self._polls: Outbox | None = None
        self.lose()

    def open(self) -> OpenedState:
        outbox = _SharedOutbox(self._sent, lambda: self._polls)
        return OpenedState(self._store, self._board, LocalLease(), lambda: None, outbox)

    def lose(self) -> None:
        self._store, self._board, self._sent = MemoryStore(), LocalBoard(), MemoryOutbox()

    def take_lease(self, state: OpenedState) -> None:
        """There is none, but only one process writes elsewhere."""
        self._polls = state.outbox

    def keep_copy(self) -> None:
        """It never goes back."""

    def go_back(self) -> None:
        """Never."""


class SqlitePlace:
    """One file."""

    shared = False
    can_go_back = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lost = 0

    def open(self) -> OpenedState:
        return open_state(f"sqlite:{self._folder}/state-{self._lost}.db")

    def lose(self) -> None:
        self._lost += 1

    def take_lease(self, state: OpenedState) -> None:
        """There is one process, so it is the one that serves."""
        if not state.lease.held:
            state.lease.compete()

    def keep_copy(self) -> None:
        """It never goes back."""

    def go_back(self) -> None:
        """Never."""


class _Lease:
    """Held from the first time on: a replica that was paused does not know that its lease has expired."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self.token = uuid.uuid4().hex.encode()
        self.held = False

    def take(self) -> None:
        self._client.set(LEASE, self.token)
        if self._client.get(LEASE_OF_1) != RETIRED:
            self._client.set(LEASE_OF_1, self.token)
        self.held = True

    def compete(self) -> None:
        """The simulation says who has it."""


class RedisPlace:
    """A real Redis."""

    shared = True
    can_go_back = True

    def __init__(self, client: Redis) -> None:
        self._client = client
        self.lose()

    def open(self) -> OpenedState:
        lease = _Lease(self._client)
        outbox = RedisOutbox(self._client, lease)
        return OpenedState(RedisStore(self._client, lease), RedisBoard(self._client), lease, lambda: None, outbox)

    def lose(self) -> None:
        self._client.flushdb()
        self._copy: dict[bytes, bytes] = {}

    def take_lease(self, state: OpenedState) -> None:
        assert isinstance(state.lease, _Lease)
        state.lease.take()

    def keep_copy(self) -> None:
        keys = cast("list[bytes]", self._client.keys())
        self._copy = {
            key: cast("bytes", self._client.dump(key))
            for key in keys
            if key not in {LEASE.encode(), LEASE_OF_1.encode()}
        }

    def go_back(self) -> None:
        """As after a failover, or a restart without a disk. The lease is lost too."""
        self._client.flushdb()
        for key, value in self._copy.items():
            self._client.restore(key, 0, value)
