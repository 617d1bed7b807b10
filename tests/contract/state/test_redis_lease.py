"""The lease in Redis, with a duration of a second or two."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from redis import Redis
from structlog.testing import capture_logs

from plugin.state.entries import SCHEMA
from plugin.state.redis_client import connect
from plugin.state.redis_keys import LEASE, LEASE_OF_1, RETIRED, SCHEMA_IN_FORCE
from plugin.state.redis_lease import RedisLease
from tests.redis_server import RedisServer
from tests.server import wait_for

DURATION = 1.5  # seconds

Open = Callable[[], RedisLease]


@pytest.fixture(name="lease_of")
def _lease_of(redis: RedisServer) -> Iterator[Open]:
    with ExitStack() as stack:

        def new() -> RedisLease:
            lease = RedisLease(stack.enter_context(connect(redis.url)), DURATION)
            stack.callback(lease.close)
            return lease

        yield new


@pytest.fixture(name="behind")
def _behind(redis: RedisServer) -> Iterator[Redis]:
    with redis.client() as client:
        yield client


def test_a_lease_is_not_held_before_competing(lease_of: Open, behind: Redis) -> None:
    lease = lease_of()

    assert not lease.held
    assert behind.get(LEASE) is None
    assert behind.get(LEASE_OF_1) is None


def test_the_first_replica_holds_the_lease_at_once_and_alone(lease_of: Open, behind: Redis) -> None:
    first, second, third = lease_of(), lease_of(), lease_of()
    for lease in (first, second, third):
        lease.compete()

    assert [lease.held for lease in (first, second, third)] == [True, False, False]
    assert behind.get(LEASE) == behind.get(LEASE_OF_1) == first.token
    assert len({lease.token for lease in (first, second, third)}) == 3


def test_a_lease_is_extended_as_long_as_its_holder_lives(lease_of: Open, behind: Redis) -> None:
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


def test_a_clean_stop_releases_the_lease_at_once(lease_of: Open, behind: Redis) -> None:
    first, second = lease_of(), lease_of()
    first.compete()
    second.compete()
    first.close()

    assert not first.held
    assert first.token not in (behind.get(LEASE), behind.get(LEASE_OF_1))
    wait_for(lambda: second.held)
    assert behind.get(LEASE) == second.token


def test_a_stop_does_not_release_the_lease_of_another_replica(lease_of: Open, behind: Redis) -> None:
    first = lease_of()
    first.compete()
    behind.set(LEASE, b"another")
    first.close()

    assert behind.get(LEASE) == b"another"


def test_a_lease_that_is_not_extended_expires(lease_of: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = lease_of(), lease_of()
    with monkeypatch.context() as frozen:
        frozen.setattr(RedisLease, "_run", lambda _: None)
        first.compete()
    second.compete()

    assert first.held
    wait_for(lambda: not first.held, 2 * DURATION)
    wait_for(lambda: second.held, DURATION)


def test_a_replica_that_finds_another_holder_no_longer_holds_it(lease_of: Open, behind: Redis) -> None:
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


@pytest.mark.parametrize("lost", [[LEASE], [LEASE, LEASE_OF_1]])
def test_a_lease_that_is_taken_anew_has_another_token(lease_of: Open, behind: Redis, lost: list[str]) -> None:
    """Another replica may have held it in between."""
    lease = lease_of()
    lease.compete()
    before = lease.token
    behind.delete(*lost)
    wait_for(lambda: lease.held and behind.get(LEASE) == behind.get(LEASE_OF_1) == lease.token != before)


def test_a_lease_that_was_lost_with_a_failover_does_not_return_with_its_old_token(
    lease_of: Open, behind: Redis
) -> None:
    lease = lease_of()
    lease.compete()
    before = lease.token
    behind.set(LEASE, b"another")
    lease._renew()  # noqa: SLF001
    assert not lease.held
    behind.set(LEASE, before)
    wait_for(lambda: lease.held)
    assert behind.get(LEASE) == behind.get(LEASE_OF_1) == lease.token != before


def test_nobody_holds_the_lease_while_redis_does_not_answer(lease_of: Open, redis: RedisServer) -> None:
    first, second = lease_of(), lease_of()
    first.compete()
    second.compete()
    with capture_logs() as logs, redis.paused():
        wait_for(lambda: ["no longer polls" in line["event"] for line in logs] == [True])
        assert not first.held
        assert not second.held

    wait_for(lambda: first.held or second.held)
    assert not (first.held and second.held)


def test_an_emptied_redis_gives_the_lease_to_one_replica_again(
    lease_of: Open, redis: RedisServer, behind: Redis
) -> None:
    first, second = lease_of(), lease_of()
    first.compete()
    second.compete()
    redis.flush()

    wait_for(lambda: behind.get(LEASE) in (first.token, second.token) and first.held is not second.held)


def test_a_lease_can_start_before_its_redis(redis: RedisServer) -> None:
    with connect(redis.url) as client:
        lease = RedisLease(client, DURATION)
        with redis.paused():
            lease.compete()
            assert not lease.held
        wait_for(lambda: lease.held)
        lease.close()


def test_a_replica_polls_only_once_the_lease_of_schema_1_is_free(lease_of: Open, behind: Redis) -> None:
    behind.set(LEASE_OF_1, b"a replica of schema 1", px=1000)
    lease = lease_of()
    lease.compete()
    assert not lease.held
    assert behind.get(LEASE) == lease.token

    wait_for(lambda: lease.held, 1.5)  # as soon as it expires, which is less than a duration from now
    assert behind.get(LEASE_OF_1) == lease.token


def test_a_replica_that_waits_for_schema_1_releases_the_lease(lease_of: Open, behind: Redis) -> None:
    behind.set(LEASE_OF_1, b"a replica of schema 1")
    lease = lease_of()
    lease.compete()
    lease.close()

    assert behind.get(LEASE) is None
    assert behind.get(LEASE_OF_1) == b"a replica of schema 1"


def test_a_retired_lease_of_schema_1_counts_as_taken_and_stays(lease_of: Open, behind: Redis) -> None:
    behind.set(LEASE_OF_1, RETIRED)
    first, second = lease_of(), lease_of()
    first.compete()
    assert first.held
    first.close()
    second.compete()

    assert second.held
    assert behind.get(LEASE_OF_1) == RETIRED


def test_a_lease_retired_while_it_is_held_is_still_held(lease_of: Open, behind: Redis) -> None:
    lease = lease_of()
    lease.compete()
    behind.set(LEASE_OF_1, RETIRED)
    with capture_logs() as logs:
        lease._renew()  # noqa: SLF001
    lease.close()

    assert logs == []
    assert behind.get(LEASE_OF_1) == RETIRED


def test_a_replica_never_polls_after_one_of_a_newer_schema(lease_of: Open, behind: Redis) -> None:
    behind.set(SCHEMA_IN_FORCE, SCHEMA)
    lease = lease_of()
    lease.compete()
    assert lease.held
    behind.set(SCHEMA_IN_FORCE, SCHEMA + 1)
    lease._renew()  # noqa: SLF001

    assert not lease.held
