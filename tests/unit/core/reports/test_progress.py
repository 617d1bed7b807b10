"""How far a preview has come, from what Argo CD reported."""

from typing import Any

import pytest

from plugin.core.decision.decide import decide
from plugin.core.facts.deployments import Reported
from plugin.core.facts.lives import Life, State
from plugin.core.reports.progress import Stage, progress
from tests.builders import SHA, make_pull_request, make_repository, make_snapshot, previews_of
from tests.unit.core.reports.reports import NEWER, catalog, told


@pytest.mark.parametrize(
    ("reported", "stage", "running"),
    [
        ((), Stage.QUEUED, ""),
        ((told("deploying"),), Stage.DEPLOYING, ""),
        ((told(),), Stage.WORKS, SHA),
        ((told("deploying", was_ready=True),), Stage.DEPLOYING, SHA),
        ((told("failed"),), Stage.FAILED, ""),
        ((told("degraded", was_ready=True),), Stage.DEGRADED, SHA),
        ((told("ready", NEWER), told("failed")), Stage.FAILED, NEWER),
        ((told("ready", NEWER), told("ready")), Stage.WORKS, SHA),
        ((told("ready"), told("ready", NEWER)), Stage.WORKS, NEWER),  # pushed back; Argo CD still runs the other one
        ((told("ready", NEWER), told("gone")), Stage.QUEUED, ""),
        ((told("gone", NEWER), told("deploying")), Stage.DEPLOYING, ""),
    ],
)
def test_the_stage_is_that_of_the_commit_and_what_runs_was_ready_last(
    reported: Any, stage: Stage, running: str
) -> None:
    (preview,) = previews_of(catalog(), make_repository("acme/orders", make_pull_request(12))).values()
    found = progress(preview, reported)

    assert (found.stage, found.running) == (stage, running)


@pytest.mark.parametrize(
    ("reported", "stage"),
    [
        (told("deploying", was_ready=True), Stage.WORKS),
        (told("deploying"), Stage.DEPLOYING),
        (told("failed", was_ready=True), Stage.FAILED),
    ],
)
def test_a_pause_is_no_news_about_a_commit_that_has_worked(reported: Reported, stage: Stage) -> None:
    lives = {"acme/orders": {"orders/12": Life(State.PAUSED, "nobody used it")}}
    decision = decide(
        catalog(), make_snapshot(catalog(), make_repository("acme/orders", make_pull_request(12))), lives=lives
    )
    (preview,) = decision.previews

    assert progress(preview, (reported,)).stage is stage


def test_what_is_not_live_has_no_stage() -> None:
    (preview,) = previews_of(catalog(), make_repository("acme/orders", make_pull_request(12, fork=True))).values()

    assert progress(preview, (told(),)).stage is None


def test_a_message_belongs_to_the_commit_that_failed() -> None:
    (preview,) = previews_of(catalog(), make_repository("acme/orders", make_pull_request(12))).values()

    assert progress(preview, (told("failed", NEWER, "no image"), told("deploying", message="x"))).message == ""
    assert progress(preview, (told("failed", message="no image"),)).message == "no image"
    assert progress(preview, (told("failed"),)).failed
