"""The oracle of reports: which edits of a comment follow each other too soon."""

from datetime import UTC, datetime, timedelta

from plugin.core.reports.steps import BETWEEN_EDITS
from tests.faults.reports import too_close
from tests.faults.truth import Clock

EDITED = datetime(2026, 11, 21, 9, 25, 42, tzinfo=UTC)
SOON = EDITED + BETWEEN_EDITS - timedelta(seconds=1)
SECOND = timedelta(seconds=1)


def test_a_comment_may_be_edited_once_a_minute() -> None:
    assert not list(too_close([EDITED, EDITED + BETWEEN_EDITS, EDITED + 2 * BETWEEN_EDITS], []))


def test_a_comment_that_is_edited_again_within_a_minute_is_noticed() -> None:
    assert list(too_close([EDITED - BETWEEN_EDITS, EDITED, SOON], [])) == [(EDITED, SOON)]


def test_edits_may_be_closer_while_somebody_sets_the_clocks_of_the_replicas() -> None:
    assert not list(too_close([EDITED, SOON], [EDITED + SECOND]))


def test_clocks_that_are_set_excuse_no_edits_before_or_after_that() -> None:
    assert list(too_close([EDITED, SOON], [EDITED - SECOND, SOON + SECOND])) == [(EDITED, SOON)]


def test_clocks_are_set_whenever_their_skew_changes() -> None:
    clock = Clock()
    clock.skew = timedelta(0)
    clock.pass_by(1.0)
    clock.skew += timedelta(seconds=40)
    clock.pass_by(1.0)
    clock.skew = timedelta(0)
    assert [clock.now - moment for moment in clock.set_at] == [SECOND, timedelta(0)]
