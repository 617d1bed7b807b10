"""What one token may still ask, by a clock that the test moves."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from plugin.sources.github.answer import Limited, Unavailable, time_of_day
from plugin.sources.github.limiter import LONGEST_BLOCK, Limiter, LimiterClock, scarcest

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Time:
    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds - 1000.0)

    def github(self) -> datetime:
        """GitHub's clock, which is not ours."""
        return self.now() - timedelta(hours=5)


@pytest.fixture(name="time")
def _time() -> Time:
    return Time()


@pytest.fixture(name="limiter")
def _limiter(time: Time) -> Limiter:
    return Limiter(LimiterClock(lambda: time.seconds, time.sleep, time.now))


def headers(time: Time, remaining: int, seconds: float, **others: str) -> dict[str, str]:
    """What GitHub sends with an answer; the hour ends in `seconds`."""
    reset = int((time.github() + timedelta(seconds=seconds)).timestamp())
    date = format_datetime(time.github(), usegmt=True)
    return {"date": date, "x-ratelimit-remaining": str(remaining), "x-ratelimit-reset": str(reset), **others}


def rate(time: Time, remaining: int, seconds: float) -> dict[str, object]:
    """What GitHub puts into an answer."""
    reset = time.github() + timedelta(seconds=seconds)
    return {"cost": 1, "remaining": remaining, "resetAt": reset.strftime("%Y-%m-%dT%H:%M:%SZ")}


def blocked_for(limiter: Limiter, time: Time) -> float:
    """For exactly how many seconds it refuses everything."""
    until = limiter.resumes_at
    if until is None:
        limiter.wait_for_turn()
        return 0
    seconds = (until - time.now()).total_seconds()
    time.seconds += seconds - 0.5
    with pytest.raises(Limited, match=rf"^GitHub's rate limit is used up until {time_of_day(until)}$"):
        limiter.wait_for_turn()
    time.seconds += 0.5
    limiter.wait_for_turn()
    return round(seconds, 3)


def test_a_limiter_without_refusals_lets_queries_pass(limiter: Limiter, time: Time) -> None:
    assert blocked_for(limiter, time) == 0
    assert time.slept == []


def test_retry_after_is_kept(limiter: Limiter, time: Time) -> None:
    limiter.refused({"retry-after": "17"})

    assert blocked_for(limiter, time) == 17


def test_used_up_points_block_until_they_are_renewed(limiter: Limiter, time: Time) -> None:
    limiter.refused(headers(time, remaining=0, seconds=600))

    assert blocked_for(limiter, time) == 600


def test_too_few_points_block_until_they_are_renewed(limiter: Limiter, time: Time) -> None:
    limiter.refused(headers(time, remaining=1, seconds=600), points_used_up=True)

    assert blocked_for(limiter, time) == 600


def test_used_up_points_without_headers_block_until_the_known_reset(limiter: Limiter, time: Time) -> None:
    limiter.answered(0.1, headers(time, 10, 600), rate(time, 10, 600))
    limiter.refused({}, points_used_up=True)

    assert blocked_for(limiter, time) == 600


def test_used_up_points_block_for_a_minute_if_nothing_is_known(limiter: Limiter, time: Time) -> None:
    limiter.refused({}, points_used_up=True)

    assert blocked_for(limiter, time) == 60


def test_the_last_point_of_an_answer_blocks_too(limiter: Limiter, time: Time) -> None:
    limiter.answered(0.1, headers(time, 0, 600), rate(time, 0, 600))

    assert blocked_for(limiter, time) == 600


def test_secondary_limits_block_longer_each_time_until_an_answer(limiter: Limiter, time: Time) -> None:
    secondary = headers(time, remaining=4000, seconds=600)
    blocks = []
    for _ in range(3):
        limiter.refused(secondary)
        blocks.append(blocked_for(limiter, time))
    limiter.answered(0.1, headers(time, 4000, 600), None)
    limiter.refused(secondary)

    assert blocks == [60, 120, 240]
    assert blocked_for(limiter, time) == 60


def test_secondary_limits_never_block_for_more_than_an_hour(limiter: Limiter, time: Time) -> None:
    for _ in range(20):
        limiter.refused({})
        assert blocked_for(limiter, time) <= LONGEST_BLOCK


@pytest.mark.parametrize("absurd", ["999999999", "9" * 400])
def test_an_absurd_wait_is_cut_to_an_hour(limiter: Limiter, time: Time, absurd: str) -> None:
    limiter.refused({"retry-after": absurd})

    assert blocked_for(limiter, time) == 3600


@pytest.mark.parametrize("reset", ["4000000000", "99999999999999999999", "9" * 400])
def test_an_absurd_reset_is_cut_to_an_hour_or_a_minute(limiter: Limiter, time: Time, reset: str) -> None:
    limiter.refused({**headers(time, 0, 0), "x-ratelimit-reset": reset})

    assert blocked_for(limiter, time) in {3600, 60}


