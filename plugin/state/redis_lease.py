"""The lease in Redis: which of several replicas polls.

A replica that was paused may believe for too long that it holds the lease; the store then refuses to write. A lease
that is taken anew has a new token, because another replica may have polled in between. Programs of schema 1 compete for
a different key, so a replica polls only while it has both.
"""

import threading
import time
import uuid
from contextlib import suppress

from redis import Redis, RedisError
from redis.exceptions import LockError
from redis.lock import Lock

from plugin.logs import get_logger
from plugin.state.entries import SCHEMA
from plugin.state.redis_keys import LEASE, LEASE_OF_1, RETIRED, SCHEMA_IN_FORCE

DURATION = 15.0  # seconds without a sign of its holder, after which another replica polls
SHORTEST_WAIT = 0.05  # seconds between two tries


class RedisLease:
    """Locks that expire; the holder extends them every third of their duration."""

    def __init__(self, client: Redis, duration: float = DURATION) -> None:
        """Prepare the lease; `duration` is in seconds."""
        self._client = client
        self._duration = duration
        self._token = uuid.uuid4().hex
        self._locks = [Lock(client, key, timeout=duration, thread_local=False) for key in (LEASE, LEASE_OF_1)]
        self._missing = LEASE  # the key that another replica holds
        self._held_until = 0.0  # by the steady clock
        self._was_held = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def held(self) -> bool:
        """Whether this replica polls: Redis said so within the duration, and has not said otherwise since."""
        return time.monotonic() < self._held_until

    @property
    def token(self) -> bytes:
        """The value in Redis while this replica holds the lease."""
        return self._token.encode()

    def compete(self) -> None:
        """Ask for the lease now, and keep asking in the background until it is closed."""
        self._renew()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Release the lease, so that another replica can take it at once."""
        self._stop.set()
        if self._thread:
            self._thread.join()
        self._held_until = 0.0
        for lock in self._locks:
            if lock.local.token:
                with suppress(RedisError):  # it will expire, or was never this replica's
                    lock.release()

    def _run(self) -> None:
        while not self._stop.wait(self._wait()):
            self._renew()

    def _renew(self) -> None:
        asked_at = time.monotonic()
        try:
            held = not self._is_superseded() and all(self._take(lock) for lock in self._locks)
        except RedisError:
            held = False  # unknown, so another replica may hold it
        self._held_until = asked_at + self._duration if held else 0.0
        if held is not self._was_held:
            self._was_held = held
            get_logger().info("this replica polls now" if held else "this replica no longer polls")

    def _is_superseded(self) -> bool:
        """Tell whether a program of a newer schema has written; after that, this one must not."""
        in_force = self._client.get(SCHEMA_IN_FORCE)
        return in_force is not None and int(in_force) > SCHEMA

    def _take(self, lock: Lock) -> bool:
        self._missing = str(lock.name)
        if lock.name == LEASE_OF_1 and self._client.get(LEASE_OF_1) == RETIRED:
            return True
        try:
            if lock.local.token != self.token:  # it was taken under an earlier token, or never
                lock.release()
            return bool(lock.reacquire())
        except LockError:  # it was never this replica's, or is no longer
            if lock.name == LEASE:
                self._token = uuid.uuid4().hex
            return bool(lock.acquire(blocking=False, token=self._token))

    def _wait(self) -> float:
        third = self._duration / 3
        if self.held:
            return third
        try:  # the holder may be dead, so try again when its lease expires
            left = self._client.pttl(self._missing) / 1000
        except RedisError:
            return third
        return min(third, max(left, SHORTEST_WAIT))
