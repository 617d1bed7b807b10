"""The outbox that several replicas share: only the one that polls writes it."""

from contextlib import closing

import pytest

from plugin.core.reports.budget import Budget
from plugin.state import Outdated, Unreachable
from plugin.state.outbox import Sent
from plugin.state.redis_client import connect
from plugin.state.redis_keys import LEASE, OUTBOX
from plugin.state.redis_outbox import RedisOutbox
from tests.builders import MONDAY
from tests.contract.state.replicas import GivenLease
from tests.redis_server import RedisServer
from tests.store_promises import COMMAND, COMMENT, DEPLOYMENT


def test_a_replica_that_no_longer_polls_cannot_write(redis: RedisServer) -> None:
    with closing(connect(redis.url)) as client:
        old, new = GivenLease(b"old"), GivenLease(b"new")
        client.set(LEASE, old.token)
        RedisOutbox(client, old).keep(Budget(), COMMENT.target, COMMENT)
        client.set(LEASE, new.token)

        with pytest.raises(Outdated, match="another replica polls now"):
            RedisOutbox(client, old).keep(Budget(), DEPLOYMENT.target, DEPLOYMENT)
        with pytest.raises(Outdated):
            RedisOutbox(client, old).keep(Budget(), COMMENT.target, None)
        with pytest.raises(Outdated):
            RedisOutbox(client, old).keep_note(Budget(), COMMAND.key, COMMAND)
        with pytest.raises(Outdated):
            RedisOutbox(client, old).keep_since(Budget(), MONDAY)
        assert RedisOutbox(client, new).load() == Sent(Budget(), {COMMENT.target: COMMENT})


def test_without_a_lease_nothing_is_written(redis: RedisServer) -> None:
    with closing(connect(redis.url)) as client:
        with pytest.raises(Outdated):
            RedisOutbox(client, GivenLease(b"nobody")).keep(Budget(), COMMENT.target, COMMENT)
        assert client.exists(OUTBOX) == 0


def test_a_redis_that_says_nothing_is_unreachable(redis: RedisServer) -> None:
    with closing(connect(redis.url)) as client:
        outbox = RedisOutbox(client, GivenLease(b"nobody"))
        with redis.paused():
            with pytest.raises(Unreachable):
                outbox.load()
            with pytest.raises(Unreachable):
                outbox.keep(Budget(), COMMENT.target, COMMENT)
