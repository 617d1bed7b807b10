"""Two clocks: a head is stamped by GitHub's, and only while ours agrees with it."""

from datetime import timedelta

import pytest

from plugin.core.facts.model import PullRequest
from plugin.sources.file import LONG_AGO
from tests.contract.conftest import Plugin, changed
from tests.contract.github.reader import Reader
from tests.fakes.github import GitHub, faults

MINUTE = timedelta(minutes=1)


def skew(github: GitHub, plugin: Plugin, by: timedelta) -> None:
    """Let GitHub's clock be behind ours."""
    github.now = lambda: plugin.time.now() - by


def push(github: GitHub, head: str) -> None:
    at = LONG_AGO + timedelta(hours=int(head, 16))
    github.organisation = changed(github.organisation, "acme/orders", 12, head_sha=head * 40, updated_at=at)


def head(plugin: Plugin) -> PullRequest:
    return plugin.snapshot().repositories["acme/orders"].by_number[12]


def test_how_far_our_clock_is_ahead_is_known_from_the_first_answer_on(reader: Reader) -> None:
    reader.restart()
    assert reader.source.ahead is None

    reader.github.now = lambda: reader.time.now() - MINUTE
    reader.read()
    assert reader.source.ahead
    assert MINUTE <= reader.source.ahead < 1.1 * MINUTE  # `Date` has whole seconds

    reader.github.intercept = lambda request: request.answer().with_headers({"Date": "yesterday"})
    reader.read()
    assert reader.source.ahead is None


@pytest.mark.parametrize("by", [timedelta(0), MINUTE, -MINUTE])
def test_a_pushed_head_has_githubs_time(github: GitHub, plugin: Plugin, by: timedelta) -> None:
    plugin.refresh()
    assert (head(plugin).head_seen_at, head(plugin).unstamped) == (None, False)

    skew(github, plugin, by)
    push(github, "a")
    before = github.now()
    plugin.refresh()
    seen_at = head(plugin).head_seen_at
    assert seen_at
    assert -2 <= (seen_at - before).total_seconds() < 10

    plugin.time.passes(600)
    plugin.refresh()
    assert head(plugin).head_seen_at == seen_at


@pytest.mark.parametrize("by", [3 * MINUTE, -3 * MINUTE, timedelta(days=10)])
def test_a_head_that_came_while_the_clocks_disagreed_keeps_its_activity(
    github: GitHub, plugin: Plugin, by: timedelta
) -> None:
    plugin.refresh()
    plugin.time.passes(30)
    skew(github, plugin, by)
    push(github, "a")
    plugin.refresh()
    assert (head(plugin).head_sha, head(plugin).head_seen_at, head(plugin).unstamped) == ("a" * 40, None, True)

    plugin.time.passes(30)
    skew(github, plugin, timedelta(0))
    github.intercept = faults.server_error(500)
    plugin.refresh()
    assert head(plugin).unstamped  # there was no answer since the clocks disagreed

    github.intercept = None
    plugin.refresh()
    seen_at = head(plugin).head_seen_at
    assert seen_at
    assert abs((seen_at - github.now()).total_seconds()) < 10
    assert not head(plugin).unstamped
