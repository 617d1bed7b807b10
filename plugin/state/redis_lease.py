"""The lease: which of several replicas polls. A paused one may think too long that it does; the store refuses it."""

import threading
import time
from contextlib import suppress

from redis import Redis, RedisError
from redis.exceptions import LockError
from redis.lock import Lock

from plugin.logs import get_logger
from plugin.state.redis_client import PREFIX

LEASE = f"{PREFIX}lease"
LIFE = 15.0  # seconds without a sign of its holder, after which another replica polls
SHORTEST_PAUSE = 0.05  # seconds between two tries


class RedisLease:
    """A lock that expires, extended every third of its life."""

    def __init__(self, client: Redis, life: float = LIFE) -> None:
        """Prepare it; `life` in seconds."""
        self._client = client
        self._life = life
        self._lock = Lock(client, LEASE, timeout=life, thread_local=False)
        self._held_until = 0.0  # by the steady clock
        self._was_held = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def held(self) -> bool:
        """Whether it is this replica that polls: it was told so within the life, and not otherwise since."""
        return time.monotonic() < self._held_until

    @property
    def token(self) -> bytes:
        """What Redis holds under LEASE while this replica has it."""
        return self._lock.local.token or b""

    def compete(self) -> None:
        """Ask for it at once, and go on in the background until it is closed."""
        self._renew()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let another replica have it at once."""
        self._stop.set()
        if self._thread:
            self._thread.join()
        self._held_until = 0.0
        if self._lock.local.token:
            with suppress(RedisError):  # it expires by itself
                self._lock.release()

    def _run(self) -> None:
        while not self._stop.wait(self._pause()):
            self._renew()

    def _renew(self) -> None:
        asked_at = time.monotonic()
        try:
            held = self._extend() or self._lock.acquire(blocking=False)
        except RedisError:
            held = False  # not known, so another one may have it
        self._held_until = asked_at + self._life if held else 0.0
        if held is not self._was_held:
            self._was_held = held
            get_logger().info("this replica polls now" if held else "this replica does not poll any more")

    def _extend(self) -> bool:
        try:
            return self._lock.reacquire()
        except LockError:  # it never was this replica's, or is not any more
            return False

    def _pause(self) -> float:
        third = self._life / 3
        if self.held:
            return third
        try:  # the holder may be dead: be there when it expires
            left = self._client.pttl(LEASE) / 1000
        except RedisError:
            return third
        return min(third, max(left, SHORTEST_PAUSE))
