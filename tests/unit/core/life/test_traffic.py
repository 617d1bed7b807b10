"""Traffic counts as activity, but moves ends rarely, and wakes nobody."""

from datetime import datetime, timedelta

from plugin.core.facts.found import Found
from plugin.core.facts.lives import State
from plugin.core.facts.traffic import Used, quantised
from tests.builders import MONDAY
from tests.lives import DAY, HOUR, Lived, begun

MINUTE = timedelta(minutes=1)


def used(story: Lived, *keys: str) -> Lived:
    """A refresh that finds out who is used."""
    names = frozenset(f"preview-{key.replace('/', '-')}" for key in keys or ("orders/1",))
    story.found = Found(used=Used(names, quantised(story.now)))
    return story.step()


def ends_at(story: Lived) -> datetime | None:
    return story.life().ends_at


def test_traffic_keeps_awake() -> None:
    story = begun({"pause_after": "12h"})
    story.now += 11 * HOUR
    used(story)
    story.found = Found(used=Used(frozenset(), quantised(story.now)))

    assert story.step(12 * HOUR - MINUTE).state() is State.ACTIVE
    assert story.step(MINUTE).state() is State.PAUSED


def test_traffic_of_others_does_not_keep_awake() -> None:
    story = begun({"pause_after": "12h"})
    story.now += 12 * HOUR

    assert used(story, "orders/11").state() is State.PAUSED


def test_traffic_wakes_nobody() -> None:
    story = begun({"pause_after": "12h", "expire_after": "2d"})
    story.step(12 * HOUR)
    for _ in range(9):
        story.now += HOUR
        assert used(story).state() is State.PAUSED
    assert ends_at(story) == MONDAY + 2 * DAY


def test_traffic_keeps_awake_outside_working_hours() -> None:
    story = begun({"hours": "Mon-Fri 07:00-20:00 UTC", "awake": "2h"})
    for _ in range(14):
        story.now += HOUR
        assert used(story).state() is State.ACTIVE
    assert story.step(2 * HOUR).state() is State.PAUSED


def test_traffic_moves_an_end_only_when_less_than_half_of_the_time_is_left() -> None:
    story = begun({"expire_after": "4d"})
    story.now = MONDAY + 2 * DAY - MINUTE
    assert ends_at(used(story)) == MONDAY + 4 * DAY

    story.now = MONDAY + 2 * DAY + MINUTE
    assert ends_at(used(story)) == MONDAY + 6 * DAY
    for _ in range(47):
        story.now += HOUR
        assert ends_at(used(story)) == MONDAY + 6 * DAY
    story.now += HOUR
    assert ends_at(used(story)) == MONDAY + 8 * DAY


def test_a_preview_that_is_used_all_the_time_lives_until_it_is_too_old_and_moves_its_end_rarely() -> None:
    story = begun({"expire_after": "2d", "max_age": "9d", "pause_after": "12h"})
    seen = set()
    while story.state() is State.ACTIVE:
        seen.add(ends_at(story))
        story.now += HOUR
        used(story)

    assert story.now == MONDAY + 9 * DAY
    assert len(seen) == 8


def test_the_end_of_one_that_is_used_is_not_announced() -> None:
    story = begun({"expire_after": "2d", "warn": "6h"})
    for _ in range(60):
        story.now += HOUR
        assert used(story).life().announced is None


def test_it_counts_as_soon_as_it_matters_although_nothing_new_was_found_out() -> None:
    """Traffic is asked about every five minutes at most, and times are whole quarters of an hour."""
    story = begun({"expire_after": "2h", "warn": "30m"})
    story.now += 55 * MINUTE
    assert ends_at(used(story)) == MONDAY + 2 * HOUR

    assert story.current.living.next_at == MONDAY + HOUR
    assert ends_at(story.step(4 * MINUTE)) == MONDAY + 2 * HOUR
    assert ends_at(story.step(MINUTE)) == MONDAY + 2 * HOUR + 45 * MINUTE


def test_traffic_that_is_not_known_for_a_moment_is_not_forgotten() -> None:
    story = begun({"pause_after": "12h", "expire_after": "2d"})
    story.now += 30 * HOUR - 20 * HOUR
    used(story)
    story.found = Found(traffic_in_doubt=True)
    story.step(HOUR)
    story.found = Found()

    assert story.step(10 * HOUR).state() is State.ACTIVE
    assert story.step(HOUR).state() is State.PAUSED
