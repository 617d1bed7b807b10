"""The outbox in Redis, which only the replica that holds the lease writes.

It has a key of its own, so that followers need not read it, and an upgrade of the state leaves it alone.
"""

from typing import cast

from redis import Redis

from plugin.state import Lease, Outdated
from plugin.state.entries import Name
from plugin.state.outbox import BUDGET, EntryOutbox, Sent, read_sent
from plugin.state.redis_client import reaching
from plugin.state.redis_keys import LEASE, OUTBOX

_KEEP = """
local outbox, lease = unpack(KEYS)
local token, budget_field, budget, field, data = unpack(ARGV)
if redis.call('GET', lease) ~= token then return 'lease' end
redis.call('HSET', outbox, budget_field, budget)
if data == '' then redis.call('HDEL', outbox, field) else redis.call('HSET', outbox, field, data) end
return 'kept'
"""


class RedisOutbox(EntryOutbox):
    """One hash. It is written only while the lease is the one under which it was loaded."""

    def __init__(self, client: Redis, lease: Lease) -> None:
        self._client = client
        self._lease = lease
        self._token = b""  # of the lease under which it was loaded
        self._script = client.register_script(_KEEP)

    def load(self) -> Sent:
        """Return what was kept last. Raises Unreachable."""
        self._token = self._lease.token  # before Redis is asked: nobody else writes as long as it holds the lease
        with reaching(self._client):
            fields = cast("dict[bytes, bytes]", self._client.hgetall(OUTBOX))
        return read_sent((_name(field), data) for field, data in fields.items())

    def _store(self, budget: bytes, name: Name, data: bytes | None) -> None:
        field = f"{name.kind}:{name.key}"
        with reaching(self._client):
            reply = self._script([OUTBOX, LEASE], [self._token, f"{BUDGET}:", budget, field, data or b""])
        if reply != b"kept":
            raise Outdated("another replica polls now, or has polled since")


def _name(field: bytes) -> Name:
    kind, _, key = field.decode(errors="surrogatepass").partition(":")
    return Name(kind, key)
