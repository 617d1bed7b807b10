"""State in Redis: shared by several replicas, under one prefix.

Small scripts write it (`redis_scripts.py`). They first check that the writer holds the lease and that nothing newer was
stored, so a leader that was paused never overwrites its successor.

A Redis that lost its newest writes (a failover, a restart without a disk) has an older version than this replica has
seen, or a different one with the same number. Nothing is answered from that. The replica that polls writes back what it
knows, in a version above all that any replica has seen: the other replicas leave that number in Redis (`floor`).

While a replica of an older version of this program polls, this one follows and reads the older state, upgraded in
memory. Once this one polls, its first write replaces the older state: see docs/adr/0009-state-is-upgraded.md.
"""

import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, cast

from redis import Redis

from plugin.core.facts.acts import Act
from plugin.core.facts.deployments import Reported, with_report
from plugin.logs import get_logger
from plugin.state import NOTHING, Head, Known, Lease, Outdated, Unreachable
from plugin.state.entries import SCHEMA, Name
from plugin.state.records import Changes, Records, act_entry, act_in, reported_entry, reported_in
from plugin.state.redis_client import reaching
from plugin.state.redis_keys import LEASE, LEASE_OF_1, RETIRED, SCHEMA_IN_FORCE, STATES
from plugin.state.redis_scripts import PUT, RAISE_FLOOR, SAVE
from plugin.state.upgrades import upgraded

# One hash holds everything, so that it is read at once, and lost as a whole if it is lost.
_STATE = STATES[SCHEMA]
_HEAD = ("version", "identity", "fresh_at", "writes", "floor", "reports")


@dataclass(frozen=True, slots=True)
class _Stored:
    """The head of what Redis holds."""

    schema: int = SCHEMA
    version: int = 0
    identity: bytes = b""  # of this version, because a number that was lost is used again
    fresh_at: bytes = b""
    writes: int = 0
    floor: int = 0  # no version below this may be answered from
    reports: bytes = b""

    @property
    def head(self) -> Head:
        fresh_at = datetime.fromisoformat(self.fresh_at.decode()) if self.fresh_at else None
        return Head(self.version, fresh_at, self.reports.decode())

    def lacks(self, seen: "_Stored") -> bool:
        """Whether something that was seen before is lost."""
        return self.version < seen.version or (self.version == seen.version and self.identity != seen.identity)