@pytest.mark.parametrize("value", ["soon", "", "-5", "1.5", "²"])
def test_a_malformed_header_is_ignored(limiter: Limiter, time: Time, value: str) -> None:
    limiter.refused({"retry-after": value, "x-ratelimit-remaining": value, "x-ratelimit-reset": value})

    assert blocked_for(limiter, time) == 60


def test_a_reset_that_has_passed_still_blocks_for_a_second(limiter: Limiter, time: Time) -> None:
    limiter.refused(headers(time, remaining=0, seconds=-30))

    assert blocked_for(limiter, time) == 1


def test_a_later_shorter_block_does_not_end_a_longer_one(limiter: Limiter, time: Time) -> None:
    limiter.refused({"retry-after": "100"})
    limiter.refused({"retry-after": "10"})

    assert blocked_for(limiter, time) == 100


def test_a_wrong_local_clock_does_no_harm(limiter: Limiter, time: Time) -> None:
    limiter.answered(0.1, headers(time, 10, 600), rate(time, 10, 600))
    assert limiter.quota is not None
    time.seconds += 599
    assert limiter.quota is not None
    time.seconds += 1

    assert limiter.quota is None


@pytest.mark.parametrize("days", [-10, 10])
def test_a_local_clock_that_is_set_right_meanwhile_makes_no_block_longer(time: Time, days: int) -> None:
    wrong = timedelta(days=days)
    limiter = Limiter(LimiterClock(lambda: time.seconds, time.sleep, lambda: time.now() + wrong))
    limiter.refused(headers(time, 0, 3000))
    time.seconds += 1000
    assert limiter.resumes_at == time.now() + wrong + timedelta(seconds=2000)
    wrong = timedelta(0)

    assert blocked_for(limiter, time) == 2000


