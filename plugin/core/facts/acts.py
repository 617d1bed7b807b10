"""Acts: what people tell the plugin, kept with who said it and when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ActKind(StrEnum):
    """What somebody can tell the plugin."""

    ACKNOWLEDGE = "acknowledge"  # the breaker may release what this catalog removes


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that somebody said. Of several of the same kind about the same subject, the newest counts."""

    kind: ActKind
    subject: str  # for an acknowledgement, the fingerprint of the catalog
    by: str
    at: datetime

    def replaces(self, stored: "Act | None") -> bool:
        """Tell whether this act counts instead of a stored one of the same kind and subject."""
        return stored is None or stored.at <= self.at
