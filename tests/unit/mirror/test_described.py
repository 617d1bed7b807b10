"""Previews as plain data. What the read routes show is tested in `tests/unit/web/test_previews.py`."""

from datetime import timedelta

from plugin.core.config.threshold import Threshold
from plugin.mirror.described import describe
from tests.builders import make_catalog
from tests.lives import DAY, HOUR, asked, lived


def test_no_end_is_announced_for_what_is_skipped_while_an_edit_is_held() -> None:
    """Meanwhile no life goes on, so that the announcement is still known."""
    services = {"orders": {"drafts": False}}
    story = lived(services, defaults={"lifecycle": {"expire_after": "2d", "warn": "6h"}})
    story.now, story.threshold = story.now + 30 * DAY, Threshold(0, 0)
    for number in (1, 2):
        story.put(asked(number, story.now))
    story.step().step(43 * HOUR)
    assert describe(story.preview(), story.current)["announced_at"]

    story.catalog = make_catalog({"shop": {}})
    story.put(asked(at=story.now - 43 * HOUR, draft=True))
    story.step(timedelta(minutes=1))
    assert story.current.known.hold
    shown = describe(story.preview(), story.current)
    assert (shown["state"], shown["expires_at"], shown["announced_at"]) == ("skipped", "", "")
