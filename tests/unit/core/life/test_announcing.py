from datetime import timedelta

from plugin.core.facts.found import Found
from plugin.core.facts.lives import State
from tests.builders import MONDAY
from tests.lives import HOUR, Lived, asked, with_plan


def announced() -> Lived:
    """A preview whose end was announced just now, an hour before it comes."""
    lived = with_plan({"expire_after": "8h", "warn": "1h"})
    lived.now = MONDAY
    lived.put(asked())
    lived.step().step(7 * HOUR)
    assert lived.life().announced
    return lived


def test_time_in_which_nothing_was_read_does_not_count_even_if_something_else_is_in_doubt_when_it_ends() -> None:
    lived = announced()
    lived.missed = {"acme/orders": 5 * HOUR}
    lived.found = Found(traffic_in_doubt=True)
    lived.step(5 * HOUR + timedelta(minutes=10))
    lived.missed, lived.found = {}, Found()

    assert lived.step(timedelta(minutes=1)).state() is State.ACTIVE
    assert lived.step(timedelta(minutes=48)).state() is State.ACTIVE
    assert lived.step(timedelta(minutes=1)).state() is State.EXPIRED


def test_no_end_is_announced_while_something_is_in_doubt() -> None:
    lived = with_plan({"expire_after": "8h", "warn": "1h"})
    lived.now = MONDAY
    lived.put(asked())
    lived.step()
    lived.found = Found(traffic_in_doubt=True)

    assert lived.step(9 * HOUR).life().announced is None
