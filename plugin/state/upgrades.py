"""Upgrades: entries of an older schema in, entries of the newest schema out. Pure, except for the log.

Each step knows only two schemas, so it stays as it is when another one follows. As everywhere, an unreadable entry is
logged and left out. `tests/unit/state/version_1/` has states that the program of that schema wrote.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter

from plugin.core.config.catalog import Catalog, load_catalog
from plugin.errors import InvalidFile
from plugin.logs import get_logger
from plugin.state import Head
from plugin.state.entries import SCHEMA, UNREADABLE, Name, Unreadable, Value, decode, encode

Entries = Mapping[Name, bytes]
V = TypeVar("V")

# What reading an entry of another shape can raise.
_WRONG = (Unreadable, AttributeError, LookupError, TypeError, ValueError)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Preview:
    """An emitted preview, as schema 1 has it."""

    service: str
    repository: str
    number: int

    @property
    def key(self) -> str:
        return f"{self.service}/{self.number}"


@dataclass(frozen=True, slots=True)
class _Departure:
    """Why the breaker holds a preview back, as schema 1 has it."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Emitted:
    """What was answered to one input, as schema 1 has it."""

    catalog: str  # the fingerprint; "" once another catalog has come into force
    previews: Mapping[str, _Preview]  # by name
    held: Mapping[str, _Departure]  # by the preview's name; not empty while the breaker holds
    body: bytes | None = None  # the old answer while the breaker holds; None: it is not known

    @property
    def set_aside(self) -> bool:
        """Whether the input is unknown to the catalog in force, so that it gets no answer."""
        return not self.catalog and not self.held


_EMITTED = TypeAdapter(_Emitted)


def upgraded(version: int, head: Head, entries: Entries) -> Entries:
    """Return what the program of the newest schema would have written instead of the entries of an older one."""
    for number in range(version, SCHEMA):
        entries = _STEPS[number](head, entries)
    return entries


def _to_2(head: Head, entries: Entries) -> Entries:
    """Turn what was emitted to each input into what is live and what is held, once for all inputs."""
    kept = {name: data for name, data in entries.items() if name.kind in ("catalog", "readings", "history")}
    repositories = _each(entries, "repository", _repository)
    acts = {
        Name("act", f"acknowledge:{fingerprint}"): Value(
            {"kind": "acknowledge", "subject": fingerprint, "by": "unknown", "at": head.fresh_at or _EPOCH}
        )
        for fingerprint in (name.key for name in entries if name.kind == "acknowledged")
    }
    emissions = list(_each(entries, "emitted", _emitted).values())
    catalog = _catalog(entries)
    values = repositories | acts | _answered(emissions, catalog) | _hold(emissions, catalog)
    return kept | {name: encode(value) for name, value in values.items()}


_STEPS: Mapping[int, Callable[[Head, Entries], Entries]] = {1: _to_2}


def _each(entries: Entries, kind: str, read: Callable[[Value], V]) -> dict[Name, V]:
    return dict(_readable(entries, kind, read))


def _readable(entries: Entries, kind: str, read: Callable[[Value], V]) -> Iterator[tuple[Name, V]]:
    for name, data in sorted(entries.items()):
        if name.kind == kind:
            try:
                yield name, read(decode(data))
            except _WRONG as error:
                reason = str(error) if isinstance(error, Unreadable) else type(error).__name__
                get_logger().error(UNREADABLE, kind=kind, key=name.key, reason=reason)


def _emitted(value: Value) -> _Emitted:
    emitted: _Emitted = _EMITTED.validate_python(value.content)
    if emitted.held.keys() - emitted.previews.keys():
        raise Unreadable("it holds previews back that it does not name")
    return replace(emitted, body=value.raw)


def _repository(value: Value) -> Value:
    content = value.content
    identity = content["identity"]
    return Value(
        content
        | {
            "identity": f"{identity['database_id']}:{identity['node_id']}" if identity else "",
            "mark": None,  # so the repository is listed once more
            "looked_up": {
                number: {"elsewhere": found["elsewhere"], "token": ""} for number, found in content["looked_up"].items()
            },
            "archived_at": None,
            "missing_labels": [],
        }
    )


def _catalog(entries: Entries) -> Catalog | None:
    """Return the stored catalog; None if there is none, or this program refuses it."""
    try:
        return load_catalog(decode(entries[Name("catalog")]).content, "the catalog in the state")
    except (KeyError, Unreadable, InvalidFile):  # `Records` says what is wrong with it
        return None


def _answered(emissions: Sequence[_Emitted], catalog: Catalog | None) -> dict[Name, Value]:
    if not emissions:
        return {}
    catalogs = {emitted.catalog for emitted in emissions}
    found: dict[str, set[tuple[str, int, str]]] = {}
    for emitted in emissions:
        for name, preview in emitted.previews.items():
            found.setdefault(preview.repository, set()).add((preview.service, preview.number, name))
    profiles = {name: service.profile for name, service in catalog.services.items()} if catalog else {}
    live = {
        Name("live", repository): Value([_live(*each, profiles) for each in sorted(previews)])
        for repository, previews in found.items()
    }
    # The breaker of schema 1 also held changes of facts that nobody had confirmed. Without a catalog to compare with,
    # schema 2 attributes everything that would leave to an edit, and waits for a person.
    certain = len(catalogs) == 1 and not any(emitted.held for emitted in emissions)
    return {Name("answered"): Value(catalogs.pop() if certain else ""), **live}


def _live(service: str, number: int, name: str, profiles: Mapping[str, str]) -> dict[str, object]:
    profile = profiles.get(service, "")
    return {"service": service, "number": number, "name": name, "profile": profile, "fork": False}


def _hold(emissions: Sequence[_Emitted], catalog: Catalog | None) -> dict[Name, Value]:
    departures = {
        emitted.previews[name].key: departure.reason
        for emitted in emissions
        for name, departure in emitted.held.items()
    }
    if not departures:
        return {}
    content = {"catalog": catalog.fingerprint if catalog else "", "departures": departures, "parameters": None}
    return {Name("hold"): Value(content, _parameters(emissions))}


def _parameters(emissions: Sequence[_Emitted]) -> bytes | None:
    """Return the old answer to everything, put together from the answers that the breaker holds.

    Schema 1 stores no answer for inputs that are not held. If one of them has previews that the held answers lack, or
    if a held answer is lost, Argo CD would delete the previews that the result lacks: so it is None.
    """
    found: dict[str, Any] = {}
    try:
        for body in (emitted.body for emitted in emissions if emitted.body is not None):
            found |= {parameters["name"]: parameters for parameters in json.loads(body)["output"]["parameters"]}
        ordered = sorted(found.values(), key=lambda parameters: (parameters["service"], int(parameters["number"])))
    except (LookupError, TypeError, ValueError):
        return None
    needed = {name for emitted in emissions if not emitted.set_aside for name in emitted.previews}
    return None if needed - found.keys() else json.dumps(ordered, separators=(",", ":")).encode()
