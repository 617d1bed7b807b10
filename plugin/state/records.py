"""Records: what is known, split into many small entries, so that only those that changed are written and read again.

An entry has a kind, a key and a value, which `entries.py` turns into bytes.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any, TypeVar

from pydantic import TypeAdapter

from plugin.core.answers.history import Event
from plugin.core.answers.live import Hold, Live
from plugin.core.config.catalog import Catalog, load_catalog
from plugin.core.decision.preview import LivePreview
from plugin.core.facts.acts import Act
from plugin.core.facts.deployments import Reported
from plugin.core.facts.lives import Life
from plugin.core.facts.model import Repository, Snapshot
from plugin.core.life.earlier_ends import EarlierEnds
from plugin.errors import InvalidFile
from plugin.logs import get_logger
from plugin.state import Head, Known, outbox
from plugin.state.entries import UNREADABLE, Name, Unreadable, Value, decode, encode

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Changes:
    """What has to be written to get from one state to the next."""

    put: Mapping[Name, bytes]
    deleted: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class _Readings:
    """The parts of a snapshot that also concern repositories that are not in it yet."""

    doubts: Mapping[str, str]
    read_at: Mapping[str, datetime]
    counted_at: Mapping[str, datetime] = field(default_factory=dict)
    compared_at: datetime | None = None


# A change to one of these types that makes stored entries wrong needs a new SCHEMA and a step in `upgrades.py`.
_KINDS: Mapping[str, TypeAdapter[Any]] = {
    "catalog": TypeAdapter(str),  # its text
    "readings": TypeAdapter(_Readings),
    "repository": TypeAdapter(Repository),  # by its name
    "answered": TypeAdapter(str),  # the fingerprint of the catalog of `live`; without this entry nothing was answered
    "live": TypeAdapter(tuple[LivePreview, ...]),  # by the repository's name
    "hold": TypeAdapter(Hold),
    "history": TypeAdapter(tuple[Event, ...]),  # by <service>/<number>
    "lives": TypeAdapter(dict[str, Life]),  # by the repository's name
    "ends": TypeAdapter(EarlierEnds),
    "act": TypeAdapter(Act),  # by <kind>:<subject>
    "reported": TypeAdapter(tuple[Reported, ...]),  # by the name of the preview
}


class Records:
    """Turns what is known into entries and back, and remembers which object belongs to which bytes. Not thread-safe.

    Replicas read the same bytes again and again; bytes that were read or written before give the same object.
    """

    def __init__(self) -> None:
        self._objects: dict[Name, tuple[bytes, object]] = {}  # with a digest of the bytes

    def changes(self, before: Known, after: Known) -> Changes:
        """Return what has to be written to replace `before` with `after`."""
        old, new = _parts(before), _parts(after)
        put = {}
        for kind, key, part in _others(new, old):
            name, data = Name(kind, key), _dump(kind, part)
            if key not in old[kind] or not self._gives(name, old[kind][key], data):
                put[name] = data
                self._objects[name] = (_digest(data), part)
        gone = ((kind, old[kind].keys() - new[kind].keys()) for kind in old if old[kind] is not new[kind])
        return Changes(put, tuple(Name(kind, key) for kind, keys in gone for key in sorted(keys)))

    def known(self, head: Head, entries: Iterable[tuple[Name, bytes]]) -> Known:
        """Put together what is stored. An unreadable entry is logged and left out, as if it had never been stored."""
        self._objects = {
            name: self._read(name, data) for name, data in sorted(entries) if name.kind not in outbox.KINDS
        }
        parts = {name: part for name, (_, part) in self._objects.items()}
        readings = _of_kind(parts, "readings", _Readings).get("", _Readings({}, {}))
        answered = _of_kind(parts, "answered", str).get("")
        acts = _of_kind(parts, "act", Act).values()
        return Known(
            head=head,
            catalog=_of_kind(parts, "catalog", Catalog).get(""),
            snapshot=Snapshot(
                _of_kind(parts, "repository", Repository),
                readings.doubts,
                readings.read_at,
                readings.counted_at,
                readings.compared_at,
            ),
            live=None if answered is None else Live(answered, _of_kind(parts, "live", tuple)),
            hold=_of_kind(parts, "hold", Hold).get(""),
            histories=_of_kind(parts, "history", tuple),
            acts={(act.kind, act.subject): act for act in acts},
            lives=_of_kind(parts, "lives", dict),
            ends=_of_kind(parts, "ends", EarlierEnds).get(""),
            reported=_of_kind(parts, "reported", tuple),
        )

    def _gives(self, name: Name, part: object, data: bytes) -> bool:
        """Tell whether a part is stored as these bytes. Most likely they were written from this very object."""
        digest, remembered = self._objects.get(name, (b"", None))
        same = remembered is part or (isinstance(part, _Readings) and remembered == part)  # readings are wrapped anew
        return _digest(data) == digest if same else _dump(name.kind, part) == data

    def _read(self, name: Name, data: bytes) -> tuple[bytes, object]:
        digest = _digest(data)
        before = self._objects.get(name)
        if before and before[0] == digest:
            return before
        try:
            return digest, _load(name, data)
        except InvalidFile as error:  # the log gets the lines, not the text: a value can be anything
            reason = "mistakes in lines " + ", ".join(str(problem.line) for problem in error.problems)
        except Unreadable as error:
            reason = str(error)
        except (LookupError, ValueError) as error:
            reason = type(error).__name__
        get_logger().error(UNREADABLE, kind=name.kind, key=name.key, reason=reason)
        return digest, None


def act_entry(act: Act) -> tuple[Name, bytes]:
    """Return the entry of an act."""
    return Name("act", _act_key(act)), _dump("act", act)


def act_in(data: bytes | None) -> Act | None:
    """Return the act that an entry's bytes hold; None if they are missing or unreadable."""
    act: Act | None = _read_alone("act", data)
    return act


