from hypothesis import given
from hypothesis import strategies as st

from plugin.mirror.hints import LONGEST, SETTLING, Hints


def test_a_hint_waits_until_github_can_know() -> None:
    hints = Hints()

    assert hints.ready({"a"}, 100) == set()
    assert hints.ready((), 100 + SETTLING - 0.01) == set()
    assert hints.ready((), 100 + SETTLING) == {"a"}
    assert hints.ready((), 100 + 10 * SETTLING) == set()


def test_hints_that_follow_each_other_are_read_together() -> None:
    hints = Hints()
    hints.ready({"a"}, 100)

    assert hints.ready({"b", "a"}, 101) == set()
    assert hints.ready((), 100 + SETTLING) == set()  # the newest is one second old
    assert hints.ready((), 101 + SETTLING) == {"a", "b"}


def test_an_endless_burst_of_hints_is_read_in_between() -> None:
    hints = Hints()
    read = [hints.ready({f"r{moment}"}, moment) for moment in range(100, 107)]

    assert SETTLING == 2
    assert LONGEST == 6
    assert [len(names) for names in read] == [0] * 6 + [7]
    assert hints.ready({"next"}, 107) == set()
    assert hints.ready((), 107 + SETTLING - 0.01) == set()  # a new burst begins anew
    assert hints.ready((), 107 + SETTLING) == {"next"}


def test_without_hints_nothing_is_read() -> None:
    assert Hints().ready((), 1e9) == set()


quarters = st.integers(0, 20).map(lambda number: number / 4)  # of a second: sums of these are exact
steps = st.lists(st.tuples(quarters, st.sets(st.sampled_from("abc"))))


@given(steps)
def test_hints_are_never_lost_or_read_twice_or_too_early(steps: list[tuple[float, set[str]]]) -> None:
    hints, now = Hints(), 0.0
    waiting: dict[str, float] = {}  # the first hint that was not read yet
    for pause, new in [*steps, (LONGEST, set[str]())]:
        now += pause
        for name in new:
            waiting.setdefault(name, now)
        read = hints.ready(new, now)
        assert read in (set(), waiting.keys())
        if read:
            assert now - min(waiting.values()) >= SETTLING
            waiting.clear()
        elif waiting:
            assert now - min(waiting.values()) < LONGEST
    assert not waiting
