"""State in Redis: what several replicas share, under one prefix.

Writing is done by small scripts, each of which Redis runs as one step:
https://redis.io/docs/latest/develop/programmability/eval-intro/. They look first whether the writer holds the lease and
whether somebody else has stored something newer, so a leader that was paused never writes over its successor.

A Redis that lost its newest writes (a failover, a restart without a disk) has an older version than this replica has
seen, or another one of the same number. Nobody is answered from that. The replica that polls writes back what it knows,
in a version above all that any replica has seen: the others leave that number in Redis (`floor`).
"""

import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, cast

from redis import Redis

from plugin.core.facts.acts import Act
from plugin.logs import get_logger
from plugin.state import NOTHING, Head, Known, Outdated, Unreachable
from plugin.state.entries import Name
from plugin.state.records import Changes, Records, act_entry, act_in
from plugin.state.redis_client import PREFIX, reaching
from plugin.state.redis_lease import LEASE

# One hash holds everything, so that it is read at once, and lost as a whole if it is lost.
_STATE = f"{PREFIX}state"
_HEAD = ("version", "identity", "fresh_at", "writes", "floor")

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
_ACT = """
local state, identity, field, before, after = KEYS[1], unpack(ARGV)
if (redis.call('HGET', state, field) or '') ~= before then return 'changed' end
redis.call('HSET', state, 'identity', identity, field, after)
redis.call('HINCRBY', state, 'version', 1)
redis.call('HINCRBY', state, 'writes', 1)
return 'stored'
"""
_RAISE_FLOOR = """
if tonumber(redis.call('HGET', KEYS[1], 'floor') or '0') < tonumber(ARGV[1]) then
    redis.call('HSET', KEYS[1], 'floor', ARGV[1])
end
"""


