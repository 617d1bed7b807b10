from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from plugin.core.answers.breaker import Departure, Emitted
from plugin.core.answers.filters import Filters
from plugin.core.decision.preview import EmittedPreview
from plugin.core.facts.model import Hold
from plugin.logs import get_logger
from plugin.metrics import Metrics
from plugin.mirror.current import Current, decided
from plugin.mirror.refresh import RefreshReport
from plugin.report.log import observer
from plugin.state import Head, Known
from tests.builders import MONDAY, make_catalog, make_pull_request, make_repository, make_snapshot

CATALOG = make_catalog({"orders": {"drafts": False}, "payments": {}})
HELD = {"preview-orders-9": Departure("the catalog has no such preview any more", by_catalog=True)}


def current(**emitted: Any) -> Current:
    pull_requests = [make_pull_request(1), make_pull_request(2, draft=True), make_pull_request(3, config="[")]
    orders = make_repository("acme/orders", *pull_requests, held={1: Hold("not listed")})
    snapshot = replace(make_snapshot(CATALOG, orders), doubts={"acme/payments": "no answer"})
    nine = {"preview-orders-9": EmittedPreview("orders", "acme/orders", 9)}
    given = {Filters(): Emitted(7, CATALOG.fingerprint, nine, **emitted)}
    return decided(Known(Head(7, MONDAY), CATALOG, snapshot, emitted=given))


def report(of: Current | None = None, **given: Any) -> RefreshReport:
    defaults: dict[str, Any] = {
        "duration": timedelta(milliseconds=1234.56),
        "current": of or current(),
        "changed": True,
        "failure": "",
        "catalog_error": "",
        "catalog_waits_until": None,
        "requests": 3,
        "points": 5,
        "points_left": 4321,
    }
    return RefreshReport(**defaults | given)


def observed(*reports: RefreshReport) -> tuple[Metrics, list[Any]]:
    metrics = Metrics()
    observe = observer(metrics, get_logger())
    with capture_logs() as logs:
        for each in reports:
            observe(each)
    return metrics, logs


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"preview_{name}", labels)


def test_a_refresh_is_one_line_of_the_log() -> None:
    _, logs = observed(report())

    assert logs == [
        {
            "event": "refresh",
            "log_level": "info",
            "milliseconds": 1234.6,
            "version": 7,
            "repositories": 2,
            "pull_requests": 3,
            "doubts": {"acme/payments": "no answer"},
            "changed": True,
            "github_requests": 3,
            "github_points": 5,
            "github_points_left": 4321,
        }
    ]


def test_a_failure_is_a_warning_that_says_why() -> None:
    metrics, (line,) = observed(report(failure="nothing could be read"))

    assert (line["log_level"], line["failure"]) == ("warning", "nothing could be read")
    assert value(metrics, "refresh_failures_total") == 1
    assert value(observed(report())[0], "refresh_failures_total") == 0


def test_what_is_counted() -> None:
    metrics, _ = observed(report(), report(points_left=4000))

    assert value(metrics, "refresh_seconds_count") == 2
    assert value(metrics, "refresh_seconds_sum") == pytest.approx(2.46912)
    assert value(metrics, "repositories_in_doubt") == 1
    assert value(metrics, "pull_requests") == 3
    assert value(metrics, "github_requests_total") == 6
    assert value(metrics, "github_points_total") == 10
    assert value(metrics, "github_points_left") == 4000
    assert value(metrics, "previews", state="active") == 2
    assert value(metrics, "previews", state="skipped") == 1
    assert value(metrics, "previews", state="paused") == 0
    assert value(metrics, "config_errors") == 1
    assert value(metrics, "last_refresh_timestamp_seconds")


def test_what_is_not_known_of_points_leaves_the_figure_as_it_was() -> None:
    metrics, _ = observed(report(), report(points_left=None))

    assert value(metrics, "github_points_left") == 4321
    assert value(observed(report(points_left=0))[0], "github_points_left") == 0


def test_a_broken_catalog_is_an_error_with_each_place() -> None:
    metrics, logs = observed(report(catalog_error="catalog.yaml:1: domain\ncatalog.yaml:2: services"))

    assert value(metrics, "catalog_broken") == 1
    assert logs[0] == {
        "event": "the catalog is broken; the version before stays in force",
        "log_level": "error",
        "problems": ["catalog.yaml:1: domain", "catalog.yaml:2: services"],
    }
    assert value(observed(report(catalog_error="x"), report())[0], "catalog_broken") == 0


def test_what_is_held_is_counted_by_whom_and_the_breaker_says_how_to_let_go() -> None:
    metrics, logs = observed(report(current(held=HELD)))

    assert value(metrics, "held", by="confirm") == 1
    assert value(metrics, "held", by="breaker") == 1
    assert logs[0] == {
        "event": "the breaker holds",
        "log_level": "warning",
        "previews": {"orders/9": "the catalog has no such preview any more"},
        "to_let_go": f"preview-plugin acknowledge {CATALOG.fingerprint}",
    }
    released, _ = observed(report(current(held=HELD)), report())
    assert value(released, "held", by="breaker") == 0


def test_a_file_older_than_the_catalog_in_force_is_told_once_and_is_not_broken() -> None:
    waits = report(catalog_waits_until=MONDAY)
    metrics, logs = observed(waits, waits, report(), waits)

    assert [log for log in logs if log["event"] != "refresh"] == [
        {
            "event": "the catalog's file of this replica is older than the catalog in force, "
            "which stays until it changes",
            "log_level": "warning",
            "at_most_until": MONDAY.isoformat(),
        }
    ] * 2
    assert value(metrics, "catalog_broken") == 0
