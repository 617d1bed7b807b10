"""What the metrics say of each refresh."""

from dataclasses import replace

import pytest

from plugin.core.facts.model import Snapshot
from plugin.metrics import Metrics
from plugin.mirror.current import Current
from plugin.mirror.refresh import RefreshReport
from plugin.report.measure import measure_refreshes
from plugin.state import NOTHING
from tests.builders import make_repository
from tests.unit.report.reports import EVENTS, HOLD, current, report


def measured(*reports: RefreshReport) -> Metrics:
    metrics = Metrics()
    observe = measure_refreshes(metrics, "github")
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
    assert value(metrics, "events_total", event="gone") is None


def test_before_anything_was_read_there_is_nothing_to_count() -> None:
    metrics = measured(report(replace(Current(NOTHING, None))))

    assert value(metrics, "pull_requests") == 0
    assert value(metrics, "previews", state="active") == 0
    assert value(metrics, "held", by="confirm") == 0
