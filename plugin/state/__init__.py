"""State: where what is known is kept. One small interface; more places to keep it come later."""

from dataclasses import dataclass
from typing import Protocol

from plugin.core.catalog import Catalog
from plugin.core.model import Snapshot


@dataclass(frozen=True, slots=True)
class Known:
    """What is known and may be answered from. `catalog` is None until every repository was read once."""

    version: int  # grows whenever the contents change
    catalog: Catalog | None
    snapshot: Snapshot


class Store(Protocol):
    """Keeps the newest knowledge. It is stored before anybody is answered from it."""

    def load(self) -> Known:
        """Return what was saved last."""

    def save(self, known: Known) -> None:
        """Keep it."""
