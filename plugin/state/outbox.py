"""The outbox: what was written elsewhere last, as far as that is known, and which commands were decided on.

It is no part of what answers are made from.

Only the replica that polls writes it. If it is lost, everything that was written is looked for and found again, and
comments from before then are no commands any more, because some of them may have been carried out.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol

from pydantic import AwareDatetime, TypeAdapter

from plugin.core.commands.answer import Note
from plugin.core.reports.budget import Budget
from plugin.core.reports.content import Target
from plugin.core.reports.steps import Standing
from plugin.logs import get_logger
from plugin.state.entries import UNREADABLE, Name, Unreadable, Value, decode, encode

STANDING, BUDGET, NOTE, SINCE = "standing", "budget", "command", "since"  # the kinds of its entries
KINDS = frozenset({STANDING, BUDGET, NOTE, SINCE})

_TYPES: Mapping[str, TypeAdapter[Any]] = {
    STANDING: TypeAdapter(Standing),
    BUDGET: TypeAdapter(Budget),
    NOTE: TypeAdapter(Note),
    SINCE: TypeAdapter(AwareDatetime),
}


@dataclass(frozen=True, slots=True)
class Sent:
    """What was written elsewhere, and how much of it lately."""

    budget: Budget = field(default_factory=Budget)
    standings: Mapping[Target, Standing] = field(default_factory=lambda: MappingProxyType({}))
    notes: Mapping[str, Note] = field(default_factory=lambda: MappingProxyType({}))  # by the command's comment
    since: datetime | None = None  # later comments can be commands: the notes know all that were; None: they do not
    unreadable: tuple[str, ...] = ()  # keys of notes

    def with_standing(self, target: Target, standing: Standing | None) -> "Sent":
        """Replace what is known of one target, or forget it."""
        others = {known: each for known, each in self.standings.items() if known != target}
        return replace(self, standings=others | ({target: standing} if standing else {}))

    def with_note(self, key: str, note: Note | None) -> "Sent":
        """Replace what is known of one command, or forget it."""
        others = {known: each for known, each in self.notes.items() if known != key}
        unreadable = tuple(each for each in self.unreadable if each != key)
        return replace(self, notes=others | ({key: note} if note else {}), unreadable=unreadable)


class Outbox(Protocol):
    """Keeps what was sent. Every method may raise Unreachable."""

    def load(self) -> Sent:
        """Return what was kept last."""

    def keep(self, budget: Budget, target: Target, standing: Standing | None) -> None:
        """Keep what is known of one target, or forget it, together with the budget. Raises Outdated."""

    def keep_note(self, budget: Budget, key: str, note: Note | None) -> None:
        """Keep what is known of one command, or forget it, together with the budget. Raises Outdated."""

    def keep_since(self, budget: Budget, since: datetime | None) -> None:
        """Keep since when comments can be commands, or that none can, together with the budget. Raises Outdated."""


class MemoryOutbox:
    """Lost when the process ends."""

    def __init__(self) -> None:
        self._sent = Sent()

    def load(self) -> Sent:
        """Return what was kept last."""
        return self._sent

    def keep(self, budget: Budget, target: Target, standing: Standing | None) -> None:
        """Keep what is known of one target, or forget it."""
        self._sent = replace(self._sent, budget=budget).with_standing(target, standing)

    def keep_note(self, budget: Budget, key: str, note: Note | None) -> None:
        """Keep what is known of one command, or forget it."""
        self._sent = replace(self._sent, budget=budget).with_note(key, note)

    def keep_since(self, budget: Budget, since: datetime | None) -> None:
        """Keep since when comments can be commands, or that none can."""
        self._sent = replace(self._sent, budget=budget, since=since)


class EntryOutbox(ABC):
    """What was sent, as one entry for each part. Storing one may raise Outdated or Unreachable."""

    def keep(self, budget: Budget, target: Target, standing: Standing | None) -> None:
        """Keep what is known of one target, or forget it."""
        self._keep(budget, Name(STANDING, target.key), standing)

    def keep_note(self, budget: Budget, key: str, note: Note | None) -> None:
        """Keep what is known of one command, or forget it."""
        self._keep(budget, Name(NOTE, key), note)

    def keep_since(self, budget: Budget, since: datetime | None) -> None:
        """Keep since when comments can be commands, or that none can."""
        self._keep(budget, Name(SINCE), since)

    def _keep(self, budget: Budget, name: Name, part: object) -> None:
        self._store(entry(BUDGET, budget), name, None if part is None else entry(name.kind, part))

    @abstractmethod
    def _store(self, budget: bytes, name: Name, data: bytes | None) -> None:
        """Store the budget's entry and another one, or remove that; both or neither."""


def entry(kind: str, part: object) -> bytes:
    """Return the bytes of the entry that keeps a part."""
    return encode(Value(_TYPES[kind].dump_python(part)))


def read_sent(entries: Iterable[tuple[Name, bytes]]) -> Sent:
    """Put together what is kept. An unreadable entry is logged and left out: what it was about is looked for again."""
    budget, since, standings, notes, unreadable = Budget(), None, {}, {}, []
    for name, data in entries:
        part = _load(name, data)
        if isinstance(part, Budget):
            budget = part
        elif isinstance(part, Standing):
            standings[part.target] = part
        elif isinstance(part, Note):
            notes[part.key] = part
        elif isinstance(part, datetime):
            since = part
        elif name.kind == NOTE:
            unreadable.append(name.key)
    return Sent(budget, standings, notes, None if unreadable else since, tuple(unreadable))


def _key(part: object) -> str:
    return part.target.key if isinstance(part, Standing) else part.key if isinstance(part, Note) else ""


def _load(name: Name, data: bytes) -> object:
    try:
        part = _TYPES[name.kind].validate_python(decode(data).content)
    except (LookupError, Unreadable, ValueError) as error:
        reason = str(error) if isinstance(error, Unreadable) else type(error).__name__
    else:
        if name.key == _key(part):
            return part
        reason = "it belongs to another key"
    get_logger().error(UNREADABLE, kind=name.kind, key=name.key, reason=reason)
    return None
