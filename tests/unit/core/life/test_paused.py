"""A preview sleeps when nobody uses it, outside working hours, or when a person says so, and nothing of it is lost."""

from datetime import timedelta

from plugin.core.facts.lives import State
from tests.builders import MONDAY
from tests.lives import HOUR, asked, with_plan


def test_a_preview_sleeps_once_nobody_has_used_it_for_the_time_of_the_plan() -> None:
    lived = with_plan({"pause_after": "12h"})
    lived.now = MONDAY
    lived.put(asked())

    assert lived.step().state() is State.ACTIVE
    assert lived.step(12 * HOUR - timedelta(seconds=1)).state() is State.ACTIVE
    assert lived.step(timedelta(seconds=1)).state() is State.PAUSED
    assert lived.preview().verdict.reason == (
        "nobody has used it since 2026-11-16T09:00:00Z. To wake it, push a commit, or run preview-plugin resume"
    )
