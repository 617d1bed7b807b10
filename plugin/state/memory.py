"""Knowledge in memory: it ends with the process, and a new process answers 503 until it has read everything."""

from plugin.core.model import Snapshot
from plugin.state import Known


class MemoryStore:
    """Keeps one reference; replacing it is atomic."""

    def __init__(self) -> None:
        self._known = Known(0, None, Snapshot({}))

    def load(self) -> Known:
        """Return what was saved last."""
        return self._known

    def save(self, known: Known) -> None:
        """Keep it."""
        self._known = known
