from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.mirror.pace import LONGEST, Cycle, next_refresh
from plugin.sources import Usage
from tests.builders import MONDAY

HALF_A_MINUTE = timedelta(seconds=30)
IN_AN_HOUR = MONDAY + timedelta(hours=1)


WELL = Cycle()


def wait(cycle: Cycle = WELL, chance: float = 0, interval: timedelta = HALF_A_MINUTE, **usage: object) -> float:
    return next_refresh(interval, cycle, Usage(**usage), MONDAY, chance).total_seconds()  # type: ignore[arg-type]


def test_as_long_as_all_is_well_the_interval_is_kept_to_the_second() -> None:
    assert wait(chance=1) == 30
    assert wait(Cycle(points=5), chance=1, remaining=4500, resets_at=IN_AN_HOUR) == 30


@pytest.mark.parametrize(("failures", "seconds"), [(1, 60), (2, 120), (3, 240), (4, 300), (5, 300), (10_000, 300)])
def test_each_failure_doubles_the_wait_up_to_five_minutes(failures: int, seconds: int) -> None:
    assert wait(Cycle(failures=failures)) == seconds


def test_jitter_makes_a_longer_wait_up_to_a_tenth_longer() -> None:
    assert wait(Cycle(failures=1), chance=0.5) == pytest.approx(63)
    assert wait(Cycle(failures=1), chance=1) == pytest.approx(66)


def test_an_interval_above_the_longest_wait_is_kept_whatever_fails() -> None:
    assert wait(Cycle(failures=3), interval=2 * LONGEST, chance=1) == 600


def test_points_that_are_left_are_spread_over_the_time_until_they_are_renewed() -> None:
    # 1,000 points less a tenth are 90 refreshes at 10 points: one in 40 seconds.
    assert wait(Cycle(points=10), remaining=1000, resets_at=IN_AN_HOUR) == pytest.approx(40)
    assert wait(Cycle(points=10), remaining=1000, resets_at=IN_AN_HOUR, chance=1) == pytest.approx(44)
    assert wait(Cycle(points=10), remaining=2000, resets_at=IN_AN_HOUR) == 30
    assert wait(Cycle(points=0), remaining=100, resets_at=IN_AN_HOUR) == pytest.approx(40)  # at least one each


def test_without_points_the_wait_is_five_minutes_or_until_there_are_some() -> None:
    assert wait(Cycle(points=10), remaining=0, resets_at=IN_AN_HOUR) == 300
    assert wait(Cycle(points=10), remaining=0, resets_at=MONDAY + timedelta(seconds=90)) == 90
    assert wait(Cycle(points=10), remaining=12, resets_at=MONDAY + timedelta(seconds=90)) == pytest.approx(90 / 1.08)


def test_what_is_not_known_or_over_makes_nothing_longer() -> None:
    assert wait(Cycle(points=10), remaining=0) == 30
    assert wait(Cycle(points=10), resets_at=IN_AN_HOUR) == 30
    assert wait(Cycle(points=10), remaining=0, resets_at=MONDAY) == 30
    assert wait(Cycle(points=10), remaining=0, resets_at=MONDAY + timedelta(seconds=31)) == 31


def test_the_longer_of_both_waits_counts() -> None:
    assert wait(Cycle(points=10, failures=2), remaining=1000, resets_at=IN_AN_HOUR) == 120
    assert wait(Cycle(points=100, failures=1), remaining=1000, resets_at=IN_AN_HOUR) == 300


@given(
    st.integers(1, 86400),
    st.builds(Cycle, st.integers(0, 10**6), st.integers(0, 10**6)),
    st.none() | st.integers(0, 10**6),
    st.integers(-7200, 7200),
    st.floats(0, 1),
)
def test_the_wait_is_never_shorter_than_the_interval_nor_much_longer_than_it_must_be(
    seconds: int, cycle: Cycle, remaining: int | None, resets_in: int, chance: float
) -> None:
    interval = timedelta(seconds=seconds)
    usage = Usage(remaining=remaining, resets_at=MONDAY + timedelta(seconds=resets_in))
    waited = next_refresh(interval, cycle, usage, MONDAY, chance)

    assert interval <= waited <= max(LONGEST, interval) * 1.1
