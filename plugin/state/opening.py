"""Opening."""

from dataclasses import dataclass

from plugin.state import NOTHING, Board, Known, Lease, Store
from plugin.state.memory import LocalBoard, LocalLease, MemoryStore


@dataclass(frozen=True)
class State:
    store: Store
    board: Board
    lease: Lease

    def close(self) -> None:
        """Let go."""


def open_state(setting: str) -> State:
    assert setting
    return State(MemoryStore(), LocalBoard(), LocalLease())


def stored(setting: str) -> Known:
    assert setting
    return NOTHING
