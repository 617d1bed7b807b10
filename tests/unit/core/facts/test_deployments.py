"""What Argo CD reported: each delivery is a hint that can come late, twice, in any order, or never."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.core.facts.deployments import (
    KEPT,
    KEPT_FOR,
    Deployed,
    Health,
    Phase,
    Reported,
    deployed,
    with_report,
    without_old,
)
from tests.builders import MONDAY, SHA

OTHER = "f" * 40
MINUTE = timedelta(minutes=1)


def report(
    state: Deployed, minute: int = 0, sha: str = SHA, message: str = "", operation: int = 0, *, awake: bool = True
) -> Reported:
    """A report of this minute, about an operation that began in another one."""
    reachable = awake and state is Deployed.READY
    return Reported(state, sha, message, MONDAY + minute * MINUTE, MONDAY + operation * MINUTE, reachable=reachable)


def known(*reports: Reported) -> tuple[Reported, ...]:
    result: tuple[Reported, ...] = ()
    for each in reports:
        result = with_report(result, each)
    return result


@pytest.mark.parametrize(
    ("phase", "health", "state"),
    [
        ("Running", "Healthy", Deployed.DEPLOYING),
        ("Terminating", "Degraded", Deployed.DEPLOYING),
        ("Succeeded", "Healthy", Deployed.READY),
        ("Succeeded", "Degraded", Deployed.DEGRADED),
        ("Succeeded", "Progressing", Deployed.DEPLOYING),
        ("Succeeded", "Missing", Deployed.DEPLOYING),
        ("Failed", "Healthy", Deployed.FAILED),  # it came up late, but the sync failed
        ("Error", "Unknown", Deployed.FAILED),
        ("", "Healthy", Deployed.FAILED),  # no operation could begin
        ("Deleting", "Healthy", Deployed.GONE),
    ],
)
def test_a_state_follows_from_phase_and_health(phase: Phase, health: Health, state: Deployed) -> None:
    assert deployed(phase, health) is state


def test_every_phase_and_health_has_a_state() -> None:
    found = {deployed(phase, health) for phase in get_args(Phase) for health in get_args(Health)}

    assert found == set(Deployed)


def test_the_way_to_ready_keeps_only_the_newest_state_and_its_beginning() -> None:
    reports = known(report(Deployed.DEPLOYING, 1), report(Deployed.READY, 2), report(Deployed.READY, 9))

    assert reports == (replace(report(Deployed.READY, 2), ready_at=MONDAY + 2 * MINUTE),)


def test_a_repeated_report_changes_nothing() -> None:
    before = known(report(Deployed.FAILED, 1, message="Job/migrate: it failed"))

    assert with_report(before, report(Deployed.FAILED, 5, message="Job/migrate: it failed")) is before


def test_another_message_about_the_same_state_is_taken_over_with_the_old_beginning() -> None:
    before = known(report(Deployed.DEGRADED, 1, message="Deployment/app"))
    after = with_report(before, report(Deployed.DEGRADED, 2, message="Deployment/worker"))

    assert [(each.message, each.at) for each in after] == [("Deployment/worker", MONDAY + MINUTE)]


def test_a_report_of_an_older_operation_is_ignored() -> None:
    before = known(report(Deployed.READY, 3, operation=2))

    assert with_report(before, report(Deployed.FAILED, 4, operation=1)) is before


def test_an_operation_that_has_ended_does_not_begin_again() -> None:
    for state in (Deployed.READY, Deployed.FAILED, Deployed.DEGRADED):
        before = known(report(state, 1))
        assert with_report(before, report(Deployed.DEPLOYING, 2)) is before


def test_a_recovery_and_a_relapse_are_told() -> None:
    states = [Deployed.READY, Deployed.DEGRADED, Deployed.READY]
    reports = known(*(report(state, minute) for minute, state in enumerate(states)))

    assert reports == (replace(report(Deployed.READY, 2), ready_at=MONDAY),)


def test_a_new_operation_of_the_same_commit_starts_again() -> None:
    reports = known(report(Deployed.READY, 1), report(Deployed.DEPLOYING, 6, operation=5))

    assert [(each.state, each.ready_at) for each in reports] == [(Deployed.DEPLOYING, MONDAY + MINUTE)]


def test_a_newer_commit_that_fails_does_not_hide_that_the_older_one_is_ready() -> None:
    reports = known(report(Deployed.READY, 1), report(Deployed.FAILED, 6, OTHER, operation=5))

    assert [(each.sha, each.state) for each in reports] == [(SHA, Deployed.READY), (OTHER, Deployed.FAILED)]


def test_the_commit_that_was_synced_last_is_the_last() -> None:
    back = known(
        report(Deployed.READY), report(Deployed.READY, 2, OTHER, operation=1), report(Deployed.READY, 4, operation=3)
    )

    assert [each.sha for each in back] == [OTHER, SHA]


def test_what_is_gone_stays_gone_until_a_new_operation() -> None:
    before = known(report(Deployed.READY, 1), report(Deployed.GONE, 5, operation=4))

    assert with_report(before, report(Deployed.DEGRADED, 6, operation=4)) is before
    (again,) = with_report(before, report(Deployed.READY, 9, operation=8))
    assert (again.state, again.ready_at) == (Deployed.READY, MONDAY + 9 * MINUTE), "it is another environment"


def test_with_the_application_all_of_its_commits_are_gone() -> None:
    gone = known(report(Deployed.READY, 1), report(Deployed.READY, 3, OTHER, operation=2))
    gone = with_report(gone, report(Deployed.GONE, 5, OTHER, operation=5))
    again = known(*gone, report(Deployed.DEPLOYING, 7, OTHER, operation=6))

    assert [(each.sha, each.state) for each in gone] == [(SHA, Deployed.GONE), (OTHER, Deployed.GONE)]
    assert [(each.ready_at, each.reachable) for each in again] == [(None, False)] * 2
    assert with_report(again, report(Deployed.GONE, 8, OTHER, operation=5)) is again, "the new one lives"


def reachable(*reports: Reported) -> bool:
    return known(*reports)[-1].reachable


def test_what_is_deployed_again_stays_reachable_until_that_fails() -> None:
    again = [report(Deployed.READY, 1), report(Deployed.DEPLOYING, 3, operation=2)]

    assert reachable(*again)
    assert reachable(*again, report(Deployed.READY, 4, operation=2))
    for state in (Deployed.FAILED, Deployed.DEGRADED, Deployed.GONE):
        broken = [*again, report(state, 4, operation=2)]
        assert not reachable(*broken)
        assert not reachable(*broken, report(Deployed.DEPLOYING, 6, operation=5)), "it is mended only once it is ready"
        assert reachable(*broken, report(Deployed.READY, 6, operation=5))


def test_a_pause_changes_nothing_and_what_was_deployed_asleep_is_reachable_once_it_was_ready_awake() -> None:
    paused = [report(Deployed.DEPLOYING, 3, operation=2), report(Deployed.READY, 4, operation=2, awake=False)]
    woken = [report(Deployed.DEPLOYING, 6, operation=5), report(Deployed.READY, 7, operation=5)]

    assert reachable(report(Deployed.READY, 1), *paused)
    assert not reachable(*paused)
    assert known(*paused)[0].ready_at is None
    assert not reachable(*paused, report(Deployed.READY, 5, operation=2)), "awake, but Argo CD has not woken it yet"
    assert not reachable(*paused, woken[0])
    assert reachable(*paused, *woken)
    assert known(*paused, *woken)[0].ready_at == MONDAY + 7 * MINUTE


def test_a_commit_that_was_pushed_back_is_reachable_once_it_is_ready_again() -> None:
    other = [report(Deployed.READY, 1), report(Deployed.READY, 3, OTHER, operation=2)]
    back = report(Deployed.DEPLOYING, 5, operation=4)

    assert not reachable(*other, back)
    assert reachable(*other, back, report(Deployed.READY, 6, operation=4))
    assert reachable(report(Deployed.READY, 1), report(Deployed.FAILED, 3, OTHER, operation=2), back)


def test_only_the_newest_commits_are_kept() -> None:
    reports = known(*(report(Deployed.READY, number, f"{number:040x}", operation=number) for number in range(50)))

    assert [int(each.sha, 16) for each in reports] == list(range(50 - KEPT, 50))
    assert with_report(reports, report(Deployed.READY, 60, SHA, operation=1)) is reports


states = st.sampled_from(list(Deployed))
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
reports_of_anything = st.builds(
    Reported, states, st.sampled_from([f"{number:040x}" for number in range(30)]), st.sampled_from(["", "x"]), moments,
    moments, reachable=st.booleans(),
)  # fmt: skip


@given(st.lists(reports_of_anything, max_size=60))
def test_whatever_is_delivered_stays_bounded_ordered_and_one_for_each_commit(reports: list[Reported]) -> None:
    result = known(*reports)

    assert len(result) <= KEPT
    assert [each.started_at for each in result] == sorted(each.started_at for each in result)
    assert len({each.sha for each in result}) == len(result)
    for each in reports:
        newer = [it for it in result if it.sha == each.sha and it.started_at < each.started_at]
        assert newer == [], "a report of an older operation took its place"


@given(st.lists(reports_of_anything, min_size=1, max_size=20))
def test_a_replay_of_everything_changes_no_operation(reports: list[Reported]) -> None:
    once = known(*reports)
    again = once
    for each in reports:
        again = with_report(again, each)

    assert [(each.sha, each.started_at) for each in again] == [(each.sha, each.started_at) for each in once]


def test_in_whatever_order_the_reports_of_two_operations_come_the_newer_one_counts() -> None:
    reports = [
        report(Deployed.DEPLOYING, operation=1),
        report(Deployed.FAILED, operation=1),
        report(Deployed.DEPLOYING, operation=2),
        report(Deployed.READY, operation=2),
    ]
    for order in permutations(reports):
        ((state, started_at),) = {(each.state, each.started_at) for each in known(*order)}
        assert (state, started_at) == (Deployed.READY, MONDAY + 2 * MINUTE)


def test_reports_of_previews_that_are_long_gone_are_dropped() -> None:
    old, young = known(report(Deployed.GONE)), known(report(Deployed.GONE, 1))
    reports = {"preview-orders-1": old, "preview-orders-2": young, "preview-orders-3": old}
    later = MONDAY + KEPT_FOR + MINUTE

    kept = without_old(reports, {"preview-orders-3"}, later)
    assert kept == {"preview-orders-2": young, "preview-orders-3": old}
    assert without_old(kept, {"preview-orders-3"}, later) is kept
