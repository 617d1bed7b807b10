from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.answers.breaker import Departure, Emitted, judge
from plugin.core.config.threshold import Threshold
from plugin.core.decision.preview import EmittedPreview

THRESHOLD = Threshold(5, 20)
OLD = b"the old answer"
UNCONFIRMED, CONFIRMED = Departure("it is a draft"), Departure("it was closed", confirmed=True)
BY_CATALOG = Departure("the catalog has no such preview any more", by_catalog=True)


def emitted(numbers: range | list[int] | set[int], version: int = 1, catalog: str = "one", **held: object) -> Emitted:
    previews = {f"preview-orders-{number}": EmittedPreview("orders", "acme/orders", number) for number in numbers}
    return Emitted(version, catalog, previews, **held)  # type: ignore[arg-type]


def because(*departures: Departure) -> Callable[[str, EmittedPreview], Departure]:
    """The first preview leaves for the first reason, and so on; the last reason is everybody else's."""
    return lambda _, preview: departures[min(preview.number, len(departures)) - 1]


def no_body() -> bytes | None:
    raise AssertionError


def test_what_does_not_exceed_the_threshold_may_leave_unconfirmed() -> None:
    five_of_ten = emitted(range(6, 11), version=2)
    six_of_thirty = emitted(range(7, 31), version=2)

    assert judge(emitted(range(1, 11)), five_of_ten, because(UNCONFIRMED), THRESHOLD, no_body) is five_of_ten
    assert judge(emitted(range(1, 31)), six_of_thirty, because(UNCONFIRMED), THRESHOLD, no_body) is six_of_thirty


def test_whatever_comes_is_no_departure() -> None:
    after = emitted(range(1, 100), version=2)

    assert judge(emitted(range(1, 11)), after, because(UNCONFIRMED), THRESHOLD, no_body) is after


def test_more_may_leave_only_if_each_of_them_is_confirmed() -> None:
    before, after = emitted(range(1, 11)), emitted(range(7, 11), version=2)

    assert judge(before, after, because(CONFIRMED), THRESHOLD, no_body) is after
    held = judge(before, after, because(*[CONFIRMED] * 5, UNCONFIRMED), THRESHOLD, lambda: OLD)
    assert held.previews == before.previews
    assert (held.version, held.catalog, held.body) == (2, "one", OLD)
    assert held.held == {f"preview-orders-{n}": CONFIRMED for n in range(1, 6)} | {"preview-orders-6": UNCONFIRMED}


def test_each_is_held_for_a_reason_of_its_own() -> None:
    def departure(name: str, preview: EmittedPreview) -> Departure:
        return Departure(f"{name} of {preview.repository} is a draft")

    held = judge(emitted(range(1, 7)), emitted([], 2), departure, THRESHOLD, lambda: OLD).held

    assert {name: departed.reason for name, departed in held.items()} == {
        f"preview-orders-{number}": f"preview-orders-{number} of acme/orders is a draft" for number in range(1, 7)
    }


def test_while_it_holds_the_old_answer_stays_whatever_comes() -> None:
    first = judge(emitted(range(1, 11)), emitted([], 2), because(UNCONFIRMED), THRESHOLD, lambda: OLD)
    second = judge(first, emitted(range(20, 40), 3), because(UNCONFIRMED), THRESHOLD, no_body)

    assert (second.version, second.body, second.previews) == (3, OLD, first.previews)
    back = emitted(range(6, 40), 4)
    assert judge(second, back, because(UNCONFIRMED), THRESHOLD, no_body) is back  # five are few enough


def test_an_old_answer_that_nobody_has_stays_unknown() -> None:
    first = judge(emitted(range(1, 11)), emitted([], 2), because(UNCONFIRMED), THRESHOLD, lambda: None)
    second = judge(first, emitted([], 3), because(UNCONFIRMED), THRESHOLD, no_body)

    assert first.body is None
    assert second.body is None
    assert second.held


