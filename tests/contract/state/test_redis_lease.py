"""Who polls, with a life of a second or two."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from redis import Redis
from structlog.testing import capture_logs

from plugin.state.redis_client import connect
from plugin.state.redis_lease import LEASE, RedisLease
from tests.redis_server import RedisServer
from tests.server import wait_for

LIFE = 1.5  # seconds

Open = Callable[[], RedisLease]


@pytest.fixture(name="lease_of")
def _lease_of(redis: RedisServer) -> Iterator[Open]:
    with ExitStack() as stack:

        def new() -> RedisLease:
            lease = RedisLease(stack.enter_context(connect(redis.url)), LIFE)
            stack.callback(lease.close)
            return lease

        yield new


@pytest.fixture(name="behind")
def _behind(redis: RedisServer) -> Iterator[Redis]:
    with redis.client() as client:
        yield client


def test_who_does_not_compete_does_not_hold_it(lease_of: Open, behind: Redis) -> None:
    lease = lease_of()

    assert not lease.held
    assert lease.token == b""
    assert behind.get(LEASE) is None


def test_the_first_holds_it_at_once_and_no_other_does(lease_of: Open, behind: Redis) -> None:
    first, second, third = lease_of(), lease_of(), lease_of()
    for lease in (first, second, third):
        lease.compete()

    assert [lease.held for lease in (first, second, third)] == [True, False, False]
    assert behind.get(LEASE) == first.token != b""
    assert second.token == b""


def test_it_is_extended_as_long_as_its_holder_lives(lease_of: Open, behind: Redis) -> None:
    lease = lease_of()
    lease.compete()
    token, extended = lease.token, 0
    before = behind.pttl(LEASE)

    def extended_for_two_lives() -> bool:
        nonlocal before, extended
        left = behind.pttl(LEASE)
        assert lease.held
        extended += left > before
        before = left
        return extended >= 6

    wait_for(extended_for_two_lives)
    assert lease.token == token


def test_a_clean_stop_leaves_it_to_another_at_once(lease_of: Open, behind: Redis) -> None:
    first, second = lease_of(), lease_of()
    first.compete()
    second.compete()
    first.close()

    assert not first.held
    assert behind.get(LEASE) != first.token
    wait_for(lambda: second.held)
    assert behind.get(LEASE) == second.token


def test_a_stop_does_not_take_it_from_another(lease_of: Open, behind: Redis) -> None:
    first = lease_of()
    first.compete()
    behind.set(LEASE, b"another")
    first.close()

    assert behind.get(LEASE) == b"another"


def test_who_cannot_extend_it_does_not_hold_it_after_its_life(lease_of: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = lease_of(), lease_of()
    with monkeypatch.context() as frozen:
        frozen.setattr(RedisLease, "_run", lambda _: None)
        first.compete()
    second.compete()

    assert first.held
    wait_for(lambda: not first.held, 2 * LIFE)
    wait_for(lambda: second.held, LIFE)


def test_who_finds_another_in_its_place_does_not_hold_it(lease_of: Open, behind: Redis) -> None:
    lease = lease_of()
    with capture_logs() as logs:
        lease.compete()
        behind.set(LEASE, b"another", px=60_000)
        wait_for(lambda: not lease.held)
        assert behind.get(LEASE) == b"another"
        behind.delete(LEASE)
        wait_for(lambda: lease.held)

    assert behind.get(LEASE) == lease.token
    assert ["polls now" in line["event"] for line in logs] == [True, False, True]


def test_while_redis_says_nothing_nobody_holds_it_and_later_one_does(lease_of: Open, redis: RedisServer) -> None:
    first, second = lease_of(), lease_of()
    first.compete()
    second.compete()
    with capture_logs() as logs, redis.paused():
        wait_for(lambda: ["any more" in line["event"] for line in logs] == [True])
        assert not first.held
        assert not second.held

    wait_for(lambda: first.held or second.held)
    assert not (first.held and second.held)


def test_a_redis_that_was_emptied_gives_it_to_one_again(lease_of: Open, redis: RedisServer, behind: Redis) -> None:
    first, second = lease_of(), lease_of()
    first.compete()
    second.compete()
    redis.flush()

    wait_for(lambda: behind.get(LEASE) in (first.token, second.token) and first.held is not second.held)


def test_a_lease_can_begin_before_its_redis(redis: RedisServer) -> None:
    with connect(redis.url) as client:
        lease = RedisLease(client, LIFE)
        with redis.paused():
            lease.compete()
            assert not lease.held
        wait_for(lambda: lease.held)
        lease.close()
