"""A leader that is paused or killed: another replica takes over within the lease; the old one writes nothing more."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from plugin.state import Head
from plugin.state.redis import RedisStore
from plugin.state.redis_client import connect
from plugin.state.redis_lease import RedisLease
from tests.builders import MONDAY
from tests.contract.state.leader import DURATION
from tests.knowledge import acknowledgement, acts
from tests.redis_server import RedisServer, serve_redis
from tests.server import wait_for

SLACK = 2.0  # seconds that a busy machine may be late


@dataclass(frozen=True)
class Leader:
    process: "subprocess.Popen[str]"

    def ask_to_save(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("save\n")
        self.process.stdin.flush()

    def said(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()


@pytest.fixture(name="redis")
def _redis(tmp_path: Path) -> Iterator[RedisServer]:
    with serve_redis(tmp_path) as server:
        yield server


@pytest.fixture(name="leader")
def _leader(redis: RedisServer) -> Iterator[Leader]:
    command = [sys.executable, "-m", "tests.contract.state.leader", redis.url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        leader = Leader(process)
        leader.ask_to_save()
        assert leader.said() == "saved 1"
        yield leader
        process.kill()


@pytest.fixture(name="follower")
def _follower(redis: RedisServer, leader: Leader) -> Iterator[tuple[RedisStore, RedisLease]]:
    assert leader.process.poll() is None
    with ExitStack() as stack:
        client = stack.enter_context(connect(redis.url))
        lease = RedisLease(client, DURATION)
        stack.callback(lease.close)
        lease.compete()
        assert not lease.held
        yield RedisStore(client, lease), lease


def test_after_a_kill_another_replica_polls_within_the_lease(
    leader: Leader, follower: tuple[RedisStore, RedisLease]
) -> None:
    store, lease = follower
    leader.process.kill()

    wait_for(lambda: lease.held, DURATION + SLACK)
    before = store.load()
    assert before.head.version == 1
    store.save(before, replace(before, head=Head(2, MONDAY)))


def test_a_paused_leader_writes_nothing_over_its_successor(
    leader: Leader, follower: tuple[RedisStore, RedisLease]
) -> None:
    store, lease = follower
    os.kill(leader.process.pid, signal.SIGSTOP)
    wait_for(lambda: lease.held, DURATION + SLACK)
    before = store.load()
    after = replace(before, head=Head(2, MONDAY), acts=acts(acknowledgement()))
    store.save(before, after)

    leader.ask_to_save()  # it will be in the middle of that when it goes on
    os.kill(leader.process.pid, signal.SIGCONT)
    assert leader.said() == "Outdated: another replica polls now"
    assert store.head() == after.head
    assert store.load() == after
    assert lease.held
