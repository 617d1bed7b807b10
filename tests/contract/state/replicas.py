"""Replicas that share a Redis and hold the lease when a test says so."""

from contextlib import ExitStack
from dataclasses import dataclass, field

from plugin.state.entries import SCHEMA
from plugin.state.redis import RedisStore
from plugin.state.redis_client import connect
from plugin.state.redis_keys import LEASE, LEASE_OF_1, STATES
from tests.redis_server import RedisServer

STATE = STATES[SCHEMA]


@dataclass
class GivenLease:
    """A lease whose holder the test decides, in Redis too."""

    token: bytes
    held: bool = False

    def compete(self) -> None:
        """Do nothing: the test says who holds the lease."""


@dataclass
class Replicas:
    server: RedisServer
    stack: ExitStack
    leases: list[GivenLease] = field(default_factory=list)

    def new(self) -> RedisStore:
        lease = GivenLease(f"replica {len(self.leases)}".encode())
        self.leases.append(lease)
        client = self.stack.enter_context(connect(self.server.url))
        return RedisStore(client, lease)

    def polls(self, number: int) -> None:
        """Give the lease to one of them, unless a retired key needs no holder."""
        for index, lease in enumerate(self.leases):
            lease.held = index == number
        with self.server.client() as client:
            for key in (LEASE, LEASE_OF_1):
                client.set(key, self.leases[number].token)

    def copy(self) -> dict[bytes, bytes]:
        """Return everything that Redis holds, as a disk or another Redis would have it."""
        with self.server.client() as client:
            return dict(client.hgetall(STATE))

    def throw_back(self, to: dict[bytes, bytes]) -> None:
        with self.server.client() as client:
            client.delete(STATE)
            if to:
                client.hset(STATE, mapping=to)
