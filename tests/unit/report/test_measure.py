"""What the metrics say of each refresh."""

from dataclasses import replace
from datetime import datetime

import pytest

from plugin.core.answers.history import EventKind
from plugin.core.facts.model import Snapshot
from plugin.core.life.earlier_ends import EarlierEnds
from plugin.metrics import Metrics
from plugin.mirror.current import Current
from plugin.mirror.refresh import RefreshReport
from plugin.report.measure import measure_refreshes
from plugin.state import NOTHING, Head
from tests.builders import MONDAY, make_repository
from tests.lives import DAY, HOUR, asked, lived, with_plan
from tests.unit.report.reports import EVENTS, HOLD, current, report


def measured(*reports: RefreshReport) -> Metrics:
    metrics = Metrics()
    observe = measure_refreshes(metrics, "github", lambda: MONDAY)
    for each in reports:
        observe(each)
    return metrics


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"preview_{name}", labels)


def test_durations_and_times() -> None:
    metrics = measured(report(), report())

    assert value(metrics, "refresh_seconds_count") == 2
    assert value(metrics, "refresh_seconds_sum") == pytest.approx(2.46912)
    assert value(metrics, "last_refresh_timestamp_seconds")


def test_what_is_known_and_what_is_in_doubt() -> None:
    metrics = measured(report())

    assert value(metrics, "repositories_in_doubt") == 1
    assert value(metrics, "repositories_unread") == 0
    assert value(metrics, "pull_requests") == 3
    assert value(metrics, "config_errors") == 1
    unread = Snapshot({"acme/orders": make_repository("acme/orders")})
    assert value(measured(report(current(unread))), "repositories_unread") == 1


def test_previews_by_state() -> None:
    metrics = measured(report())

    assert [value(metrics, "previews", state=state) for state in ("active", "skipped", "paused")] == [2, 1, 0]
    later = measured(report(), report(current(Snapshot({}))))
    assert [value(later, "previews", state=state) for state in ("active", "skipped", "paused")] == [0, 0, 0]


def test_the_cost_at_the_source_is_counted_by_source() -> None:
    metrics = measured(report(), report(points_left=4000))

    assert value(metrics, "source_requests_total", source="github") == 6
    assert value(metrics, "source_points_total", source="github") == 10
    assert value(metrics, "source_points_left", source="github") == 4000


def test_unknown_points_leave_the_figure_as_it_was() -> None:
    assert value(measured(report(), report(points_left=None)), "source_points_left", source="github") == 4321
    assert value(measured(report(points_left=0)), "source_points_left", source="github") == 0


def test_failures_are_counted() -> None:
    assert value(measured(report(failure="x"), report(), report(failure="x")), "refresh_failures_total") == 2


def test_a_broken_catalog_shows_until_it_is_fixed() -> None:
    assert value(measured(report(catalog_error="x")), "catalog_broken") == 1
    assert value(measured(report(catalog_error="x"), report()), "catalog_broken") == 0


def test_held_previews_are_counted_by_what_holds_them() -> None:
    metrics = measured(report(current(hold=HOLD)))

    assert value(metrics, "held", by="confirm") == 1
    assert value(metrics, "held", by="breaker") == 1
    assert value(measured(report(current(hold=HOLD)), report()), "held", by="breaker") == 0


def test_events_are_counted_by_kind() -> None:
    metrics = measured(report(events=EVENTS), report())

    assert value(metrics, "events_total", event="created") == 2
    assert value(metrics, "events_total", event="held") == 1
    assert value(metrics, "events_total", event="gone") == 0


def test_a_decision_without_reading_is_no_refresh_but_says_what_follows() -> None:
    metrics = measured(report(), report(current(Snapshot({})), reads=False, failure="x", events=EVENTS))

    assert value(metrics, "refresh_seconds_count") == 1
    assert value(metrics, "refresh_failures_total") == 0
    assert value(metrics, "pull_requests") == 3
    assert value(metrics, "previews", state="active") == 0
    assert value(metrics, "events_total", event="created") == 2


def test_every_event_is_counted_from_zero_so_that_its_first_one_shows() -> None:
    metrics = measured()

    assert {kind: value(metrics, "events_total", event=kind) for kind in EventKind} == dict.fromkeys(EventKind, 0)


def test_the_queue_the_ends_of_a_day_and_those_that_wait() -> None:
    world = lived(defaults={"lifecycle": {"expire_after": "2d"}}, limits={"total": 1})
    world.put(asked(1))
    world.step(MONDAY - 1.5 * DAY - world.now)
    world.put(asked(2))
    world.put(asked(3))
    world.step()
    metrics = measured(report(world.current))

    assert value(metrics, "queue_length") == 2
    assert value(metrics, "ending") == 0
    world.remove(2)
    world.put(asked(1, at=MONDAY - 1.5 * DAY, head_sha="f" * 40))
    assert value(measured(report(world.step().current)), "queue_length") == 1
    assert value(measured(report(world.step(DAY).current)), "ending") == 1
    waits = EarlierEnds("0123456789ab", {}, 7)
    metrics = measured(report(replace(current(), known=replace(current().known, ends=waits))))
    assert value(metrics, "held_ends") == 7


def at(moment: datetime, paused: int = 0) -> Current:
    """A state whose source was read at a moment, with so many previews that nobody uses."""
    world = with_plan({"pause_after": "1h"})
    for number in range(1, paused + 1):
        world.put(asked(number))
    known = world.step(MONDAY - world.now).step(HOUR).current
    return replace(known, known=replace(known.known, head=Head(7, moment)))


def test_the_time_for_which_previews_are_paused_adds_up() -> None:
    seconds = iter([100.0, 130.0, 150.0, 170.0])
    metrics = Metrics()
    observe = measure_refreshes(metrics, "github", lambda: MONDAY, lambda: next(seconds))
    two, one, none = at(MONDAY, paused=2), at(MONDAY, paused=1), at(MONDAY)
    sums = []
    for before, after in ((none, two), (two, one), (one, none), (none, none)):
        observe(report(after, before=before))
        sums.append(value(metrics, "paused_seconds_total"))

    assert sums == [0, 60, 80, 80]


def test_while_another_replica_polls_this_one_counts_no_paused_time() -> None:
    seconds = iter([0.0, 1000.0, 1010.0])
    metrics = Metrics()
    observe = measure_refreshes(metrics, "github", lambda: MONDAY, lambda: next(seconds))
    mine, theirs = at(MONDAY, paused=1), at(MONDAY + DAY, paused=1)
    observe(report(mine, before=mine))
    observe(report(theirs, before=theirs))
    assert value(metrics, "paused_seconds_total") == 0

    observe(report(theirs, before=theirs))
    assert value(metrics, "paused_seconds_total") == 10


def test_before_anything_was_read_there_is_nothing_to_count() -> None:
    metrics = measured(report(replace(Current(NOTHING, None))))

    assert value(metrics, "pull_requests") == 0
    assert value(metrics, "previews", state="active") == 0
    assert value(metrics, "held", by="confirm") == 0
