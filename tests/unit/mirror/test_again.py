"""When to decide again. The loop that asks is tested in `test_refresh_loop.py`."""

from dataclasses import replace
from datetime import datetime, timedelta

from plugin.core.facts.acts import Act, ActKind
from plugin.core.life.living import Living
from plugin.mirror.again import Again
from plugin.mirror.current import Current
from plugin.state import NOTHING
from tests.builders import MONDAY

SECOND = timedelta(seconds=1)


def current(next_at: datetime | None = None, *acts: Act) -> Current:
    known = replace(NOTHING, acts={(act.kind, act.subject): act for act in acts})
    return Current(known, None, living=Living(next_at=next_at))


def due(again: Again, current: Current, now: datetime = MONDAY) -> bool:
    return again.is_due(current, lambda: now)


def test_a_moment_is_due_once_it_has_come_and_only_once() -> None:
    again, waits = Again(), current(MONDAY)

    assert [due(again, waits, MONDAY + seconds * SECOND) for seconds in (-1, 0, 1, 2)] == [False, True, False, False]
    assert due(again, current(MONDAY + 3 * SECOND), MONDAY + 3 * SECOND)


def test_without_a_moment_the_clock_is_not_looked_at() -> None:
    def never() -> datetime:
        raise AssertionError

    assert not Again().is_due(current(), never)


def test_a_clock_that_was_set_back_brings_no_moment_twice() -> None:
    again, waits = Again(), current(MONDAY)

    assert due(again, waits, MONDAY + SECOND)
    assert not due(again, waits, MONDAY - SECOND)
    assert not due(again, waits, MONDAY + SECOND)


def test_an_act_is_due_until_it_was_decided_on() -> None:
    again, said = Again(), current(None, Act(ActKind.PAUSE, "orders/1", "ada", MONDAY))
    assert due(again, said)

    again.decided(said)
    assert not due(again, said)
    assert due(again, current(None, Act(ActKind.PAUSE, "orders/1", "ada", MONDAY + SECOND)))


def test_an_act_that_was_dropped_from_what_is_known_is_decided_on_like_a_new_one() -> None:
    again = Again()
    again.decided(current(None, Act(ActKind.PAUSE, "orders/1", "ada", MONDAY)))

    assert due(again, current())
