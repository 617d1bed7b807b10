"""A replica of schema 1, as far as one of schema 2 can meet it in Redis: its keys, its commands, its scripts.

The scripts are those of commit fe3a635, so they stay as they are.
"""

import uuid
from dataclasses import dataclass, field

from redis import Redis

STATE = "preview-plugin:1:state"
LEASE = "preview-plugin:1:lease"
DURATION = 1500  # milliseconds
HEAD = ("version", "identity", "fresh_at", "writes", "floor")

_SAVE = """
local state, lease = KEYS[1], KEYS[2]
local token, identity, next_version, next_identity, fresh_at, whole, puts = unpack(ARGV, 1, 7)
if redis.call('GET', lease) ~= token then return 'lease' end
local head = redis.call('HMGET', state, 'identity', 'writes', 'floor')
local writes, floor = tonumber(head[2] or 0), tonumber(head[3] or 0)
if (head[1] or '') ~= identity or floor > tonumber(next_version) then return 'newer' end
if whole == 'whole' then redis.call('DEL', state) end
local last = 7 + 2 * puts
for i = 8, last, 2 do redis.call('HSET', state, ARGV[i], ARGV[i + 1]) end
for i = last + 1, #ARGV do redis.call('HDEL', state, ARGV[i]) end
redis.call('HSET', state, 'version', next_version, 'identity', next_identity, 'fresh_at', fresh_at)
redis.call('HSET', state, 'writes', writes + 1, 'floor', floor)
return 'stored'
"""
_EMIT = """
if (redis.call('HGET', KEYS[1], 'identity') or '') ~= ARGV[1] then return 'newer' end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('HINCRBY', KEYS[1], 'writes', 1)
return 'stored'
"""


class CannotAnswer(Exception):
    """What that program answers with 503."""


@dataclass
class ReplicaOf1:
    client: Redis
    token: str = field(default_factory=lambda: uuid.uuid4().hex)

    def compete(self) -> bool:
        """Take or extend the lease; it does so three times in each duration."""
        if self.client.set(LEASE, self.token, nx=True, px=DURATION):
            return True
        mine = self.client.get(LEASE) == self.token.encode()
        return mine and bool(self.client.pexpire(LEASE, DURATION))

    def answers_from(self) -> int:
        """Return the version that it would answer from."""
        version, floor = self._numbers("version", "floor")
        if version < floor:
            if not self.compete():
                raise CannotAnswer
            if self._save(floor) != b"stored":
                raise CannotAnswer
            version = floor
        return version

    def save(self, **fields: bytes) -> bytes:
        """Store the next version, with these fields in addition."""
        (version,) = self._numbers("version")
        return self._save(version + 1, fields)

    def emit(self, field: str, value: bytes) -> bytes:
        """Store what was answered to a new input, which needs no lease and makes no version."""
        identity = self.client.hget(STATE, "identity") or b""
        reply: bytes = self.client.eval(_EMIT, 1, STATE, identity, field, value)
        return reply

    def _save(self, version: int, fields: dict[str, bytes] | None = None) -> bytes:
        identity = self.client.hget(STATE, "identity") or b""
        fresh_at = self.client.hget(STATE, "fresh_at") or b""
        arguments = [self.token, identity, version, uuid.uuid4().hex, fresh_at, "", len(fields or {})]
        arguments += [part for item in (fields or {}).items() for part in item]
        reply: bytes = self.client.eval(_SAVE, 2, STATE, LEASE, *arguments)
        return reply

    def _numbers(self, *names: str) -> list[int]:
        return [int(value or 0) for value in self.client.hmget(STATE, names)]
