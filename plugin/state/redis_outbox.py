"""The outbox in Redis, which only the replica that holds the lease writes.

It has a key of its own, so that followers need not read it, and an upgrade of the state leaves it alone.
"""

from datetime import datetime
from typing import cast

from redis import Redis

from plugin.core.commands.answer import Note
from plugin.core.reports.budget import Budget
from plugin.core.reports.content import Target
from plugin.core.reports.steps import Standing
from plugin.state import Outdated
from plugin.state.entries import Name
from plugin.state.outbox import (
    BUDGET,
    NOTE,
    SINCE,
    STANDING,
    Sent,
    budget_entry,
    note_entry,
    read_sent,
    since_entry,
    standing_entry,
)
from plugin.state.redis import LeaseWithToken
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


class RedisOutbox:
    """One hash."""

    def __init__(self, client: Redis, lease: LeaseWithToken) -> None:
        self._client = client
        self._lease = lease
        self._script = client.register_script(_KEEP)

    def load(self) -> Sent:
        """Return what was kept last. Raises Unreachable."""
        with reaching(self._client):
            fields = cast("dict[bytes, bytes]", self._client.hgetall(OUTBOX))
        return read_sent((_name(field), data) for field, data in fields.items())

    def keep(self, budget: Budget, target: Target, standing: Standing | None) -> None:
        """Keep what is known of one target, or forget it. Raises Outdated or Unreachable."""
        self._keep(budget, f"{STANDING}:{target.key}", standing_entry(standing) if standing else b"")

    def keep_note(self, budget: Budget, key: str, note: Note | None) -> None:
        """Keep what is known of one command, or forget it. Raises Outdated or Unreachable."""
        self._keep(budget, f"{NOTE}:{key}", note_entry(note) if note else b"")

    def keep_since(self, budget: Budget, since: datetime | None) -> None:
        """Keep since when comments can be commands, or that none can. Raises Outdated or Unreachable."""
        self._keep(budget, f"{SINCE}:", since_entry(since) if since else b"")

    def _keep(self, budget: Budget, field: str, data: bytes) -> None:
        with reaching(self._client):
            reply = self._script([OUTBOX, LEASE], [self._lease.token, f"{BUDGET}:", budget_entry(budget), field, data])
        if reply != b"kept":
            raise Outdated("another replica polls now")


def _name(field: bytes) -> Name:
    kind, _, key = field.decode(errors="surrogatepass").partition(":")
    return Name(kind, key)