class RedisStore:
    """Any number of threads may ask for the head; everything else runs in one thread at a time."""

    def __init__(self, client: Redis, lease: Lease) -> None:
        self._client = client
        self._lease = lease
        self._save = client.register_script(SAVE)
        self._put = client.register_script(PUT)
        self._raise_floor = client.register_script(RAISE_FLOOR)
        self._records = Records()
        self._working = threading.Lock()
        self._known = NOTHING  # what was loaded or stored last
        self._stored = _Stored()  # and its head in Redis
        self._seeing = threading.Lock()
        self._seen = _Stored()  # the newest head that was ever seen

    def head(self) -> Head:
        """Return the newest head, in one round trip. Raises Unreachable, also while Redis lacks what was seen."""
        return self._look().head

    def load(self) -> Known:
        """Return everything; in one round trip if nothing was written since the last time. Raises Unreachable."""
        looked = self._look()
        with self._working:
            if looked != self._stored:
                seen = self._seen
                known, stored = self._read(looked.schema)
                if stored.lacks(seen):
                    raise _went_back()
                self._know(known, stored)
            return self._known

    def save(self, before: Known, after: Known) -> None:
        """Replace `before` with `after` in one step, if this replica still polls. Raises Outdated or Unreachable."""
        with self._working:
            if before.head.version != self._stored.version:
                raise _outdated()
            whole = self._stored.schema < SCHEMA
            changes = self._records.changes(NOTHING if whole else before, after)
            self._know(after, self._write(self._stored, after.head, changes, whole=whole))

    def act(self, act: Act) -> None:
        """Store what somebody said, in a new version, unless a newer act is stored. Raises Unreachable."""
        name, data = act_entry(act)
        self._change(name, lambda stored: data if act.replaces(act_in(stored)) else None, "version")

    def report(self, name: str, report: Reported) -> None:
        """Store what Argo CD reported about the preview of this name. Raises Unreachable."""

        def changed(stored: bytes | None) -> bytes | None:
            before = reported_in(stored)
            after = with_report(before, report)
            return None if after is before else reported_entry(name, after)[1]

        self._change(Name("reported", name), changed, "reports")

    def _change(
        self, name: Name, changed: Callable[[bytes | None], bytes | None], new: Literal["version", "reports"]
    ) -> None:
        """Replace one entry by what `changed` makes of it, or leave it alone for None."""
        with reaching(self._client):
            reply = b"changed"
            while reply == b"changed":  # by somebody else in the meantime, which is rare
                stored = cast("bytes | None", self._client.hget(_STATE, _field(name)))
                if (data := changed(stored)) is None:
                    return
                arguments = [SCHEMA, new, _new_identity(), _field(name), stored or b"", data]
                reply = self._put([_STATE, SCHEMA_IN_FORCE, STATES[1]], arguments)
        if reply != b"stored":
            raise Unreachable("another version of this program polls; try again once the rollout is complete")

    def _look(self) -> _Stored:
        seen = self._seen  # before Redis is asked: another thread may see a newer one in the meantime
        stored = self._ask()
        if stored.lacks(seen) or stored.version < stored.floor:
            stored = self._write_back()
        self._see(stored)
        return stored

    def _ask(self) -> _Stored:
        with reaching(self._client), self._client.pipeline(transaction=False) as pipeline:
            pipeline.get(SCHEMA_IN_FORCE)
            pipeline.hmget(_STATE, _HEAD)
            in_force, values = pipeline.execute()
            if in_force is None:
                of_1 = cast("list[bytes | None]", self._client.hmget(STATES[1], _HEAD))
                return _stored(1, of_1) if any(of_1) else _stored(SCHEMA, values)
        if int(in_force) > SCHEMA:
            raise Unreachable("a newer version of this program has taken over, so this one no longer answers")
        return _stored(SCHEMA, values)

    def _read(self, schema: int) -> tuple[Known, _Stored]:
        with reaching(self._client):
            fields = cast("dict[bytes, bytes]", self._client.hgetall(STATES[schema]))
        stored = _stored(schema, [fields.get(name.encode()) for name in _HEAD])
        entries = {_name(field): data for field, data in fields.items() if b":" in field}
        return self._records.known(stored.head, upgraded(schema, stored.head, entries).items()), stored

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
                written = self._write_as(version, stored)
            except Outdated:  # perhaps the lease is lost too: its next holder must answer nothing older
                self._leave_floor(stored, version)
                raise _went_back() from None
            get_logger().warning("Redis had lost what was stored last; it was written back", version=version)
            return written

    def _write_as(self, version: int, stored: _Stored) -> _Stored:
        """Store the newest that is known here or in Redis as this version. Raises Outdated."""
        known = self._known
        if not stored.lacks(self._stored):  # Redis holds at least as much as is known here
            if stored.schema == SCHEMA:
                return self._write(stored, replace(stored.head, version=version), Changes({}, ()))
            known, stored = self._read(stored.schema)
        known = replace(known, head=replace(known.head, version=version))
        written = self._write(stored, known.head, self._records.changes(NOTHING, known), whole=True)
        self._know(known, written)
        return written

    def _leave_floor(self, stored: _Stored, version: int) -> None:
        if stored.floor < version:
            with reaching(self._client):
                self._raise_floor([STATES[stored.schema]], [version])

    def _write(self, expected: _Stored, head: Head, changes: Changes, *, whole: bool = False) -> _Stored:
        """Write in one step where `expected` is stored; with `whole`, instead of everything. Raises Outdated."""
        identity = expected.identity if head.version == expected.version else _new_identity()
        fresh_at = head.fresh_at.isoformat().encode() if head.fresh_at else b""
        arguments: list[bytes | str | int] = [self._lease.token, RETIRED]
        arguments += [expected.schema, expected.identity, expected.writes]
        arguments += [head.version, identity, fresh_at, SCHEMA, "whole" if whole else "", len(changes.put)]
        arguments += [part for name, data in changes.put.items() for part in (_field(name), data)]
        arguments += [_field(name) for name in changes.deleted]
        with reaching(self._client):
            reply = self._save([_STATE, LEASE, SCHEMA_IN_FORCE, STATES[1], LEASE_OF_1], arguments)
        if reply == b"lease":
            raise Outdated("another replica polls now")
        if reply != b"stored":
            raise _outdated()
        return _Stored(SCHEMA, head.version, identity, fresh_at, expected.writes + 1, expected.floor, expected.reports)

    def _know(self, known: Known, stored: _Stored) -> None:
        self._known, self._stored = known, stored
        self._see(stored)

    def _see(self, stored: _Stored) -> None:
        with self._seeing:
            if stored.version > self._seen.version:
                self._seen = stored


def _stored(schema: int, values: Sequence[bytes | None]) -> _Stored:
    version, identity, fresh_at, writes, floor, reports = values
    return _Stored(
        schema, int(version or 0), identity or b"", fresh_at or b"", int(writes or 0), int(floor or 0), reports or b""
    )


def _new_identity() -> bytes:
    return uuid.uuid4().hex.encode()


def _field(name: Name) -> str:
    return f"{name.kind}:{name.key}"


def _name(field: bytes) -> Name:
    kind, _, key = field.decode(errors="surrogatepass").partition(":")
    return Name(kind, key)


def _outdated() -> Outdated:
    return Outdated("something newer was stored in the meantime")


def _went_back() -> Unreachable:
    return Unreachable("Redis has lost what was stored last; the replica that polls must write it back first")
