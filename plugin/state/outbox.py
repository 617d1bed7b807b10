"""The outbox: what was written elsewhere last, as far as that is known. It is no part of what answers are made from.

Only the replica that polls writes it. If it is lost, everything that was written is looked for and found again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Protocol

from pydantic import TypeAdapter

from plugin.core.reports.budget import Budget
from plugin.core.reports.content import Target
from plugin.core.reports.steps import Standing
from plugin.logs import get_logger
from plugin.state.entries import UNREADABLE, Name, Unreadable, Value, decode, encode

STANDING, BUDGET = "standing", "budget"  # the kinds of its entries
KINDS = frozenset({STANDING, BUDGET})

_TYPES: Mapping[str, TypeAdapter[Any]] = {STANDING: TypeAdapter(Standing), BUDGET: TypeAdapter(Budget)}


@dataclass(frozen=True, slots=True)
class Sent:
    """What was written elsewhere, and how much of it lately."""

    budget: Budget = field(default_factory=Budget)
    standings: Mapping[Target, Standing] = field(default_factory=lambda: MappingProxyType({}))

    def with_standing(self, target: Target, standing: Standing | None) -> "Sent":
        """Replace what is known of one target, or forget it."""
        others = {known: each for known, each in self.standings.items() if known != target}
        return replace(self, standings=others | ({target: standing} if standing else {}))


class Outbox(Protocol):
    """Keeps what was sent. Every method may raise Unreachable."""

    def load(self) -> Sent:
        """Return what was kept last."""

    def keep(self, budget: Budget, target: Target, standing: Standing | None) -> None:
        """Keep what is known of one target, or forget it, together with the budget. Raises Outdated."""


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


def budget_entry(budget: Budget) -> bytes:
    """Return the bytes of the entry that keeps the budget."""
    return _dump(BUDGET, budget)


def standing_entry(standing: Standing) -> bytes:
    """Return the bytes of the entry that keeps what is known of a target."""
    return _dump(STANDING, standing)


def read_sent(entries: Iterable[tuple[Name, bytes]]) -> Sent:
    """Put together what is kept. An unreadable entry is logged and left out: what it was about is looked for again."""
    budget, standings = Budget(), {}
    for name, data in entries:
        part = _load(name, data)
        if isinstance(part, Budget):
            budget = part
        elif isinstance(part, Standing):
            standings[part.target] = part
    return Sent(budget, standings)


def _dump(kind: str, part: object) -> bytes:
    return encode(Value(_TYPES[kind].dump_python(part)))


def _load(name: Name, data: bytes) -> object:
    try:
        part = _TYPES[name.kind].validate_python(decode(data).content)
    except (LookupError, Unreadable, ValueError) as error:
        reason = str(error) if isinstance(error, Unreadable) else type(error).__name__
    else:
        if not isinstance(part, Standing) or part.target.key == name.key:
            return part
        reason = "it belongs to another key"
    get_logger().error(UNREADABLE, kind=name.kind, key=name.key, reason=reason)
    return None
