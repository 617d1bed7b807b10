"""What people at a terminal read about one preview."""

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from plugin.core.answers.explanation import Remembered, explanation, history
from plugin.core.answers.history import Event, EventKind
from plugin.core.facts.deployments import Deployed, Reported
from plugin.core.facts.model import Elsewhere
from tests.builders import MONDAY, SHA, make_catalog, make_pull_request, make_repository, previews_of
from tests.lives import DAY, HOUR, Lived, asked, lived, with_plan

CATALOG = make_catalog({"orders": {"depends_on": ["payments", "users"], "drafts": False}, "payments": {}, "users": {}})
PAYMENTS = make_repository("acme/payments", make_pull_request(5), looked_up={6: Elsewhere.MERGED})


def lines(
    number: int = 1, held: str = "", report: Reported | None = None, events: tuple[Event, ...] = (), **given: object
) -> list[str]:
    orders = make_repository("acme/orders", make_pull_request(number, **given))
    preview = previews_of(CATALOG, orders, PAYMENTS)[f"preview-orders-{number}"]
    return list(explanation(preview, Remembered(held, report=report, events=events)))


def test_everything_about_a_preview_has_a_line() -> None:
    events = (Event(MONDAY, EventKind.CREATED, "it has the label"), Event(MONDAY, EventKind.FELL_BACK, "to staging"))
    config = "version: 1\ndependencies: {payments: pr:6, users: staging}\n"
    body = "Depends-On: acme/payments#5\nDepends-On: acme/elsewhere#1"

    report = Reported(Deployed.READY, SHA, "", MONDAY, MONDAY)
    assert lines(config=config, body=body, held="it is no longer listed", report=report, events=events) == [
        'orders for acme/orders#1: active, because it has the label "preview"',
        "  https://orders-1.preview.example.com  namespace preview-orders-1",
        "  Argo CD: ready since 2026-11-16 09:00:00Z",
        "  held: it is no longer listed",
        "  warning: Depends-On: acme/elsewhere#1 matches no dependency",
        "  payments -> acme/payments#5  http://app.preview-payments-5.svc.cluster.local",
        "    depends-on: acme/payments#5 is live",
        "    not config (pr:6): the rule depends-on comes first",
        "  users -> staging  http://app.staging-users.svc.cluster.local",
        "    config: staging was asked for",
        "  2026-11-16 09:00:00Z created: it has the label",
        "  2026-11-16 09:00:00Z fell-back: to staging",
    ]


def test_a_broken_file_and_a_rejected_wish() -> None:
    told = lines(config="dataset: minimal", body="Depends-On: acme/payments#6")

    assert told[2] == "  config error: .preview.yaml:1: version: is missing"
    assert "    not depends-on (Depends-On: acme/payments#6): acme/payments#6 was merged" in told
    assert not [line for line in told if "held" in line]


def test_a_rejected_rule_without_a_wish() -> None:
    catalog = make_catalog({"orders": {"depends_on": ["payments"], "link": "same-branch"}, "payments": {}})
    config = "version: 1\ndependencies: {payments: staging}\n"
    orders = make_repository("acme/orders", make_pull_request(1, branch="shared", config=config))
    payments = make_repository("acme/payments", make_pull_request(5, branch="shared"))
    preview = previews_of(catalog, orders, payments)["preview-orders-1"]

    assert list(explanation(preview, Remembered()))[-1] == "    not same-branch: the rule config comes first"


def test_the_life_of_a_preview_has_a_line_for_each_fact_that_there_is() -> None:
    world = with_plan({"ready_when": {"image": True}, "expire_after": "7d"})
    world.ready = {("orders", SHA): True}
    world.put(asked())
    world.step(MONDAY - world.now)
    world.put(asked(head_sha="f" * 40, head_seen_at=MONDAY + HOUR))
    world.step(HOUR)
    world.step(7 * DAY - HOUR)

    assert shown(world)[2:] == [
        "  commit 01234567, while the head is ffffffff",
        "  active since 2026-11-16 09:00:00Z",
        "  ends at 2026-11-23 13:00:00Z, announced at 2026-11-23 09:00:00Z",
    ]


def test_an_end_is_shown_before_it_is_announced() -> None:
    world = with_plan({"expire_after": "7d"})
    world.put(asked())
    world.step(MONDAY - world.now)

    assert shown(world)[2:] == ["  active since 2026-11-16 09:00:00Z", "  ends at 2026-11-23 09:00:00Z"]


def test_what_is_queued_says_its_place() -> None:
    world = lived(limits={"total": 0})
    world.put(asked(1))
    world.put(asked(2, at=MONDAY - HOUR))
    world.step(MONDAY - world.now)

    assert shown(world)[1:] == ["  queued since 2026-11-16 09:00:00Z", "  place 2 in the queue"]
    assert shown(world, "orders/2")[-1] == "  place 1 in the queue"


def shown(world: Lived, key: str = "orders/1") -> list[str]:
    preview, current = world.preview(key), world.current
    return list(explanation(preview, Remembered(life=current.life(preview), queue_place=current.queue_place(preview))))


def test_a_failure_is_told_with_what_argocd_says() -> None:
    report = Reported(Deployed.FAILED, SHA, "Job/migrate: Job has reached the specified backoff limit", MONDAY, MONDAY)

    assert lines(report=report)[2] == (
        "  Argo CD: failed since 2026-11-16 09:00:00Z: Job/migrate: Job has reached the specified backoff limit"
    )


def test_a_skipped_preview_has_no_url() -> None:
    assert lines(draft=True)[:2] == [
        "orders for acme/orders#1: skipped, because it is a draft",
        "  payments -> staging  http://app.staging-payments.svc.cluster.local",
    ]


def test_times_are_in_utc_wherever_they_were_recorded() -> None:
    noon = datetime(2026, 11, 16, 12, 30, tzinfo=timezone(timedelta(hours=2)))

    assert list(history([Event(noon, EventKind.GONE, "it was closed")])) == [
        "  2026-11-16 10:30:00Z gone: it was closed"
    ]
    assert list(history([Event(noon.astimezone(UTC), EventKind.GONE, "x")])) == ["  2026-11-16 10:30:00Z gone: x"]


def test_times_are_in_utc_wherever_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        assert list(history([Event(MONDAY, EventKind.GONE, "x")])) == ["  2026-11-16 09:00:00Z gone: x"]
    time.tzset()
