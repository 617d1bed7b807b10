from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from plugin.core.facts.model import Events, PullRequest, Snapshot
from plugin.core.facts.seen import stamped, with_seen
from tests.builders import MONDAY, make_pull_request, make_repository

LATER = MONDAY + timedelta(hours=1)


def events(labelled_at: Mapping[str, datetime] | None = None, reopened_at: datetime | None = None) -> Events:
    return Events(MONDAY, labelled_at or {}, reopened_at)


def kept(newest: PullRequest, before: PullRequest | None) -> Events | None:
    return with_seen(newest, before, first_reading=False).events


def after(newest: Events | None, before: Events | None, *labels: str) -> Events | None:
    """The events of a pull request with these labels, after a reading that shows the newest."""
    return kept(make_pull_request(events=newest, labels=labels), make_pull_request(events=before))


def test_a_time_that_was_seen_once_stays_though_the_timeline_forgot_it() -> None:
    old = events({"preview": MONDAY, "keep": MONDAY}, MONDAY)

    assert after(events({"keep": LATER}), old, "preview", "keep") == events({"preview": MONDAY, "keep": LATER}, MONDAY)


def test_a_label_that_was_added_again_has_its_newest_time() -> None:
    assert after(events({"preview": LATER}), events({"preview": MONDAY}), "preview") == events({"preview": LATER})
    assert after(events({"preview": MONDAY}), events({"preview": LATER}), "preview") == events({"preview": LATER})


def test_the_newest_time_of_reopening_counts() -> None:
    assert after(events(reopened_at=LATER), events(reopened_at=MONDAY)) == events(reopened_at=LATER)
    assert after(events(reopened_at=MONDAY), events(reopened_at=LATER)) == events(reopened_at=LATER)


def test_only_labels_that_are_there_have_times_so_that_they_do_not_grow_for_ever() -> None:
    assert after(events({"a": MONDAY, "b": MONDAY}), events({"c": MONDAY}), "B") == events({"b": MONDAY})


def test_events_that_were_not_read_this_time_stay_as_they_were() -> None:
    old = events({"preview": MONDAY}, MONDAY)

    assert after(None, old, "preview") == old
    assert after(old, None, "preview") == old
    assert after(None, None, "preview") is None
    assert kept(make_pull_request(events=old), None) == old


def test_equal_events_are_stored_in_the_same_order() -> None:
    one = after(events({"a": MONDAY}), events({"b": MONDAY}), "b", "a")
    other = after(events({"b": MONDAY, "a": MONDAY}), None, "b", "a")

    assert one == other
    assert one and other  # noqa: PT018  for mypy
    assert list(one.labelled_at) == list(other.labelled_at)


def test_only_a_new_head_waits_for_a_stamp() -> None:
    known = make_pull_request(head_seen_at=MONDAY)
    pushed = make_pull_request(head_sha="f" * 40)

    def seen(newest: PullRequest, before: PullRequest | None, *, first: bool = False) -> tuple[datetime | None, bool]:
        found = with_seen(newest, before, first_reading=first)
        return found.head_seen_at, found.unstamped

    assert seen(pushed, None, first=True) == (None, False)
    assert seen(pushed, None) == (None, True)
    assert seen(make_pull_request(), known) == (MONDAY, False)
    assert seen(pushed, known) == (MONDAY, True)
    assert seen(pushed, replace(pushed, head_seen_at=MONDAY, unstamped=True)) == (MONDAY, True)


def test_stamping_touches_only_what_waits() -> None:
    known, new = make_pull_request(1, head_seen_at=MONDAY), make_pull_request(2, unstamped=True)
    users = make_repository("acme/users", known)
    snapshot = Snapshot({"acme/orders": make_repository("acme/orders", known, new), "acme/users": users})
    after = stamped(snapshot, LATER)
    one, two = after.repositories["acme/orders"].pull_requests

    assert one is known
    assert (two.head_seen_at, two.unstamped) == (LATER, False)
    assert after.repositories["acme/users"] is users
    assert stamped(snapshot, None) is snapshot
    assert stamped(after, LATER) is after
