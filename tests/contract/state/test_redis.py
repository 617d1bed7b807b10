"""State in a Redis that several replicas share, and that may be slow, gone, emptied or thrown back."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis import RedisError
from redis.commands.core import Script
from structlog.testing import capture_logs

from plugin.mirror.current import decided
from plugin.mirror.newest import Newest
from plugin.state import NOTHING, Head, Outdated, Unreachable
from plugin.state.redis import RedisStore
from plugin.state.redis_client import connect
from plugin.state.redis_keys import PREFIX
from tests.builders import MONDAY
from tests.contract.state.replicas import GivenLease, Replicas
from tests.knowledge import CATALOG, FULL, acknowledgement, details, known, later, repository, with_repository
from tests.redis_server import RedisServer, serve_redis
from tests.store_promises import DurableStorePromises, Place, place_of


@pytest.fixture(name="place")
def _place(redis: RedisServer) -> Iterator[Place]:
    with place_of(redis.url) as place:
        yield place


class TestRedis(DurableStorePromises):
    """What every state promises that outlives its process."""


@pytest.fixture(name="replicas")
def _replicas(redis: RedisServer) -> Iterator[Replicas]:
    with ExitStack() as stack:
        yield Replicas(redis, stack)


def titles(store: RedisStore) -> list[str]:
    return [repository.pull_requests[0].title for repository in store.load().snapshot.repositories.values()]


def test_a_leader_that_lost_the_lease_cannot_write(replicas: Replicas) -> None:
    old, new = replicas.new(), replicas.new()
    replicas.polls(0)
    old.save(NOTHING, FULL)
    replicas.polls(1)
    replicas.leases[0].held = True  # it was paused, and does not know

    with pytest.raises(Outdated, match="another replica polls now"):
        old.save(FULL, with_repository(FULL, repository(title="stale")))
    before = new.load()
    assert details(before) == details(FULL)
    new.save(before, later(before))


def test_without_a_lease_in_redis_nothing_is_written(replicas: Replicas) -> None:
    store = replicas.new()
    with pytest.raises(Outdated):
        store.save(NOTHING, FULL)
    assert replicas.copy() == {}


def test_a_new_leader_cannot_overwrite_a_version_it_has_not_seen(replicas: Replicas) -> None:
    old, new = replicas.new(), replicas.new()
    replicas.polls(0)
    old.save(NOTHING, FULL)
    seen = new.load()
    old.save(FULL, with_repository(FULL, repository(title="newer")))
    replicas.polls(1)

    with pytest.raises(Outdated, match="newer"):
        new.save(seen, later(seen))
    assert titles(new)[0] == "newer"


def test_a_state_is_read_again_only_after_a_write(replicas: Replicas) -> None:
    store, other = replicas.new(), replicas.new()
    replicas.polls(0)
    store.save(NOTHING, FULL)
    first = other.load()
    assert other.load() is first
    store.save(FULL, replace(FULL, snapshot=replace(FULL.snapshot, doubts={"acme/orders": "no answer"})))

    second = other.load()
    assert second.snapshot.doubts == {"acme/orders": "no answer"}
    assert second.snapshot.repositories["acme/orders"] is first.snapshot.repositories["acme/orders"]


def emptied(_: dict[bytes, bytes]) -> dict[bytes, bytes]:
    return {}


def thrown_back(first: dict[bytes, bytes]) -> dict[bytes, bytes]:
    return first


@pytest.mark.parametrize("loss", [emptied, thrown_back])
def test_after_a_loss_nothing_is_answered_until_the_leader_writes_back(
    replicas: Replicas, loss: Callable[[dict[bytes, bytes]], dict[bytes, bytes]]
) -> None:
    leader, follower = replicas.new(), replicas.new()
    replicas.polls(0)
    leader.save(NOTHING, FULL)
    first = replicas.copy()
    newer = replace(with_repository(FULL, repository(title="newer")), histories={}, hold=None)
    leader.save(FULL, newer)
    follower.load()
    replicas.throw_back(loss(first))

    for ask in (follower.head, follower.load, follower.head):
        with pytest.raises(Unreachable, match="lost"):
            ask()
    with capture_logs() as logs:
        head = leader.head()
    assert head == Head(3, newer.head.fresh_at)
    assert [line["version"] for line in logs] == [3]
    expected = details(replace(newer, head=head))
    assert follower.head() == head
    assert details(follower.load()) == expected
    assert details(leader.load()) == expected
    assert details(replicas.new().load()) == expected

    before = leader.load()
    leader.save(before, later(before))
    assert follower.head().version == 4


def test_a_leader_without_its_lease_in_redis_writes_nothing_back(replicas: Replicas) -> None:
    leader = replicas.new()
    replicas.polls(0)
    leader.save(NOTHING, FULL)
    replicas.server.flush()

    for ask in (leader.head, leader.load):
        with pytest.raises(Unreachable, match="lost"):
            ask()
    with pytest.raises(Outdated):
        leader.save(FULL, later(FULL))
    replicas.polls(0)
    assert details(leader.load()) == details(replace(FULL, head=Head(2, FULL.head.fresh_at)))


def test_a_write_back_has_a_version_above_all_that_replicas_saw(replicas: Replicas) -> None:
    old, follower, new = replicas.new(), replicas.new(), replicas.new()
    replicas.polls(0)
    old.save(NOTHING, FULL)
    first = replicas.copy()
    new.load()
    second, third = (with_repository(FULL, repository(title=title)) for title in ("second", "third"))
    third = replace(third, head=Head(3, None))
    old.save(FULL, second)
    old.save(second, third)
    follower.load()
    replicas.throw_back(first)
    replicas.polls(2)
    assert new.head() == FULL.head  # it cannot know yet

    with pytest.raises(Unreachable):
        follower.head()
    with pytest.raises(Outdated):
        new.save(FULL, later(FULL))
    assert new.head() == Head(4, FULL.head.fresh_at)
    before = new.load()
    assert details(before) == details(replace(FULL, head=Head(4, FULL.head.fresh_at)))
    assert details(follower.load()) == details(before)
    new.save(before, later(before))
    assert follower.head().version == 5


def test_a_replica_started_after_a_loss_answers_nothing_older(
    replicas: Replicas,
) -> None:
    old, follower = replicas.new(), replicas.new()
    replicas.polls(0)
    old.save(NOTHING, FULL)
    first = replicas.copy()
    old.save(FULL, later(FULL))
    follower.head()
    replicas.throw_back(first)
    with pytest.raises(Unreachable):
        follower.head()

    with pytest.raises(Unreachable):
        replicas.new().head()


def test_a_leader_that_also_lost_its_lease_leaves_a_floor(replicas: Replicas) -> None:
    leader, follower = replicas.new(), replicas.new()
    replicas.polls(0)
    leader.save(NOTHING, FULL)
    first = replicas.copy()
    leader.save(FULL, later(FULL))
    replicas.polls(1)
    replicas.throw_back(first)
    replicas.leases[0].held = True  # as far as it knows
    assert follower.head() == FULL.head  # it cannot know yet

    with pytest.raises(Unreachable, match="lost"):
        leader.head()
    replicas.leases[1].held = False
    for store in (follower, replicas.new()):
        with pytest.raises(Unreachable):
            store.head()
    replicas.polls(1)
    assert follower.head() == leader.head() == Head(3, FULL.head.fresh_at)


def test_another_state_with_a_version_seen_before_is_a_loss(replicas: Replicas) -> None:
    old, new = replicas.new(), replicas.new()
    replicas.polls(0)
    old.save(NOTHING, FULL)
    first = replicas.copy()
    old.save(FULL, with_repository(FULL, repository(title="lost")))
    replicas.throw_back(first)
    replicas.polls(1)
    before = new.load()
    new.save(before, with_repository(before, repository(title="another second")))

    with pytest.raises(Unreachable, match="lost"):
        old.head()
    assert new.head().version == 3
    assert old.head().version == 3
    assert titles(old)[0] == "another second"


def test_a_leader_keeps_what_redis_has_if_it_knows_less(replicas: Replicas) -> None:
    old, new = replicas.new(), replicas.new()
    replicas.polls(0)
    old.save(NOTHING, FULL)
    second = with_repository(FULL, repository(title="second"))
    new.load()
    old.save(FULL, second)
    copy = replicas.copy()
    old.save(second, later(second))
    new.head()
    replicas.throw_back(copy)
    replicas.polls(1)

    assert new.head().version == 4
    assert titles(new)[0] == "second"


def test_an_act_in_a_redis_that_was_thrown_back_is_not_a_write_back(replicas: Replicas) -> None:
    leader = replicas.new()
    replicas.polls(0)
    leader.save(NOTHING, FULL)
    first = replicas.copy()
    leader.save(FULL, later(FULL))
    replicas.throw_back(first)
    replicas.leases[0].held = False
    replicas.new().act(acknowledgement(CATALOG.fingerprint))

    with pytest.raises(Unreachable):
        leader.head()


def test_all_keys_are_under_one_prefix(replicas: Replicas) -> None:
    store = replicas.new()
    replicas.polls(0)
    store.save(NOTHING, FULL)
    with replicas.server.client() as client:
        keys = client.keys()
    assert all(key.startswith(PREFIX.encode()) for key in keys)


def test_a_refresh_without_changes_writes_the_readings_only(replicas: Replicas) -> None:
    store = replicas.new()
    replicas.polls(0)
    store.save(NOTHING, FULL)
    before = replicas.copy()
    store.save(FULL, replace(FULL, snapshot=replace(FULL.snapshot, doubts={"acme/orders": "no answer"})))
    after = replicas.copy()

    assert {name for name in after if after[name] != before.get(name)} == {b"readings:", b"writes"}


def test_heads_are_read_by_many_threads_during_saves(replicas: Replicas) -> None:
    leader, follower = replicas.new(), replicas.new()
    replicas.polls(0)
    leader.save(NOTHING, FULL)
    stop, seen = threading.Event(), []

    def look(store: RedisStore) -> None:
        newest = 0
        while not stop.is_set():
            version = store.head().version
            seen.append(version >= newest)
            newest = max(version, newest)

    threads = [threading.Thread(target=look, args=(store,)) for store in (leader, follower) for _ in range(4)]
    for thread in threads:
        thread.start()
    before = FULL
    for _ in range(50):
        after = later(before)
        leader.save(before, after)
        before = after
    stop.set()
    for thread in threads:
        thread.join()

    assert len(seen) > len(threads)
    assert all(seen)


def test_a_late_answer_of_redis_is_not_taken_for_a_loss(replicas: Replicas, monkeypatch: pytest.MonkeyPatch) -> None:
    leader = replicas.new()
    replicas.polls(0)
    leader.save(NOTHING, FULL)
    with connect(replicas.server.url) as client:
        store, ask = RedisStore(client, GivenLease(b"")), client.hmget
        seen: list[str] = []

        def ask_slowly(name: str, fields: list[str]) -> object:
            reply = ask(name, fields)
            if not seen:
                seen.append("meanwhile another thread asks too")
                leader.save(FULL, later(FULL))
                assert store.head().version == 2
            return reply

        monkeypatch.setattr(client, "hmget", ask_slowly)
        assert store.head().version == 1


def test_a_leader_goes_on_after_a_write_whose_reply_was_lost(
    replicas: Replicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = replicas.new()
    replicas.polls(0)
    newest = Newest(store)
    newest.store(newest.synchronised(), decided(FULL))
    before = newest.synchronised()
    after = replace(before, known=replace(before.known, head=replace(FULL.head, fresh_at=MONDAY)))  # the same version
    with monkeypatch.context() as patch:
        run = Script.__call__

        def lose_the_reply(*arguments: Any) -> None:
            run(*arguments)
            raise RedisError

        patch.setattr(Script, "__call__", lose_the_reply)
        with pytest.raises(Unreachable):
            newest.store(before, after)

    before = newest.synchronised()
    assert before.known.head.fresh_at == MONDAY
    newest.store(before, replace(before, known=later(before.known)))
    assert details(store.load()) == details(later(before.known))


def test_a_redis_that_does_not_answer_is_unreachable_and_comes_back(replicas: Replicas) -> None:
    store = replicas.new()
    replicas.polls(0)
    store.save(NOTHING, FULL)
    with replicas.server.paused(), pytest.raises(Unreachable, match=f"127.0.0.1:{replicas.server.port}"):
        store.head()
    assert store.head() == FULL.head


def test_a_stopped_redis_is_unreachable_for_every_method(tmp_path: Path) -> None:
    with ExitStack() as stack:
        with serve_redis(tmp_path) as server:
            store = Replicas(server, stack).new()
            store.load()
        actions: list[Callable[[], object]] = [
            store.head,
            store.load,
            lambda: store.save(NOTHING, known()),
            lambda: store.act(acknowledgement("0123456789ab")),
        ]
        for action in actions:
            with pytest.raises(Unreachable):
                action()
