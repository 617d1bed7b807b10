"""Whether two clocks agree."""

from datetime import timedelta

import pytest

from plugin.core.facts.agreement import stamp
from tests.builders import MONDAY

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("seconds", [-120, -1, 0, 1, 120])
def test_clocks_that_differ_by_two_minutes_at_most_agree_on_the_sources_time(seconds: int) -> None:
    assert stamp(MONDAY, seconds * SECOND) == MONDAY - seconds * SECOND


@pytest.mark.parametrize("ahead", [-121 * SECOND, 121 * SECOND, timedelta(days=10), timedelta(days=-10), None])
def test_otherwise_nothing_is_stamped(ahead: timedelta | None) -> None:
    assert stamp(MONDAY, ahead) is None
