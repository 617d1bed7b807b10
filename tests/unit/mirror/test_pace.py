from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.mirror.pace import LONGEST, next_refresh
from plugin.sources import Usage
from tests.builders import MONDAY

HALF_A_MINUTE = timedelta(seconds=30)


def wait(
    failures: int = 0, chance: float = 0, interval: timedelta = HALF_A_MINUTE, resumes_in: float | None = None
) -> float:
    resumes_at = None if resumes_in is None else MONDAY + timedelta(seconds=resumes_in)
    return next_refresh(interval, failures, Usage(resumes_at=resumes_at), MONDAY, chance).total_seconds()


def test_without_failures_the_interval_is_kept_to_the_second() -> None:
    assert wait(chance=1) == 30
    assert wait(chance=1, resumes_in=29) == 30
    assert wait(chance=1, resumes_in=-1) == 30


@pytest.mark.parametrize(("failures", "seconds"), [(1, 60), (2, 120), (3, 240), (4, 300), (5, 300), (10_000, 300)])
def test_each_failure_doubles_the_wait_up_to_five_minutes(failures: int, seconds: int) -> None:
    assert wait(failures) == seconds


def test_jitter_makes_a_longer_wait_up_to_a_tenth_longer() -> None:
    assert wait(1, chance=0.5) == pytest.approx(63)
    assert wait(1, chance=1) == pytest.approx(66)


def test_an_interval_above_the_longest_wait_is_kept_whatever_fails() -> None:
    assert wait(3, interval=2 * LONGEST, chance=1) == 600


def test_the_wait_lasts_until_a_token_has_points_or_five_minutes() -> None:
    assert wait(resumes_in=31) == 31
    assert wait(resumes_in=40, chance=1) == pytest.approx(44)
    assert wait(resumes_in=3600) == 300


def test_the_longer_of_both_waits_counts() -> None:
    assert wait(2, resumes_in=40) == 120
    assert wait(1, resumes_in=240) == 240


@given(st.integers(1, 86400), st.integers(0, 10**6), st.none() | st.integers(-7200, 7200), st.floats(0, 1))
def test_the_wait_is_at_least_the_interval_and_at_most_the_longest(
    seconds: int, failures: int, resumes_in: int | None, chance: float
) -> None:
    waited = wait(failures, chance, timedelta(seconds=seconds), resumes_in)

    assert seconds <= waited <= max(LONGEST.total_seconds(), seconds) * 1.1
