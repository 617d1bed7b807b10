"""State in memory."""

from collections.abc import Iterator

import pytest

from plugin.state import NOTHING
from plugin.state.opening import open_state, stored
from tests.knowledge import FULL
from tests.store_promises import Place, StorePromises, place_of


@pytest.fixture(name="place")
def _place() -> Iterator[Place]:
    with place_of("memory") as place:
        yield place


class TestMemory(StorePromises):
    """What every state promises."""


def test_memory_is_lost_with_its_process() -> None:
    open_state("memory").store.save(NOTHING, FULL)

    assert stored("memory") == NOTHING