def reported_entry(name: str, reported: tuple[Reported, ...]) -> tuple[Name, bytes]:
    """Return the entry of what Argo CD reported about the preview of this name."""
    return Name("reported", name), _dump("reported", reported)


def reported_in(data: bytes | None) -> tuple[Reported, ...]:
    """Return the reports that an entry's bytes hold; none if they are missing or unreadable."""
    reported: tuple[Reported, ...] | None = _read_alone("reported", data)
    return reported or ()


def _read_alone(kind: str, data: bytes | None) -> Any:  # noqa: ANN401  whatever the kind holds
    try:
        return None if data is None else _KINDS[kind].validate_python(decode(data).content)
    except (Unreadable, ValueError):
        return None


def _parts(known: Known) -> dict[str, Mapping[str, object]]:
    """Return everything by kind and key, with every kind present."""
    return {
        "catalog": {"": known.catalog} if known.catalog else {},
        "readings": {"": _readings(known.snapshot)},
        "repository": known.snapshot.repositories,
        "answered": {"": known.live.catalog} if known.live else {},
        "live": known.live.by_repository if known.live else {},
        "hold": {"": known.hold} if known.hold else {},
        "history": known.histories,
        "lives": known.lives,
        "ends": {"": known.ends} if known.ends else {},
        "act": {_act_key(act): act for act in known.acts.values()},
        "reported": known.reported,
    }


def _readings(snapshot: Snapshot) -> _Readings:
    return _Readings(snapshot.doubts, snapshot.read_at, snapshot.counted_at, snapshot.compared_at)


def _others(
    parts: Mapping[str, Mapping[str, object]], before: Mapping[str, Mapping[str, object]]
) -> Iterator[tuple[str, str, object]]:
    """Find the parts that are different objects than before. Of thousands, only a few are."""
    for kind, of_kind in parts.items():
        old = before[kind]
        if of_kind is old:
            continue
        # A list is faster than single yields, and there is a history for every preview.
        yield from [(kind, key, part) for key, part in of_kind.items() if old.get(key) is not part]


def _of_kind(parts: Mapping[Name, object], kind: str, part_type: type[V]) -> dict[str, V]:
    return {name.key: part for name, part in parts.items() if name.kind == kind and isinstance(part, part_type)}


def _act_key(act: Act) -> str:
    return f"{act.kind}:{act.subject}"


def _dump(kind: str, part: object) -> bytes:
    raw = None
    if isinstance(part, Catalog):
        part = part.text
    elif isinstance(part, Hold):
        raw = part.parameters
        part = replace(part, parameters=None)
    return encode(Value(_KINDS[kind].dump_python(part), raw))


def _load(name: Name, data: bytes) -> object:
    kind = _KINDS[name.kind]
    value = decode(data)
    part = kind.validate_python(value.content)
    if name.kind == "catalog":
        return load_catalog(part, "the catalog in the state")
    if name.kind == "act" and _act_key(part) != name.key:
        raise Unreadable("it belongs to another key")
    return replace(part, parameters=value.raw) if name.kind == "hold" else part


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()