class Fence(Protocol):
    """The lease as a writer needs it."""

    @property
    def held(self) -> bool:
        """Whether this replica polls, as far as it knows."""

    @property
    def token(self) -> bytes:
        """What Redis holds under LEASE while it does."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """What Redis says of what it holds."""

    version: int = 0
    identity: bytes = b""  # of this version: a number that was lost is given again
    fresh_at: bytes = b""
    writes: int = 0
    floor: int = 0  # no version below this may be answered from

    @property
    def head(self) -> Head:
        return Head(self.version, datetime.fromisoformat(self.fresh_at.decode()) if self.fresh_at else None)

    def lacks(self, seen: "_Stored") -> bool:
        """Whether something is lost that was seen before."""
        return self.version < seen.version or (self.version == seen.version and self.identity != seen.identity)


class RedisStore:
    """Any number of threads may ask for the head; one at a time does the rest."""

    def __init__(self, client: Redis, lease: Fence) -> None:
        self._client = client
        self._lease = lease
        self._save = client.register_script(_SAVE)
        self._act = client.register_script(_ACT)
        self._raise_floor = client.register_script(_RAISE_FLOOR)
        self._records = Records()
        self._working = threading.Lock()
        self._known = NOTHING  # what was loaded or stored last
        self._stored = _Stored()  # and as what
        self._seeing = threading.Lock()
        self._seen = _Stored()  # the newest that was ever seen

    def head(self) -> Head:
        """Return the newest head, in one round trip. Raises Unreachable, also while Redis lacks what was seen."""
        return self._look().head

    def load(self) -> Known:
        """Return everything; in one round trip if nothing was written since the last time. Raises Unreachable."""
        looked = self._look()
        with self._working:
            if looked != self._stored:
                seen = self._seen
                with reaching(self._client):
                    fields = cast("dict[bytes, bytes]", self._client.hgetall(_STATE))
                stored = _stored([fields.get(name.encode()) for name in _HEAD])
                if stored.lacks(seen):
                    raise _went_back()
                entries = ((_name(field), data) for field, data in fields.items() if b":" in field)
                self._know(self._records.known(stored.head, entries), stored)
            return self._known

    def save(self, before: Known, after: Known) -> None:
        """Store `after` where `before` is stored, if this replica still polls. Raises Outdated or Unreachable."""
        with self._working:
            self._must_be_newest(before.head.version)
            changes = self._records.changes(before, after)
            self._know(after, self._write(self._stored, after.head, changes))

    def act(self, act: Act) -> None:
        """Store what somebody said, in a new version, unless a newer act is stored. Raises Unreachable."""
        name, data = act_entry(act)
        with reaching(self._client):
            reply = b"changed"
            while reply == b"changed":  # by another act about the same subject, which is rare
                stored = cast("bytes | None", self._client.hget(_STATE, _field(name)))
                if not act.replaces(act_in(stored)):
                    return
                reply = self._act([_STATE], [_new_identity(), _field(name), stored or b"", data])

    def _look(self) -> _Stored:
        seen = self._seen  # before Redis is asked: another thread may see a newer one meanwhile
        stored = self._ask()
        if stored.lacks(seen) or stored.version < stored.floor:
            stored = self._write_back()
        self._see(stored)
        return stored

    def _ask(self) -> _Stored:
        with reaching(self._client):
            return _stored(cast("list[bytes | None]", self._client.hmget(_STATE, _HEAD)))

    def _write_back(self) -> _Stored:
        """Store what was lost, above all that was ever seen. Raises Unreachable if this replica does not poll."""
        with self._working:
            seen, stored = self._seen, self._ask()
            if not stored.lacks(seen) and stored.version >= stored.floor:
                return stored  # another thread was quicker
            version = max(stored.floor, seen.version + 1)
            if not self._lease.held:
                self._leave_floor(stored, version)
                raise _went_back()
            try:
                if stored.lacks(self._stored):
                    known = replace(self._known, head=replace(self._known.head, version=version))
                    changes = self._records.changes(NOTHING, known)
                    written = self._write(stored, known.head, changes, whole=True)
                    self._know(known, written)
                else:  # Redis holds at least as much as is known here
                    written = self._write(stored, replace(stored.head, version=version), Changes({}, ()))
            except Outdated:  # perhaps the lease is lost too: whoever has it now must answer nothing older
                self._leave_floor(stored, version)
                raise _went_back() from None
            get_logger().warning("Redis had lost what was stored last; it was written back", version=version)
            return written

    def _leave_floor(self, stored: _Stored, version: int) -> None:
        if stored.floor < version:
            with reaching(self._client):
                self._raise_floor([_STATE], [version])

    def _write(self, expected: _Stored, head: Head, changes: Changes, *, whole: bool = False) -> _Stored:
        """Write all at once where `expected` is stored, instead of everything if `whole`. Raises Outdated."""
        identity = expected.identity if head.version == expected.version else _new_identity()
        fresh_at = head.fresh_at.isoformat().encode() if head.fresh_at else b""
        arguments: list[bytes | str | int] = [
            self._lease.token,
            expected.identity,
            head.version,
            identity,
            fresh_at,
        ]
        arguments += ["whole" if whole else "", len(changes.put)]
        arguments += [part for name, data in changes.put.items() for part in (_field(name), data)]
        arguments += [_field(name) for name in changes.deleted]
        with reaching(self._client):
            reply = self._save([_STATE, LEASE], arguments)
        if reply == b"lease":
            raise Outdated("another replica polls now")
        if reply != b"stored":
            raise _outdated()
        return _Stored(head.version, identity, fresh_at, expected.writes + 1, expected.floor)

    def _must_be_newest(self, version: int) -> None:
        if version != self._stored.version:
            raise _outdated()

    def _know(self, known: Known, stored: _Stored) -> None:
        self._known, self._stored = known, stored
        self._see(stored)

    def _see(self, stored: _Stored) -> None:
        with self._seeing:
            if stored.version > self._seen.version:
                self._seen = stored


def _stored(values: Sequence[bytes | None]) -> _Stored:
    version, identity, fresh_at, writes, floor = values
    return _Stored(int(version or 0), identity or b"", fresh_at or b"", int(writes or 0), int(floor or 0))


def _new_identity() -> bytes:
    return uuid.uuid4().hex.encode()


def _field(name: Name) -> str:
    return f"{name.kind}:{name.key}"


def _name(field: bytes) -> Name:
    kind, _, key = field.decode(errors="surrogatepass").partition(":")
    return Name(kind, key)


def _outdated() -> Outdated:
    return Outdated("something newer was stored meanwhile")


def _went_back() -> Unreachable:
    return Unreachable("Redis has lost what was stored last; the replica that polls must write it back first")