def test_without_githubs_clock_the_local_one_is_used(limiter: Limiter, time: Time) -> None:
    reset = str(int((time.now() + timedelta(seconds=90)).timestamp()))
    limiter.refused({"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset})

    assert blocked_for(limiter, time) == 90


def test_the_quota_comes_from_the_answer_or_from_its_headers(limiter: Limiter, time: Time) -> None:
    limiter.answered(0.1, headers(time, 70, 600), rate(time, 50, 600))
    assert limiter.quota
    assert limiter.quota.remaining == 50
    assert limiter.quota.resets == time.seconds + 600  # by our own clock

    limiter.answered(0.1, headers(time, 70, 600), None)
    assert limiter.quota.remaining == 70

    limiter.answered(0.1, {}, None)
    assert limiter.quota.remaining == 70


def test_enterprise_server_has_no_quota(limiter: Limiter) -> None:
    limiter.answered(0.1, {"date": "Sat, 21 Nov 2026 09:00:00 GMT"}, None)

    assert limiter.quota is None


@pytest.mark.parametrize(
    "odd", [{}, {"remaining": None, "resetAt": "x"}, {"remaining": 1, "resetAt": "x"}, {"remaining": 1}, "x", 5]
)
def test_a_malformed_rate_limit_is_ignored(limiter: Limiter, odd: object) -> None:
    limiter.answered(0.1, {}, odd)

    assert limiter.quota is None


def test_the_quota_of_another_resource_is_ignored(limiter: Limiter, time: Time) -> None:
    limiter.answered(0.1, headers(time, 50, 600), None)
    limiter.refused(headers(time, 0, 300, **{"x-ratelimit-resource": "core"}))

    assert limiter.quota
    assert limiter.quota.remaining == 50
    assert blocked_for(limiter, time) == 300


def test_the_scarcest_is_the_one_with_the_fewest_points(time: Time) -> None:
    limiters = [Limiter(LimiterClock(lambda: time.seconds, time.sleep, time.now)) for _ in range(3)]
    limiters[0].answered(0.1, headers(time, 50, 600), None)
    limiters[1].answered(0.1, headers(time, 20, 100), None)

    quota = scarcest(limiters)
    assert quota
    assert quota.remaining == 20
    time.seconds += 100
    quota = scarcest(limiters)
    assert quota
    assert quota.remaining == 50
    assert scarcest([]) is None


def test_queries_within_the_computing_budget_do_not_wait(limiter: Limiter, time: Time) -> None:
    for _ in range(44):
        limiter.wait_for_turn()
        time.seconds += 1
        limiter.answered(1.0, {}, None)
    limiter.wait_for_turn()

    assert time.slept == []


def test_more_computing_waits_until_the_oldest_is_a_minute_old(limiter: Limiter, time: Time) -> None:
    time.seconds += 20
    limiter.answered(20.0, {}, None)
    time.seconds += 15
    limiter.failed(15.0)
    time.seconds += 10
    limiter.answered(10.0, {}, None)
    limiter.wait_for_turn()

    assert time.slept == [60 - 25]


def test_a_wait_longer_than_the_patience_is_refused_at_once(limiter: Limiter, time: Time) -> None:
    time.seconds += 50
    limiter.answered(50.0, {}, None)
    time.seconds += 20
    with pytest.raises(Unavailable, match=r"^the refresh ran out of time; the next one continues$"):
        limiter.wait_for_turn(40)
    assert time.slept == []

    limiter.wait_for_turn(41)
    assert time.slept == [40]


def test_without_patience_a_query_is_refused(limiter: Limiter) -> None:
    limiter.wait_for_turn(0.1)
    for patience in (0, -1):
        with pytest.raises(Unavailable):
            limiter.wait_for_turn(patience)


def test_several_answers_may_have_to_expire(limiter: Limiter, time: Time) -> None:
    for _ in range(5):
        time.seconds += 0.5
        limiter.answered(20.0, {}, None)  # several threads ask at once
    limiter.wait_for_turn()

    # 100 seconds were spent; three must go before less than 45 are left: the third is a second older than the last.
    assert time.slept == [60 - 1.0]


def test_computing_of_more_than_a_minute_ago_is_forgotten(limiter: Limiter, time: Time) -> None:
    limiter.answered(50.0, {}, None)
    time.seconds += 60
    limiter.wait_for_turn()

    assert time.slept == []


def test_no_wait_is_longer_than_a_minute(limiter: Limiter, time: Time) -> None:
    for _ in range(100):
        limiter.wait_for_turn()
        time.seconds += 20
        limiter.failed(20.0)

    assert max(time.slept) < 60


def read_at(limiter: Limiter, time: Time, remaining: int, *costs: int) -> float:
    """How many seconds it rests after readings of these costs, early in the hour."""
    limiter.answered(0.1, headers(time, remaining, 3600), rate(time, remaining, 3600))
    for cost in costs:
        limiter.rest(cost)
    until = limiter.rests_until
    assert until == limiter.resumes_at
    limiter.wait_for_turn()  # it may be asked all the same
    return (until - time.now()).total_seconds() if until else 0


def test_remaining_points_are_spread_until_they_are_renewed(limiter: Limiter, time: Time) -> None:
    # 1,000 points less a tenth are 90 readings at 10 points: one in 40 seconds.
    assert read_at(limiter, time, 1000, 10, 10) == pytest.approx(40)
    assert read_at(limiter, time, 2000, 10) == pytest.approx(20)
    time.seconds += 20
    assert limiter.rests_until is None


def test_no_rest_is_longer_than_five_minutes_while_points_last(limiter: Limiter, time: Time) -> None:
    assert read_at(limiter, time, 100, 10, 10) == 300
    assert read_at(limiter, time, 1, 10) == 300


@pytest.mark.parametrize(("remaining", "rest"), [(12, 90 / 1.08), (5, 90)])
def test_no_rest_is_longer_than_the_points_take_to_be_renewed(
    limiter: Limiter, time: Time, remaining: int, rest: float
) -> None:
    limiter.answered(0.1, headers(time, remaining, 90), None)
    limiter.rest(10)
    limiter.rest(10)

    assert limiter.rests_until
    assert (limiter.rests_until - time.now()).total_seconds() == pytest.approx(rest)


def test_one_expensive_reading_says_nothing_about_the_next(limiter: Limiter, time: Time) -> None:
    assert read_at(limiter, time, 100, 10) == 0
    assert read_at(limiter, time, 1000, 500) == pytest.approx(40)
    assert read_at(limiter, time, 1000, 20) == pytest.approx(80)
    assert read_at(limiter, time, 1000, 0) == pytest.approx(80)  # one that cost nothing says nothing either


def test_an_unknown_quota_needs_no_rest(limiter: Limiter, time: Time) -> None:
    limiter.answered(0.1, {}, None)
    limiter.rest(10)
    limiter.rest(10)
    assert limiter.rests_until is None

    limiter.answered(0.1, headers(time, 5, 60), rate(time, 5, 60))
    time.seconds += 60
    limiter.rest(10)
    assert limiter.rests_until is None


def test_the_longer_of_block_and_rest_counts(limiter: Limiter, time: Time) -> None:
    read_at(limiter, time, 1000, 10, 10)
    limiter.refused({"retry-after": "30"})
    assert limiter.resumes_at == time.now() + timedelta(seconds=40)
    limiter.refused({"retry-after": "50"})
    assert limiter.resumes_at == time.now() + timedelta(seconds=50)


def test_people_are_never_told_a_time_that_is_too_early() -> None:
    assert time_of_day(NOON) == "12:00 UTC"
    assert time_of_day(NOON + timedelta(seconds=1)) == "12:01 UTC"
    assert time_of_day((NOON + timedelta(seconds=61)).astimezone(timezone(timedelta(hours=5)))) == "12:02 UTC"


def test_points_are_counted(limiter: Limiter, time: Time) -> None:
    limiter.answered(0.1, {}, {"cost": 3})
    limiter.answered(0.1, {}, None)
    limiter.answered(0.1, {}, {"cost": "many"})
    limiter.answered(0.1, headers(time, 5, 60), rate(time, 5, 60))

    assert limiter.points == 4


def test_a_quota_with_an_absurd_reset_is_forgotten_after_an_hour(limiter: Limiter, time: Time) -> None:
    limiter.answered(0.1, headers(time, 5, 1_000_000), None)
    time.seconds += 3600

    assert limiter.quota is None
