"""Records: what is known as many small entries, so that only those that changed are written and read again.

An entry is a kind and a key with some bytes: JSON, and after it on a line of its own what is bytes already, compressed.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any, TypeVar

from pydantic import TypeAdapter

from plugin.core.answers.breaker import Emitted
from plugin.core.answers.filters import Filters
from plugin.core.answers.history import Event
from plugin.core.config.catalog import Catalog, load_catalog
from plugin.core.facts.model import Repository, Snapshot
from plugin.errors import InvalidFile
from plugin.logs import get_logger
from plugin.state import Head, Known

SCHEMA = 1  # raise it when entries that were written before would be read wrongly

LEVEL = 1  # of compression: the quickest

V = TypeVar("V")


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """What an entry is about; `key` tells the entries of one kind apart."""

    kind: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """What has to be written to get from one state to the next."""

    put: Mapping[Name, bytes]
    deleted: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class _Readings:
    """The parts of a snapshot that belong to no repository that must be known already."""

    doubts: Mapping[str, str]
    read_at: Mapping[str, datetime]


_FILTERS = TypeAdapter(Filters)
_KINDS: Mapping[str, TypeAdapter[Any]] = {
    "catalog": TypeAdapter(str),  # its text
    "readings": TypeAdapter(_Readings),
    "repository": TypeAdapter(Repository),  # by its name
    "emitted": TypeAdapter(Emitted),  # by the filters
    "history": TypeAdapter(tuple[Event, ...]),  # by <service>/<number>
    "acknowledged": TypeAdapter(bool),  # by the catalog's fingerprint
}


class Records:
    """Turns what is known into entries and back, and remembers which object is behind which bytes. For one thread.

    Replicas read the same bytes again and again; those that were read or written before give the same object.
    """

    def __init__(self) -> None:
        self._objects: dict[Name, tuple[bytes, object]] = {}  # with a digest of the bytes

    def changes(self, before: Known, after: Known) -> Changes:
        """Return what has to be written where `before` is stored to store `after`."""
        old, new = _parts(before), _parts(after)
        put = {}
        for kind, key, part in _others(new, old):
            name, data = Name(kind, key), _dump(kind, part)
            if key not in old[kind] or not self._gives(name, old[kind][key], data):
                put[name] = data
                self._objects[name] = (_digest(data), part)
        return Changes(put, tuple(Name(kind, key) for kind in old for key in old[kind] if key not in new[kind]))

    def known(self, head: Head, entries: Iterable[tuple[Name, bytes]]) -> Known:
        """Put together what is stored. An entry that cannot be read is logged and left out, as if nobody had known."""
        self._objects = {name: self._read(name, data) for name, data in sorted(entries)}
        parts = {name: part for name, (_, part) in self._objects.items()}
        readings = _of_kind(parts, "readings", _Readings).get("", _Readings({}, {}))
        return Known(
            head=head,
            catalog=_of_kind(parts, "catalog", Catalog).get(""),
            snapshot=Snapshot(_of_kind(parts, "repository", Repository), readings.doubts, readings.read_at),
            emitted={_filters(key): emitted for key, emitted in _of_kind(parts, "emitted", Emitted).items()},
            histories=_of_kind(parts, "history", tuple),
            acknowledged=frozenset(_of_kind(parts, "acknowledged", bool)),
        )

    def _gives(self, name: Name, part: object, data: bytes) -> bool:
        """Tell whether these are the bytes of a part, which were most likely written by this very object."""
        digest, remembered = self._objects.get(name, (b"", None))
        return _digest(data) == digest if remembered is part else _dump(name.kind, part) == data

    def _read(self, name: Name, data: bytes) -> tuple[bytes, object]:
        digest = _digest(data)
        before = self._objects.get(name)
        if before and before[0] == digest:
            return before
        try:
            return digest, _load(name, data)
        except InvalidFile as error:  # where, not what: this goes into logs, and a value can be anything
            reason = "mistakes in lines " + ", ".join(str(problem.line) for problem in error.problems)
        except (LookupError, ValueError, zlib.error) as error:
            reason = type(error).__name__
        get_logger().error("an entry of the state is left out", kind=name.kind, key=name.key, reason=reason)
        return digest, None


def emitted_entry(filters: Filters, emitted: Emitted) -> tuple[Name, bytes]:
    """Return the entry of what was emitted to an input."""
    return _emitted_name(filters), _dump("emitted", emitted)


def acknowledged_entry(fingerprint: str) -> tuple[Name, bytes]:
    """Return the entry of a catalog that a human has acknowledged."""
    return Name("acknowledged", fingerprint), _dump("acknowledged", True)  # noqa: FBT003  an entry must have a value


def _parts(known: Known) -> dict[str, Mapping[str, object]]:
    """Return everything by kind and key; no kind is missing."""
    return {
        "catalog": {"": known.catalog} if known.catalog else {},
        "readings": {"": _Readings(known.snapshot.doubts, known.snapshot.read_at)},
        "repository": known.snapshot.repositories,
        "emitted": {_emitted_name(filters).key: emitted for filters, emitted in known.emitted.items()},
        "history": known.histories,
        "acknowledged": dict.fromkeys(known.acknowledged, True),
    }


def _others(
    parts: Mapping[str, Mapping[str, object]], before: Mapping[str, Mapping[str, object]]
) -> Iterator[tuple[str, str, object]]:
    """Find what is not the same object as before: of thousands of parts, most are."""
    for kind, of_kind in parts.items():
        old = before[kind]
        for key, part in of_kind.items():
            if old.get(key) is not part:
                yield kind, key, part


def _of_kind(parts: Mapping[Name, object], kind: str, part_type: type[V]) -> dict[str, V]:
    return {name.key: part for name, part in parts.items() if name.kind == kind and isinstance(part, part_type)}


def _emitted_name(filters: Filters) -> Name:
    return Name("emitted", json.dumps(_FILTERS.dump_python(filters), default=_plain))


def _filters(key: str) -> Filters:
    return _FILTERS.validate_python(json.loads(key))


def _dump(kind: str, part: object) -> bytes:
    raw = b""
    if isinstance(part, Catalog):
        part = part.text
    elif isinstance(part, Emitted) and part.body is not None:
        raw = b"\n" + part.body
        part = replace(part, body=None)
    # Not pydantic's own JSON: people's texts hold lone surrogates, which are no UTF-8, and json escapes all of them.
    text = json.dumps(_KINDS[kind].dump_python(part), default=_plain, separators=(",", ":"))
    return zlib.compress(text.encode() + raw, LEVEL)


def _load(name: Name, data: bytes) -> object:
    text, newline, raw = zlib.decompress(data).partition(b"\n")
    part = _KINDS[name.kind].validate_python(json.loads(text))
    if name.kind == "catalog":
        return load_catalog(part, "the catalog in the state")
    if name.kind == "emitted":
        _filters(name.key)  # raises here what must not be raised later
        return replace(part, body=raw) if newline else part
    return part


def _plain(value: object) -> object:
    """Turn what JSON does not know into what it does; sets in order, so that equal ones have equal bytes."""
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()
