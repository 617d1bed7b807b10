"""The budget: never more than is allowed within any minute and any hour, and everybody gets a turn."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from plugin.core.reports.budget import A_MINUTE, A_PULL_REQUEST, AN_HOUR, HOUR, MINUTE, Budget
from tests.builders import MONDAY


@given(st.lists(st.integers(0, 90), max_size=600))
def test_neither_a_minute_nor_an_hour_sees_more_than_is_allowed(pauses: list[int]) -> None:
    now, budget, moments = MONDAY, Budget(), []
    for pause in pauses:
        now = max(now + timedelta(seconds=pause), budget.free_at(now + timedelta(seconds=pause)))
        budget = budget.spent("acme/orders#1", now)
        moments.append(now)

    for window, most in ((MINUTE, A_MINUTE), (HOUR, AN_HOUR)):
        for index in range(len(moments) - most):
            assert moments[index + most] - moments[index] >= window


def test_a_full_budget_says_when_it_is_free_again() -> None:
    budget = Budget()
    for second in range(A_MINUTE):
        budget = budget.spent("acme/orders#1", MONDAY + timedelta(seconds=second))
    now = MONDAY + timedelta(seconds=A_MINUTE)

    assert budget.free_at(now) == MONDAY + MINUTE
    assert budget.free_at(MONDAY + MINUTE) == MONDAY + MINUTE


def test_what_is_older_than_an_hour_is_forgotten() -> None:
    budget = Budget().spent("acme/orders#1", MONDAY).spent("acme/orders#2", MONDAY + HOUR)

    assert [each.pull_request for each in budget.written] == ["acme/orders#2"]


def test_the_share_of_a_pull_request_is_what_it_wrote_within_an_hour() -> None:
    budget = Budget().spent("acme/orders#1", MONDAY).spent("acme/orders#2", MONDAY).spent("acme/orders#1", MONDAY)

    assert budget.allows(MONDAY).shares == {"acme/orders#1": 2, "acme/orders#2": 1}
    assert budget.allows(MONDAY + HOUR).shares == {}


def test_a_clock_that_was_wrong_stops_nothing_for_long() -> None:
    budget = Budget()
    for _ in range(AN_HOUR):
        budget = budget.spent("acme/orders#1", MONDAY + timedelta(days=10))

    assert budget.free_at(MONDAY) == MONDAY


def test_after_a_limit_nothing_is_asked_for_its_owner_until_it_ends() -> None:
    until = MONDAY + timedelta(minutes=5)
    budget = Budget().closed("acme/orders#1", until)
    allowance = budget.allows(MONDAY)

    assert not allowance.may_ask("Acme/payments#7")
    assert not allowance.may_write("acme/orders#1")
    assert allowance.may_ask("globex/site#1")
    assert allowance.may_write("globex/site#1")
    assert budget.allows(until).may_write("acme/orders#1")
    assert Budget().closed("acme/orders#1", MONDAY + timedelta(days=10)).allows(MONDAY).may_ask("acme/orders#1")


def test_one_pull_request_gets_half_of_it_at_most() -> None:
    budget, now = Budget(), MONDAY
    for _ in range(A_PULL_REQUEST):
        now = budget.free_at(now)
        budget = budget.spent("acme/orders#1", now)
    allowance = budget.allows(budget.free_at(now))

    assert allowance.may_write("acme/orders#2")
    assert not allowance.may_write("acme/orders#1")
    assert budget.allows(MONDAY + HOUR).may_write("acme/orders#1")


def test_what_is_allowed_follows_from_what_was_written() -> None:
    budget = Budget()
    for _ in range(A_MINUTE):
        budget = budget.spent("acme/orders#1", MONDAY)

    assert budget.allows(MONDAY).may_ask("acme/orders#1")
    assert not budget.allows(MONDAY).may_write("acme/orders#1")
    assert budget.allows(MONDAY + MINUTE).may_write("acme/orders#1")
