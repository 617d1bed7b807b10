"""Acts: what people tell the plugin, kept with who said it and when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ActKind(StrEnum):
    """What somebody can tell the plugin."""

    ACKNOWLEDGE = "acknowledge"  # the breaker may release what this catalog removes, and let its earlier ends come
    ASK = "ask"  # a preview is asked for again, which starts a new age
    PAUSE = "pause"
    RESUME = "resume"
    EXTEND = "extend"  # the end is `until` at the earliest


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that somebody said. Of several of the same kind about the same subject, the newest counts."""

    kind: ActKind
    subject: str  # for an acknowledgement, the fingerprint of the catalog; else the preview, as <service>/<number>
    by: str
    at: datetime
    asked_at: datetime | None = None  # when the preview was asked for that it means: one asked for later is another
    until: datetime | None = None  # only for an extension

    def replaces(self, stored: "Act | None") -> bool:
        """Tell whether this act counts instead of a stored one of the same kind and subject."""
        return stored is None or stored.at <= self.at


Acts = Mapping[tuple[ActKind, str], Act]  # by kind and subject
