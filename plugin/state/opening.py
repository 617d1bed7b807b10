"""Opening."""

from plugin.state import NOTHING, Known, State
from plugin.state.memory import LocalBoard, LocalLease, MemoryStore


def open_state(setting: str) -> State:  # noqa: ARG001
    """Open."""
    return State(MemoryStore(), LocalBoard(), LocalLease(), lambda: None)


def stored(setting: str) -> Known:  # noqa: ARG001
    """Return what is stored."""
    return NOTHING
