"""Traffic: which previews were used lately, where that is measured."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Used:
    """The previews that were used."""

    namespaces: frozenset[str]
    at: datetime  # rounded down, so that steady traffic changes little
