"""From the URL of a Redis to a state."""

import pytest

from plugin.state import Unreachable
from plugin.state.opening import open_state
from plugin.state.redis_keys import LEASE
from tests.redis_server import RedisServer
from tests.server import free_port


def test_a_redis_that_has_not_started_can_be_opened() -> None:
    state = open_state(f"redis://127.0.0.1:{free_port()}/0")
    try:
        state.lease.compete()
        assert not state.lease.held
        with pytest.raises(Unreachable):
            state.store.head()
    finally:
        state.close()


def test_closing_a_state_releases_its_lease(redis: RedisServer) -> None:
    state = open_state(redis.url)
    state.lease.compete()
    assert state.lease.held
    state.close()

    with redis.client() as client:
        assert client.get(LEASE) is None