def next_after(first: Departure, second: Departure) -> dict[str, Departure]:
    """What is held of ten after they left for one reason, and then for another; the tenth is never confirmed."""

    def whole(reason: Departure) -> Callable[[str, EmittedPreview], Departure]:
        return because(*[reason] * 9, UNCONFIRMED)

    held = judge(emitted(range(1, 11)), emitted([], 2), whole(first), THRESHOLD, lambda: OLD)
    again = judge(held, emitted([], 3), whole(second), THRESHOLD, no_body)
    return dict(again.held)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (Departure("it is gone", confirmed=True), CONFIRMED),  # the first reason is the better one
        (BY_CATALOG, CONFIRMED),
        (Departure("it was closed"), CONFIRMED),  # the same, only not confirmed again
        (UNCONFIRMED, UNCONFIRMED),  # it is back, and would leave for something else
    ],
)
def test_what_was_confirmed_while_it_held_stays_confirmed(now: Departure, expected: Departure) -> None:
    assert next_after(CONFIRMED, now)["preview-orders-1"] == expected


def test_what_was_not_confirmed_leaves_for_the_newest_reason() -> None:
    assert next_after(UNCONFIRMED, CONFIRMED)["preview-orders-1"] == CONFIRMED
    assert next_after(UNCONFIRMED, BY_CATALOG)["preview-orders-1"] == BY_CATALOG


def test_what_came_back_must_be_confirmed_again() -> None:
    reasons = because(*[CONFIRMED] * 9, UNCONFIRMED)
    first = judge(emitted(range(1, 11)), emitted([], 2), reasons, THRESHOLD, lambda: OLD)
    second = judge(first, emitted([1], 3), reasons, THRESHOLD, no_body)
    third = judge(second, emitted([], 4), because(Departure("it was closed")), THRESHOLD, no_body)

    assert "preview-orders-1" not in second.held
    assert not third.held["preview-orders-1"].confirmed
    assert third.held["preview-orders-2"].confirmed


def test_a_hold_that_has_seen_another_catalog_is_of_none_any_more() -> None:
    first = judge(emitted(range(1, 11)), emitted([], 2), because(UNCONFIRMED), THRESHOLD, lambda: OLD)
    edited = judge(first, emitted([], 3, "two"), because(BY_CATALOG), THRESHOLD, no_body)
    taken_back = judge(edited, emitted([], 4, "one"), because(BY_CATALOG), THRESHOLD, no_body)

    assert [first.catalog, edited.catalog, taken_back.catalog] == ["one", "", ""]


def test_a_human_is_waited_for_only_where_the_catalog_is_the_reason() -> None:
    acknowledged = Departure("the catalog", confirmed=True, by_catalog=True)

    assert emitted([], held={"a": UNCONFIRMED, "b": BY_CATALOG}).waits_for_human
    assert not emitted([], held={"a": UNCONFIRMED, "b": acknowledged}).waits_for_human
    assert not emitted([]).waits_for_human


def test_of_an_input_that_is_set_aside_the_names_are_remembered() -> None:
    held = emitted(range(3), version=7, body=OLD, held={"a": BY_CATALOG})

    assert held.set_aside() == emitted(range(3), version=7, catalog="")


def test_a_preview_is_known_by_service_and_number() -> None:
    assert EmittedPreview("orders", "acme/shop", 12).key == "orders/12"


numbers = st.sets(st.integers(1, 30))
departures = st.builds(Departure, st.sampled_from(["a", "b"]), st.booleans(), st.booleans())


@given(
    numbers,
    st.lists(st.tuples(numbers, st.dictionaries(st.integers(1, 30), departures)), min_size=1, max_size=4),
    st.builds(Threshold, st.integers(0, 9), st.integers(0, 100)),
)
def test_too_much_never_leaves_unless_each_of_it_was_confirmed(
    first: set[int], later: list[tuple[set[int], Mapping[int, Departure]]], threshold: Threshold
) -> None:
    given_out, now, confirmed = emitted(first), set(first), set[int]()
    for version, (after, reasons) in enumerate(later, 2):

        def why(_: str, preview: EmittedPreview, reasons: Mapping[int, Departure] = reasons) -> Departure:
            return reasons.get(preview.number, UNCONFIRMED)

        given_out = judge(given_out, emitted(after, version), why, threshold, lambda: OLD)
        left = now - after
        confirmed = (confirmed & left) | {number for number in left if why("", preview(number)).confirmed}
        assert given_out.version == version
        if given_out.held:
            assert given_out.previews == emitted(now).previews
            assert given_out.body == OLD
            assert {given_out.previews[name].number for name in given_out.held} == left
            assert threshold.exceeded(len(left), len(now))
        else:
            assert given_out == emitted(after, version)
            assert not threshold.exceeded(len(left), len(now)) or left <= confirmed
            now, confirmed = set(after), set()


def preview(number: int) -> EmittedPreview:
    return EmittedPreview("orders", "acme/orders", number)
