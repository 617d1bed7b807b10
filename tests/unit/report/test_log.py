"""What the log says of each refresh."""

from dataclasses import replace
from typing import Any

from structlog.testing import capture_logs

from plugin.core.answers.live import Hold
from plugin.core.facts.model import Snapshot
from plugin.core.life.earlier_ends import EarlierEnds
from plugin.logs import get_logger
from plugin.mirror.refresh import RefreshReport
from plugin.report.log import log_refreshes
from tests.builders import MONDAY, make_catalog, make_repository, make_snapshot
from tests.unit.report.reports import CATALOG, EVENTS, HOLD, current, report


def logged(*reports: RefreshReport) -> list[Any]:
    with capture_logs() as logs:
        observe = log_refreshes(get_logger())
        for each in reports:
            observe(each)
    return logs


def beside_refreshes(*reports: RefreshReport) -> list[Any]:
    return [line for line in logged(*reports) if line["event"] != "refresh"]


def test_a_refresh_is_one_line_of_the_log() -> None:
    assert logged(report()) == [
        {
            "event": "refresh",
            "log_level": "info",
            "milliseconds": 1234.6,
            "version": 7,
            "repositories": 2,
            "pull_requests": 3,
            "doubts": {"acme/payments": "no answer"},
            "unread": [],
            "changed": True,
            "events": {},
            "requests": 3,
            "points": 5,
            "points_left": 4321,
        }
    ]


def test_a_failure_is_a_warning_that_says_why() -> None:
    (line,) = logged(report(failure="nothing could be read"))

    assert (line["log_level"], line["failure"]) == ("warning", "nothing could be read")


def test_comments_that_cannot_be_read_are_told_once_with_the_reason() -> None:
    def heard(unheard: str) -> RefreshReport:
        catalog = make_catalog({"orders": {}, "payments": {}}, commands=True)
        repository = replace(make_repository("acme/orders"), unheard=unheard)
        known = current(Snapshot({"acme/orders": repository}))
        return report(replace(known, known=replace(known.known, catalog=catalog)))

    (line,) = beside_refreshes(heard(""), heard("no answer"), heard("no answer"), heard(""))

    assert (line["log_level"], line["repositories"]) == ("warning", {"acme/orders": "no answer"})
    assert line["event"] == "comments cannot be read, so commands in them wait"


def test_repositories_that_were_never_read_are_named() -> None:
    (line,) = logged(report(current(Snapshot({"acme/orders": make_repository("acme/orders")}))))

    assert line["unread"] == ["acme/payments"]


def test_a_broken_catalog_is_an_error_with_each_place() -> None:
    assert beside_refreshes(report(catalog_error="catalog.yaml:1: domain\ncatalog.yaml:2: services")) == [
        {
            "event": "the catalog is broken; the previous version stays in force",
            "log_level": "error",
            "problems": ["catalog.yaml:1: domain", "catalog.yaml:2: services"],
        }
    ]


def test_a_hold_is_logged_with_the_command_that_releases_it() -> None:
    assert beside_refreshes(report(current(hold=HOLD))) == [
        {
            "event": "the breaker holds previews back",
            "log_level": "warning",
            "previews": {"orders/9": "the catalog no longer has the service orders"},
            "to_release": "preview-plugin acknowledge 0123456789ab",
        }
    ]


def test_a_hold_is_logged_once_for_each_change() -> None:
    held, released = report(current(hold=HOLD)), report()
    more = report(current(hold=Hold(HOLD.catalog, {**HOLD.departures, "orders/10": "as above"}, None)))

    assert [list(line["previews"]) for line in beside_refreshes(held, held, more, released, held)] == [
        ["orders/9"],
        ["orders/9", "orders/10"],
        ["orders/9"],
    ]


def test_ends_that_wait_are_logged_once_for_each_change_with_the_command_that_lets_them_come() -> None:
    def waiting(count: int) -> RefreshReport:
        known = replace(current().known, ends=EarlierEnds("0123456789ab", {}, count))
        return report(replace(current(), known=known))

    assert beside_refreshes(waiting(7), waiting(7), waiting(8), report(), waiting(8)) == [
        {
            "event": "the breaker holds ends of previews back",
            "log_level": "warning",
            "ends": count,
            "to_release": "preview-plugin acknowledge 0123456789ab",
        }
        for count in (7, 8, 8)
    ]


def test_a_decision_without_reading_has_its_own_name() -> None:
    (line,) = logged(report(reads=False))

    assert line["event"] == "decision"


def test_a_catalog_file_that_waits_is_logged_once() -> None:
    waits = report(catalog_waits_until=MONDAY)

    assert (
        beside_refreshes(waits, waits, report(), waits)
        == [
            {
                "event": "this replica's catalog file is older than the catalog in force, "
                "which stays until the file changes",
                "log_level": "warning",
                "at_most_until": MONDAY.isoformat(),
            }
        ]
        * 2
    )


def test_what_happened_to_previews_is_counted_by_kind() -> None:
    (line,) = logged(report(events=EVENTS))

    assert line["events"] == {"created": 2, "held": 1}


def test_labels_that_do_not_exist_are_named_once_for_each_change() -> None:
    lacking = make_repository("acme/orders", missing_labels=frozenset({"preview", "env"}))
    missing, nothing = report(current(make_snapshot(CATALOG, lacking))), report()

    assert [line["repositories"] for line in beside_refreshes(nothing, missing, missing, nothing, missing)] == [
        {"acme/orders": ["env", "preview"]},
        {"acme/orders": ["env", "preview"]},
    ]
