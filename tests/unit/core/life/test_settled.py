"""When a live preview changes by itself, and what it shows until then."""

from datetime import timedelta

import pytest

from plugin.core.facts.lives import State
from tests.builders import MONDAY
from tests.lives import DAY, HOUR, begun

MINUTE = timedelta(minutes=1)
WORK = {"hours": "Mon-Fri 07:00-20:00 UTC", "awake": "1h"}


@pytest.mark.parametrize(
    ("plan", "moments"),
    [
        ({"pause_after": "12h"}, [MONDAY + 12 * HOUR, None]),
        ({"expire_after": "2d", "warn": "4h"}, [MONDAY + 44 * HOUR, MONDAY + 48 * HOUR, None]),
        ({"max_age": "1d", "warn": "1d"}, [MONDAY + 24 * HOUR, None]),
        (
            {"pause_after": "12h", "expire_after": "2d"},
            [MONDAY + 12 * HOUR, MONDAY + 44 * HOUR, MONDAY + 48 * HOUR, None],
        ),
        (WORK | {"pause_after": "1d"}, [MONDAY + 11 * HOUR, MONDAY + timedelta(hours=22, seconds=269), MONDAY + DAY]),
    ],
)
def test_each_moment_at_which_it_changes_is_known_before(plan: dict[str, str], moments: list[object]) -> None:
    story = begun(plan)
    for moment in moments:
        next_at = story.current.living.next_at
        assert next_at is None if moment is None else next_at
        if next_at:
            assert next_at.replace(microsecond=0) == moment
            before = story.preview().verdict
            assert story.step(next_at - story.now - timedelta(microseconds=1)).preview().verdict == before
            story.step(timedelta(microseconds=1))
            assert story.preview().verdict != before


def test_an_end_that_waits_for_a_look_up_has_no_next_moment() -> None:
    story = begun({"expire_after": "2d"})
    story.confirms = False

    assert story.pass_time(3 * DAY).state() is State.ACTIVE
    assert story.current.living.next_at is None


def test_nothing_changes_merely_because_time_passes() -> None:
    story = begun({"pause_after": "12h", "expire_after": "7d", "hours": "Mon-Sun 00:00-24:00 UTC"})
    story.step()
    before = story.current
    for _ in range(9):
        assert story.step(HOUR).current.known.head.version == before.known.head.version
        assert story.current.decision is before.decision
