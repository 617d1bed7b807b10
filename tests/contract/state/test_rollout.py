"""Replicas of schema 1 and of this one share a Redis during a rollout, and after a rollback."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis

from plugin.state import Head, Known, Outdated, Unreachable
from plugin.state.entries import SCHEMA
from plugin.state.redis import RedisStore
from plugin.state.redis_board import RedisBoard
from plugin.state.redis_client import connect
from plugin.state.redis_keys import LEASE, LEASE_OF_1, RETIRED, SCHEMA_IN_FORCE, STATES
from plugin.state.redis_lease import RedisLease
from plugin.state.redis_scripts import NEVER
from tests.contract.state.replica_of_1 import CannotAnswer, ReplicaOf1
from tests.contract.state.replicas import Replicas
from tests.knowledge import acknowledgement, details, later, repository, with_repository
from tests.redis_server import RedisServer
from tests.server import wait_for
from tests.version_1 import STORIES, expected, redis_fields

CALM = expected("calm")
ADR = Path(__file__).parents[3] / "docs" / "adr" / "0009-state-is-upgraded.md"


@pytest.fixture(name="behind")
def _behind(redis: RedisServer) -> Iterator[Redis]:
    with redis.client() as client:
        yield client


@pytest.fixture(name="old")
def _old(behind: Redis) -> ReplicaOf1:
    """A replica of schema 1, which polls."""
    behind.hset(STATES[1], mapping=redis_fields("calm"))
    old = ReplicaOf1(behind)
    assert old.compete()
    behind.persist(LEASE_OF_1)
    return old


@pytest.fixture(name="replicas")
def _replicas(redis: RedisServer, old: ReplicaOf1) -> Iterator[Replicas]:
    """Replicas of this program beside the old one."""
    assert old.answers_from() == CALM.head.version
    with ExitStack() as stack:
        yield Replicas(redis, stack)


def take_over(replicas: Replicas, number: int, store: RedisStore) -> Known:
    """Let this replica poll and store its first version."""
    replicas.polls(number)
    before = store.load()
    after = with_repository(before, repository(title="newer"))
    store.save(before, after)
    return after


@pytest.mark.parametrize("story", STORIES)
def test_a_state_of_schema_1_is_read_upgraded(behind: Redis, redis: RedisServer, story: str) -> None:
    behind.hset(STATES[1], mapping=redis_fields(story))
    with connect(redis.url) as client:
        store = RedisStore(client, RedisLease(client))
        assert store.head() == expected(story).head
        loaded = store.load()
        assert details(loaded) == details(expected(story))
        assert store.load() is loaded


def test_while_schema_1_polls_a_new_replica_writes_nothing(replicas: Replicas, behind: Redis) -> None:
    before = (behind.hgetall(STATES[1]), behind.get(LEASE_OF_1))  # a dump has the fields in an order that changes
    store = replicas.new()
    behind.set(LEASE, replicas.leases[0].token)  # one of two keys
    replicas.leases[0].held = True  # wrongly
    known = store.load()
    with pytest.raises(Outdated, match="another replica polls now"):
        store.save(known, later(known))
    with pytest.raises(Unreachable, match="another version of this program polls"):
        store.act(acknowledgement())

    assert (behind.hgetall(STATES[1]), behind.get(LEASE_OF_1)) == before
    assert behind.exists(STATES[SCHEMA], SCHEMA_IN_FORCE) == 0


def test_while_schema_1_polls_a_new_replica_shows_its_writes(replicas: Replicas, old: ReplicaOf1) -> None:
    store = replicas.new()
    first = store.load()
    history = redis_fields("calm")[b"history:orders/4"]
    assert old.save(**{"history:orders/99": history}) == b"stored"
    second = store.load()
    assert old.emit("acknowledged:0123456789ab", history) == b"stored"  # under the same version

    assert second.head == Head(first.head.version + 1, first.head.fresh_at)
    assert second.histories["orders/99"] == first.histories["orders/4"]
    assert second.snapshot.repositories["acme/orders"] is first.snapshot.repositories["acme/orders"]
    assert len(store.load().acts) == len(first.acts) + 1


def test_the_first_write_of_a_new_replica_ends_schema_1(replicas: Replicas, behind: Redis, old: ReplicaOf1) -> None:
    leader, follower = replicas.new(), replicas.new()
    follower.load()
    after = take_over(replicas, 0, leader)

    assert after.head.version == CALM.head.version + 1
    for store in (follower, leader, replicas.new()):
        assert store.head() == after.head
        assert details(store.load()) == details(after)
    assert behind.get(SCHEMA_IN_FORCE) == str(SCHEMA).encode()
    assert behind.get(LEASE_OF_1) == RETIRED
    with pytest.raises(CannotAnswer):
        old.answers_from()


def test_a_replica_of_schema_1_stays_silent_after_the_new_leader_dies(
    replicas: Replicas, behind: Redis, old: ReplicaOf1
) -> None:
    leader = replicas.new()
    after = take_over(replicas, 0, leader)
    behind.delete(LEASE)
    for one in (old, ReplicaOf1(behind)):
        assert not one.compete()
        with pytest.raises(CannotAnswer):
            one.answers_from()
        assert one.save() == b"lease"

    assert details(replicas.new().load()) == details(after)


def test_a_new_replica_that_never_wrote_leaves_schema_1_unchanged(redis: RedisServer, old: ReplicaOf1) -> None:
    old.client.delete(LEASE_OF_1)  # it stops; another of its kind is about to start
    with connect(redis.url) as client:
        lease = RedisLease(client, 1.5)
        lease.compete()
        assert lease.held
        assert not old.compete()
        lease.close()

    assert old.compete()
    assert old.answers_from() == CALM.head.version
    assert old.save() == b"stored"


def test_a_takeover_that_changes_no_answer_keeps_the_version(replicas: Replicas) -> None:
    leader, follower = replicas.new(), replicas.new()
    follower.load()
    replicas.polls(0)
    before = leader.load()
    leader.save(before, replace(before, snapshot=replace(before.snapshot, doubts={"acme/orders": "no answer"})))

    for store in (leader, follower):
        assert store.head() == CALM.head
        assert store.load().snapshot.doubts == {"acme/orders": "no answer"}
    after = leader.load()
    leader.save(after, later(after))
    assert follower.load().head.version == CALM.head.version + 1


@pytest.mark.parametrize("write", ["save", "emit"])
def test_a_takeover_never_overwrites_what_schema_1_has_just_written(
    replicas: Replicas, behind: Redis, old: ReplicaOf1, write: str
) -> None:
    leader = replicas.new()
    before = leader.load()
    assert (old.save() if write == "save" else old.emit("acknowledged:0123456789ab", b"")) == b"stored"
    replicas.polls(0)
    with pytest.raises(Outdated, match="newer"):
        leader.save(before, later(before))
    assert behind.exists(SCHEMA_IN_FORCE) == 0

    before = leader.load()
    leader.save(before, later(before))
    assert leader.head().version == before.head.version + 1


def test_a_replica_that_never_looked_does_not_overwrite_schema_1(replicas: Replicas) -> None:
    store = replicas.new()
    replicas.polls(0)
    with pytest.raises(Outdated):
        store.save(replace(CALM, head=Head(0, None)), CALM)


def test_a_takeover_replaces_a_state_from_before_a_rollback(replicas: Replicas, behind: Redis) -> None:
    first = replicas.new()
    take_over(replicas, 0, first)
    behind.delete(*behind.keys("preview-plugin:1:*"), SCHEMA_IN_FORCE)  # but STATES[SCHEMA] was forgotten
    behind.hset(STATES[1], mapping=redis_fields("held"))
    again = replicas.new()
    assert details(again.load()) == details(expected("held"))

    after = take_over(replicas, 1, again)
    assert details(replicas.new().load()) == details(after)


def test_a_loss_before_a_takeover_is_written_back_as_the_newest_schema(
    replicas: Replicas, behind: Redis, old: ReplicaOf1
) -> None:
    leader, follower = replicas.new(), replicas.new()
    assert old.save() == b"stored"
    seen = leader.load()
    follower.head()
    behind.hset(STATES[1], mapping=redis_fields("calm"))
    for store in (leader, follower):
        with pytest.raises(Unreachable, match="lost"):
            store.head()
    with pytest.raises(Unreachable):
        replicas.new().head()

    replicas.polls(0)
    assert leader.head() == Head(seen.head.version + 1, seen.head.fresh_at)
    assert details(follower.load()) == details(replace(seen, head=leader.head()))
    with pytest.raises(CannotAnswer):
        old.answers_from()


def test_a_loss_that_a_new_replica_did_not_see_keeps_what_schema_1_has(replicas: Replicas, behind: Redis) -> None:
    behind.hset(STATES[1], "floor", CALM.head.version + 5)  # left by a replica that saw more
    store = replicas.new()
    with pytest.raises(Unreachable, match="lost"):
        store.head()
    replicas.polls(0)

    assert store.head() == Head(CALM.head.version + 5, CALM.head.fresh_at)
    assert details(store.load()) == details(replace(CALM, head=store.head()))


def test_a_redis_thrown_back_to_schema_1_is_written_back(replicas: Replicas, behind: Redis) -> None:
    leader, follower = replicas.new(), replicas.new()
    after = take_over(replicas, 0, leader)
    follower.load()
    behind.flushall()
    behind.hset(STATES[1], mapping=redis_fields("calm"))
    with pytest.raises(Unreachable, match="lost"):
        follower.head()
    replicas.polls(0)

    assert leader.head().version == after.head.version + 1
    assert details(follower.load()) == details(replace(after, head=leader.head()))


def test_hints_reach_the_replica_that_polls_whatever_its_version(redis: RedisServer, behind: Redis) -> None:
    behind.sadd("preview-plugin:1:hints", "acme/orders")
    behind.zadd("preview-plugin:1:asked", {"version": 7})
    with connect(redis.url) as client:
        board = RedisBoard(client)
        assert board.take_hints() == {"acme/orders"}
        assert board.newest_asked() == 7
        board.hint(["acme/payments"])
        board.asked(8)

    assert behind.smembers("preview-plugin:1:hints") == {b"acme/payments"}
    assert behind.zscore("preview-plugin:1:asked", "version") == 8


def test_after_a_rollback_the_documented_deletion_lets_schema_1_start_anew(
    replicas: Replicas, behind: Redis, old: ReplicaOf1
) -> None:
    take_over(replicas, 0, replicas.new())
    documented = re.findall(r"preview-plugin:[a-z0-9:]+", ADR.read_text("utf-8").rpartition("redis-cli del")[2])
    assert set(map(str.encode, documented)) >= set(behind.keys())
    behind.delete(*documented)

    assert old.answers_from() == 0  # which is 503 until it has read everything
    assert old.compete()
    assert old.save() == b"stored"
    assert old.answers_from() == 1


def test_the_state_of_schema_1_is_deleted_so_that_nothing_old_is_answered(
    replicas: Replicas, behind: Redis, old: ReplicaOf1
) -> None:
    take_over(replicas, 0, replicas.new())
    assert behind.hkeys(STATES[1]) == [b"floor"]
    behind.delete(LEASE_OF_1)  # not what the documentation says
    assert old.compete()

    assert old.answers_from() == NEVER
    assert set(behind.hkeys(STATES[1])) == {b"version", b"identity", b"fresh_at", b"writes", b"floor"}


def test_a_replica_stops_answering_once_a_newer_schema_is_in_force(replicas: Replicas, behind: Redis) -> None:
    store = replicas.new()
    after = take_over(replicas, 0, store)
    behind.set(SCHEMA_IN_FORCE, SCHEMA + 1)
    for ask in (store.head, store.load):
        with pytest.raises(Unreachable, match="a newer version of this program has taken over"):
            ask()
    with pytest.raises(Outdated):
        store.save(after, later(after))
    with pytest.raises(Unreachable, match="another version of this program polls"):
        store.act(acknowledgement())


def test_a_whole_rollout_has_one_poller_at_a_time_and_goes_forward(redis: RedisServer, old: ReplicaOf1) -> None:
    old.client.pexpire(LEASE_OF_1, 2000)
    with ExitStack() as stack:
        pairs = []
        for _ in range(2):
            client = stack.enter_context(connect(redis.url))
            lease = RedisLease(client, 1.5)
            stack.callback(lease.close)
            lease.compete()
            pairs.append((RedisStore(client, lease), lease))
        answered = [old.answers_from(), *(store.head().version for store, _ in pairs)]
        assert not any(lease.held for _, lease in pairs)

        wait_for(lambda: any(lease.held for _, lease in pairs), 5)
        ((leader, first),) = [pair for pair in pairs if pair[1].held]
        before = leader.load()
        leader.save(before, later(before))
        answered += [store.head().version for store, _ in pairs]
        first.close()
        ((other, second),) = [pair for pair in pairs if pair[1] is not first]
        wait_for(lambda: second.held or old.compete(), 5)
        assert second.held
        before = other.load()
        other.save(before, later(before))
        answered += [store.head().version for store, _ in pairs]

    version = CALM.head.version
    assert answered == [version] * 3 + [version + 1] * 2 + [version + 2] * 2
    with pytest.raises(CannotAnswer):
        old.answers_from()
