"""What is told about Applications: stored if it is about a preview, shown at once, and never part of an answer."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from plugin.core.facts.acts import Act, ActKind
from plugin.core.facts.deployments import Deployed, Reported
from plugin.core.facts.model import Events
from plugin.errors import InvalidRequest, NotReady
from plugin.mirror.reported import AHEAD, Reports
from tests.builders import MONDAY, SHA, make_pull_request
from tests.stage import Stage, make_stage

NAME = "preview-orders-1"


@pytest.fixture(name="stage")
def _stage(tmp_path: Path) -> Stage:
    stage = make_stage(tmp_path)
    stage.source.listed["acme/orders"] = [make_pull_request(1), make_pull_request(2, draft=True, labels=("other",))]
    stage.refresh()
    return stage


@pytest.fixture(name="seconds")
def _seconds() -> list[float]:
    """How long previews took until they were ready."""
    return []


@pytest.fixture(name="reports")
def _reports(stage: Stage, seconds: list[float]) -> Reports:
    return Reports(stage.answers, stage.state.store, stage.clock, seconds.append)


def report(stage: Stage, state: Deployed = Deployed.READY, **given: object) -> Reported:
    defaults = {"sha": SHA, "message": "", "at": stage.clock.now, "started_at": stage.clock.now}
    return Reported(state, **defaults | given)  # type: ignore[arg-type]


def test_a_report_about_a_preview_is_stored_and_shown_at_once(stage: Stage, reports: Reports) -> None:
    version = stage.known().head.version
    assert reports.tell(NAME, report(stage))

    assert [(it.state, it.sha) for it in stage.known().reported[NAME]] == [(Deployed.READY, SHA)]
    assert stage.current().reported["orders/1"].state is Deployed.READY
    assert stage.known().head.version == version, "it changes no answer"


def test_every_replica_shows_it(tmp_path: Path, stage: Stage, reports: Reports) -> None:
    other = stage.beside(tmp_path / "other.yaml")
    other.refresh()
    reports.tell(NAME, report(stage))

    assert other.current().reported["orders/1"].state is Deployed.READY


def test_it_outlives_a_refresh_that_began_before(stage: Stage, reports: Reports) -> None:
    read = stage.source.read
    stage.source.read = lambda wanted: (reports.tell(NAME, report(stage)), read(wanted))[1]  # type: ignore[method-assign]
    stage.source.listed["acme/orders"] = [make_pull_request(1, title="Another title")]
    before = stage.known().head.version

    assert stage.refresh().failure == ""
    assert stage.known().head.version == before + 1
    assert stage.current().reported["orders/1"].state is Deployed.READY


def test_an_answer_is_the_same_whatever_was_reported(stage: Stage, reports: Reports) -> None:
    before = stage.answers.parameters({})
    for state in Deployed:
        reports.tell(NAME, report(stage, state, message="x", sha="f" * 40))
    stage.refresh()

    assert stage.answers.parameters({}) == before


@pytest.mark.parametrize("name", ["guestbook", "preview-orders-2", "preview-orders-99", ""])
def test_reports_about_anything_else_are_forgotten(stage: Stage, reports: Reports, name: str) -> None:
    assert not reports.tell(name, report(stage))

    assert stage.known().reported == {}


def test_the_end_of_a_preview_is_told_after_it_has_left(stage: Stage, reports: Reports) -> None:
    reports.tell(NAME, report(stage))
    stage.source.close("acme/orders", 1)
    stage.refresh()
    assert stage.answer() == []

    assert reports.tell(NAME, report(stage, Deployed.GONE))
    assert [it.state for it in stage.known().reported[NAME]] == [Deployed.GONE]


def test_a_report_of_another_commit_is_not_shown_as_that_of_the_newest(stage: Stage, reports: Reports) -> None:
    reports.tell(NAME, report(stage, sha="f" * 40))

    assert stage.current().reported == {}


def test_a_report_from_the_future_is_refused_because_it_would_hide_all_that_follow(
    stage: Stage, reports: Reports
) -> None:
    with pytest.raises(InvalidRequest, match="clocks"):
        reports.tell(NAME, report(stage, started_at=stage.clock.now + AHEAD + timedelta(seconds=5)))
    assert reports.tell(NAME, report(stage, started_at=stage.clock.now + AHEAD))


def test_before_anything_was_read_nothing_can_be_told(tmp_path: Path) -> None:
    cold = make_stage(tmp_path)
    reports = Reports(cold.answers, cold.state.store, cold.clock, lambda _: None)

    with pytest.raises(NotReady):
        reports.tell(NAME, report(cold))


def asked(stage: Stage, at: datetime) -> None:
    """Put the label on the pull request at this time."""
    events = Events(created_at=MONDAY, labelled_at={"preview": at})
    stage.source.listed["acme/orders"] = [make_pull_request(1, events=events)]
    stage.refresh()


def test_the_time_from_the_request_to_the_first_ready_is_measured_once(
    stage: Stage, reports: Reports, seconds: list[float]
) -> None:
    start = stage.clock.now
    asked(stage, start - timedelta(seconds=5))
    for minute, state in enumerate([Deployed.DEPLOYING, Deployed.READY, Deployed.DEGRADED, Deployed.READY]):
        reports.tell(NAME, report(stage, state, at=start + timedelta(minutes=minute)))
    for state in (Deployed.DEPLOYING, Deployed.READY):
        reports.tell(NAME, report(stage, state, sha="f" * 40))

    assert seconds == [65.0]


def test_what_is_ready_while_it_is_paused_is_not_reachable_and_not_measured(
    stage: Stage, reports: Reports, seconds: list[float]
) -> None:
    asked(stage, stage.clock.now)
    for kind in (ActKind.PAUSE, ActKind.RESUME):
        stage.state.store.act(Act(kind, "orders/1", "ada", stage.clock(), asked_at=stage.clock.now))
        stage.refresh()
        for state in (Deployed.DEPLOYING, Deployed.READY):
            reports.tell(NAME, report(stage, state))
        (said,) = stage.known().reported[NAME]
        assert (said.state, said.reachable) == (Deployed.READY, kind is ActKind.RESUME)
        assert len(seconds) == (kind is ActKind.RESUME)


def test_what_was_ready_before_it_was_first_told_of_is_not_measured(
    stage: Stage, reports: Reports, seconds: list[float]
) -> None:
    asked(stage, stage.clock.now - timedelta(days=3))
    reports.tell(NAME, report(stage))  # Argo CD's notifications have just been switched on

    assert seconds == []


def test_where_nobody_knows_when_it_was_asked_for_nothing_is_measured(
    stage: Stage, reports: Reports, seconds: list[float]
) -> None:
    for state in (Deployed.DEPLOYING, Deployed.READY):
        reports.tell(NAME, report(stage, state))

    assert stage.current().reported["orders/1"].state is Deployed.READY
    assert seconds == []


def test_a_preview_that_is_asked_for_again_is_measured_again(
    stage: Stage, reports: Reports, seconds: list[float]
) -> None:
    for hour, took in ((0, 60), (5, 120)):
        start = stage.clock.now + timedelta(hours=hour)
        asked(stage, start)
        stage.clock.now = start + timedelta(seconds=took)
        for state in (Deployed.DEPLOYING, Deployed.READY):
            reports.tell(NAME, report(stage, state, at=start + timedelta(seconds=took), started_at=stage.clock.now))
        reports.tell(NAME, report(stage, Deployed.GONE, started_at=stage.clock.now + timedelta(seconds=1)))

    assert seconds == [60.0, 120.0]
