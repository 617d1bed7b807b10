"""Promise 1: nothing is deleted by accident. What is in doubt stays, and everything else moves on."""

from datetime import timedelta

import pytest

from plugin.errors import NotReady
from tests.stage import Stage
from tests.unit.mirror.scenario import TEN, begin, listing, names

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def test_no_byte_changes_while_github_is_down_until_the_answer_is_stale(stage: Stage) -> None:
    begin(stage)
    answer = stage.answers.parameters({})
    stage.source.listed, listed = {}, stage.source.listed
    for _ in range(5):
        stage.clock.now += 11 * MINUTE
        stage = stage.restarted()
        stage.refresh()
        assert stage.answers.parameters({}) == answer

    stage.clock.now += 11 * MINUTE
    for each in (stage, stage.restarted()):
        each.refresh()
        with pytest.raises(NotReady, match="longer than PREVIEW_MAX_STALE"):
            each.answer()
    stage.source.listed = listed
    stage.refresh()
    assert stage.answer() == names(*TEN)


def test_a_preview_that_vanished_during_an_outage_is_held(stage: Stage) -> None:
    begin(stage)
    stage.source.listed = {}
    stage.clock.now += 5 * HOUR
    stage = stage.restarted()
    stage.refresh()
    stage.source.listed = {"acme/orders": listing(*range(1, 10)), "acme/payments": []}
    stage.refresh()

    assert stage.answer() == names(*TEN)


def test_a_doubtful_repository_keeps_its_previews_while_others_move_on(stage: Stage) -> None:
    begin(stage)
    stage.source.listed = {"acme/payments": listing(7)}
    for _ in range(3):
        stage = stage.restarted()
        stage.refresh()
        assert stage.answer() == [*names(*TEN), "preview-payments-7"]


def test_an_empty_answer_is_given_only_after_everything_was_read(stage: Stage) -> None:
    del stage.source.listed["acme/payments"]
    stage.refresh()
    with pytest.raises(NotReady):
        stage.answer()

    stage.source.listed["acme/payments"] = []
    stage.refresh()
    assert stage.answer() == []
