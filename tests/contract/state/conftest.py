from collections.abc import Iterator

import pytest

from tests.redis_server import RedisServer, serve_redis

# Before a test module imports it, so that its asserts explain themselves.
pytest.register_assert_rewrite("tests.store_promises")


@pytest.fixture(scope="session", name="redis_server")
def _redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with serve_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(name="redis")
def _redis(redis_server: RedisServer) -> RedisServer:
    """An empty one."""
    redis_server.flush()
    return redis_server
