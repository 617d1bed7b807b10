"""How far a preview has come, from what Argo CD reported."""

from dataclasses import replace
from typing import Any

import pytest

from plugin.core.facts.deployments import Deployed
from plugin.core.reports.progress import Stage, progress
from tests.builders import SHA, make_pull_request, make_repository, previews_of
from tests.unit.core.reports.reports import NEWER, catalog, told

AGAIN = replace(told("ready"), state=Deployed.DEPLOYING)  # with another link, or to pause it
ASLEEP = replace(told("ready"), ready_at=None, reachable=False)


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
        ((told("ready"), told("ready", NEWER)), Stage.QUEUED, NEWER),  # pushed back; Argo CD still runs the other one
        ((told("ready"), told("failed", NEWER)), Stage.WORKS, SHA),  # pushed back; Argo CD never ran the other one
        ((AGAIN,), Stage.WORKS, SHA),
        ((ASLEEP,), Stage.ASLEEP, ""),
        ((told("ready", NEWER), ASLEEP), Stage.ASLEEP, NEWER),
        ((told("gone", NEWER), told("gone")), Stage.QUEUED, ""),
        ((told("gone", NEWER), told("deploying")), Stage.DEPLOYING, ""),
    ],
)
def test_the_stage_is_that_of_the_commit_and_what_runs_was_ready_last(
    reported: Any, stage: Stage, running: str
) -> None:
    (preview,) = previews_of(catalog(), make_repository("acme/orders", make_pull_request(12))).values()
    found = progress(preview, reported)

    assert (found.stage, found.running) == (stage, running)


def test_what_nobody_tells_is_not_known() -> None:
    (preview,) = previews_of(catalog(), make_repository("acme/orders", make_pull_request(12))).values()

    assert progress(preview, (), told=False).stage is Stage.UNKNOWN
    assert progress(preview, (told(),), told=False).stage is Stage.WORKS, "the token was set before"


def test_what_is_not_live_has_no_stage() -> None:
    (preview,) = previews_of(catalog(), make_repository("acme/orders", make_pull_request(12, fork=True))).values()

    assert progress(preview, (told(),)).stage is None


def test_a_message_belongs_to_the_commit_that_failed() -> None:
    (preview,) = previews_of(catalog(), make_repository("acme/orders", make_pull_request(12))).values()

    assert progress(preview, (told("failed", NEWER, "no image"), told("deploying", message="x"))).message == ""
    assert progress(preview, (told("failed", message="no image"),)).message == "no image"
    assert progress(preview, (told("failed"),)).failed
