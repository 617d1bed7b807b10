"""The history of a preview: what happened to it, when and why. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class EventKind(StrEnum):
    """What can happen to a preview."""

    CREATED = "created"
    UPDATED = "updated"
    RELINKED = "relinked"
    FELL_BACK = "fell-back"
    HELD = "held"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, with a sentence that says what and why."""

    at: datetime
    kind: EventKind
    reason: str
