"""Whether two clocks agree."""

from datetime import timedelta

import pytest

from plugin.core.config.messages import timestamp
from plugin.core.facts.agreement import doubt_about, stamp
from tests.builders import MONDAY

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("seconds", [-120, -1, 0, 1, 120])
def test_clocks_that_differ_by_two_minutes_at_most_agree_on_the_sources_time(seconds: int) -> None:
    assert stamp(MONDAY, seconds * SECOND) == MONDAY - seconds * SECOND


@pytest.mark.parametrize("ahead", [-121 * SECOND, 121 * SECOND, timedelta(days=10), timedelta(days=-10), None])
def test_otherwise_nothing_is_stamped(ahead: timedelta | None) -> None:
    assert stamp(MONDAY, ahead) is None


@pytest.mark.parametrize("since", [timedelta(minutes=-2), timedelta(0), timedelta(hours=1)])
def test_a_clock_that_was_compared_lately_may_tell_when_something_was_done(since: timedelta) -> None:
    assert doubt_about(MONDAY + since, MONDAY) == ""


@pytest.mark.parametrize("since", [timedelta(days=-10), timedelta(minutes=-2, seconds=-1), timedelta(minutes=61)])
def test_a_clock_that_is_elsewhere_may_not(since: timedelta) -> None:
    assert doubt_about(MONDAY + since, MONDAY).startswith(
        f"the clock here says {timestamp(MONDAY + since)}, and the source's said 2026-11-16T09:00:00Z when"
    )


def test_while_clocks_disagree_nobody_can_tell_when_something_was_done() -> None:
    assert doubt_about(MONDAY, None).startswith("the server's clock and the source's differ by more than two minutes")
