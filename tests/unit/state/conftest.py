from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from plugin.state import State
from plugin.state.opening import open_state
from tests.redis_server import RedisServer, serve_redis


@pytest.fixture(scope="session", name="redis_server")
def _redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with serve_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(name="redis")
def _redis(redis_server: RedisServer) -> RedisServer:
    """One that holds nothing."""
    redis_server.flush()
    return redis_server


@dataclass(frozen=True)
class Place:
    """Where a state is kept, as often as it is opened."""

    setting: str
    open: Callable[[], State]


def _setting(request: pytest.FixtureRequest, folder: Path) -> str:
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis")
        return server.url
    return "memory" if request.param == "memory" else f"sqlite:{folder}/state.db"


@pytest.fixture(params=["memory", "sqlite", "redis"], name="place")
def _place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """The first that is opened is the one that polls."""
    setting = _setting(request, tmp_path)
    with ExitStack() as opened:

        def open_it() -> State:
            if states and setting == "memory":
                return states[0]  # memory is all one process
            state = open_state(setting)
            opened.callback(state.close)
            if not states:
                state.lease.compete()
            states.append(state)
            return state

        states: list[State] = []
        yield Place(setting, open_it)
