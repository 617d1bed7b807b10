from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from plugin.core.facts.traffic import QUANTUM, quantised

MOMENTS = st.datetimes(max_value=datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001  hypothesis adds UTC


def test_a_time_is_the_beginning_of_its_quarter_of_an_hour() -> None:
    for minute, second, expected in ((0, 0, 0), (14, 59, 0), (15, 0, 15), (44, 59, 30), (59, 59, 45)):
        moment = datetime(2026, 11, 16, 9, minute, second, 999_999, tzinfo=UTC)
        assert quantised(moment) == datetime(2026, 11, 16, 9, expected, tzinfo=UTC)


def test_a_time_is_in_utc_whatever_zone_it_is_given_in() -> None:
    nepal = timezone(timedelta(hours=5, minutes=45))
    found = quantised(datetime(2026, 11, 16, 9, 50, tzinfo=nepal))

    assert found.isoformat() == "2026-11-16T04:00:00+00:00"


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=1)))
def test_times_stay_in_order_and_lose_less_than_a_quarter_of_an_hour(moment: datetime, later: timedelta) -> None:
    assert timedelta(0) <= moment - quantised(moment) < QUANTUM
    assert quantised(quantised(moment)) == quantised(moment)
    assert quantised(moment) <= quantised(moment + later)
