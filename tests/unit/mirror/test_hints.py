from hypothesis import given
from hypothesis import strategies as st

from plugin.mirror.hints import LONGEST, SETTLING, Hints


def test_a_hint_is_read_at_once_and_again_when_github_can_know() -> None:
    hints = Hints()

    assert hints.ready({"a"}, 100) == {"a"}
    assert hints.ready((), 100 + SETTLING - 0.01) == set()
    assert hints.ready((), 100 + SETTLING) == {"a"}
    assert hints.ready((), 100 + 10 * SETTLING) == set()


def test_hints_that_follow_each_other_are_read_together() -> None:
    hints = Hints()
    hints.ready({"a"}, 100)

    assert hints.ready({"b", "a"}, 101) == set()
    assert hints.ready((), 100 + SETTLING) == set()  # the newest is one second old
    assert hints.ready((), 101 + SETTLING) == {"a", "b"}
    assert hints.ready({"c"}, 102 + SETTLING) == {"c"}  # a new burst begins anew


def test_a_burst_of_fifty_deliveries_costs_two_readings() -> None:
    hints = Hints()
    names = [f"r{number}" for number in range(50)]
    read = [hints.ready({name}, 100 + number / 50) for number, name in enumerate(names)]
    read += [hints.ready((), 101 + number / 10) for number in range(100)]

    assert [names for names in read if names] == [{"r0"}, set(names)]


def test_an_endless_burst_of_hints_is_read_in_between() -> None:
    hints = Hints()
    read = [hints.ready({f"r{moment}"}, moment) for moment in range(100, 113)]

    assert SETTLING == 2
    assert LONGEST == 6
    assert [len(names) for names in read] == [1, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 8]
    assert read[-1] == {f"r{moment}" for moment in range(105, 113)}  # GitHub may not have known of two of the seven
    assert hints.ready((), 112 + SETTLING) == {"r111", "r112"}
    assert hints.ready((), 112 + LONGEST) == set()


def test_without_hints_nothing_is_read() -> None:
    assert Hints().ready((), 1e9) == set()


quarters = st.integers(0, 20).map(lambda number: number / 4)  # of a second: sums of these are exact
steps = st.lists(st.tuples(quarters, st.sets(st.sampled_from("abc"))))


@given(steps)
def test_every_hint_is_read_when_github_can_know_and_then_no_more(steps: list[tuple[float, set[str]]]) -> None:
    hints, now = Hints(), 0.0
    hinted: dict[str, float] = {}  # the newest hint that was not read late enough
    for pause, new in [*steps, *[(0.25, set[str]())] * int(4 * (LONGEST + SETTLING))]:
        now += pause
        quiet = not hinted
        hinted |= dict.fromkeys(new, now)
        read = hints.ready(new, now)
        assert read in (set(), hinted.keys())
        assert read or not (new and quiet)
        if read:
            hinted = {name: at for name, at in hinted.items() if now - at < SETTLING}
    assert not hinted


@given(steps)
def test_no_hint_waits_long(steps: list[tuple[float, set[str]]]) -> None:
    hints, now = Hints(), 0.0
    waiting: dict[str, float] = {}  # the first hint that was not read at all
    for pause, new in [*steps, (LONGEST, set[str]())]:
        for _ in range(int(4 * pause)):  # the loop looks while it waits
            now += 0.25
            if hints.ready((), now):
                waiting.clear()
        for name in new:
            waiting.setdefault(name, now)
        if hints.ready(new, now):
            waiting.clear()
        assert all(now - at < LONGEST for at in waiting.values())
    assert not waiting


@given(steps)
def test_however_many_hints_there_are_a_reading_per_second_is_enough(steps: list[tuple[float, set[str]]]) -> None:
    hints, now = Hints(), 0.0
    readings = []
    for pause, new in steps:
        now += pause
        if hints.ready(new, now):
            readings.append(now)
    for one, next_but_one in zip(readings, readings[2:], strict=False):
        assert next_but_one - one >= SETTLING
