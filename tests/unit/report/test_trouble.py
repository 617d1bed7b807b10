"""What is left alone after trouble, and for how long."""

from dataclasses import replace
from datetime import timedelta

from plugin.core.reports.content import Kind, Target
from plugin.core.reports.steps import Look
from plugin.report.trouble import LONGEST_PAUSE, LONGEST_RETRY, QUIET, SEVERAL, Trouble, switch
from tests.builders import MONDAY

STATUS = Target(Kind.STATUS, "acme/orders", 12, "orders")
COMMENT = Target(Kind.COMMENT, "acme/orders", 12)
OTHERS = Target(Kind.STATUS, "globex/site", 1, "site")
LINK = Target(Kind.LINK, "acme/orders", 12, "orders PAY-7")
STEP, OTHER = Look("a"), Look("b")


def test_a_server_is_left_alone_longer_each_time_and_the_other_ones_are_not() -> None:
    trouble, pauses = Trouble(), []
    for _ in range(8):
        trouble.pauses(STATUS, MONDAY)
        until = trouble.until(COMMENT, STEP)
        assert until
        pauses.append(until - MONDAY)

    assert pauses[:3] == [timedelta(seconds=15), timedelta(seconds=30), timedelta(seconds=60)]
    assert pauses[-1] == LONGEST_PAUSE
    assert trouble.until(LINK, STEP) is None
    assert trouble.until(OTHERS, STEP) is None
    trouble.passed(COMMENT, STEP)
    assert trouble.until(STATUS, STEP) is None


def test_what_fails_is_left_alone_longer_each_time_and_nothing_else_is() -> None:
    trouble, moments = Trouble(), []
    for _ in range(8):
        trouble.fails(STATUS, STEP, MONDAY)
        moments.append(trouble.until(STATUS, STEP))

    assert moments[:2] == [MONDAY + timedelta(seconds=15), MONDAY + timedelta(seconds=30)]
    assert moments[-1] == MONDAY + LONGEST_PAUSE
    assert trouble.until(STATUS, OTHER) is None
    assert trouble.until(COMMENT, STEP) is None


def test_what_failed_is_known_until_a_step_succeeds_there() -> None:
    trouble = Trouble()
    trouble.fails(STATUS, STEP, MONDAY)
    trouble.passed(COMMENT, STEP)

    assert (trouble.failed_at(STATUS), trouble.failed_at(COMMENT)) == (MONDAY, None)
    trouble.passed(STATUS, OTHER)
    assert trouble.failed_at(STATUS) is None
    trouble.fails(STATUS, STEP, MONDAY)
    trouble.fails(COMMENT, STEP, MONDAY + LONGEST_RETRY)
    assert trouble.failed_at(STATUS) is None


def test_if_several_targets_fail_in_a_row_their_server_is_left_alone() -> None:
    trouble = Trouble()
    targets = [replace(STATUS, number=number) for number in range(SEVERAL + 1)]
    for target in targets[1:-1]:
        trouble.fails(target, STEP, MONDAY)
    trouble.passed(COMMENT, STEP)
    for target in targets[1:-1]:
        trouble.fails(target, STEP, MONDAY)
    assert trouble.until(targets[0], STEP) is None

    trouble.fails(targets[-1], STEP, MONDAY)
    assert trouble.until(targets[0], STEP) == MONDAY + timedelta(seconds=15)
    assert trouble.until(OTHERS, STEP) is None


def test_a_step_that_failed_waits_although_a_look_at_its_target_succeeded() -> None:
    trouble = Trouble()
    trouble.fails(STATUS, STEP, MONDAY)
    trouble.passed(STATUS, OTHER)

    assert trouble.until(STATUS, STEP) == MONDAY + timedelta(seconds=15)
    trouble.passed(STATUS, STEP)
    assert trouble.until(STATUS, STEP) is None


def test_a_refused_step_is_left_alone_and_another_one_at_its_target_is_not() -> None:
    trouble = Trouble()
    for _ in range(10):
        trouble.refuses(STATUS, STEP, MONDAY)

    assert trouble.until(STATUS, STEP) == MONDAY + LONGEST_RETRY
    assert trouble.until(STATUS, OTHER) is None
    assert trouble.until(COMMENT, STEP) is None
    trouble.refuses(STATUS, OTHER, MONDAY)
    assert trouble.until(STATUS, OTHER) == MONDAY + timedelta(minutes=1)


def test_what_was_refused_long_ago_is_forgotten() -> None:
    trouble = Trouble()
    trouble.refuses(STATUS, STEP, MONDAY)
    trouble.refuses(COMMENT, STEP, MONDAY + timedelta(hours=3))

    assert trouble.until(STATUS, STEP) is None


def test_a_kind_is_switched_off_for_one_owner() -> None:
    trouble = Trouble()
    trouble.off[switch(STATUS)] = MONDAY

    assert trouble.until(Target(Kind.STATUS, "Acme/payments", 1, "payments"), STEP) == MONDAY
    assert trouble.until(OTHERS, STEP) is None
    assert trouble.until(COMMENT, STEP) is None


def test_the_same_is_logged_again_after_an_hour() -> None:
    trouble = Trouble()

    assert trouble.is_news("locked", MONDAY)
    assert not trouble.is_news("locked", MONDAY + QUIET - timedelta(seconds=1))
    assert trouble.is_news("other", MONDAY)
    assert trouble.is_news("locked", MONDAY + QUIET)


def test_causes_without_end_are_not_logged_without_end() -> None:
    trouble = Trouble()

    assert sum(trouble.is_news(str(number), MONDAY) for number in range(5000)) == 1000


def test_commands_are_switched_off_for_one_repository() -> None:
    trouble, command = Trouble(), Target(Kind.COMMAND, "acme/orders", 12, "IC_1")
    trouble.off[switch(command)] = MONDAY

    assert trouble.until(replace(command, repository="Acme/Orders", name="IC_2"), STEP) == MONDAY
    assert trouble.until(replace(command, repository="acme/payments"), STEP) is None
