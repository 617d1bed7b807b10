"""What one refresh did, with everything else filled in, for the tests of what reports it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from plugin.core.answers.history import Event, EventKind
from plugin.core.answers.live import Hold
from plugin.core.facts import model
from plugin.core.facts.model import Snapshot
from plugin.mirror.current import Current, decided
from plugin.mirror.refresh import RefreshReport
from plugin.state import NOTHING, Head, Known
from tests.builders import MONDAY, make_catalog, make_pull_request, make_repository, make_snapshot

CATALOG = make_catalog({"orders": {"drafts": False}, "payments": {}})
HOLD = Hold("0123456789ab", {"orders/9": "the catalog no longer has the service orders"}, b"[]")
EVENTS = {
    "orders/1": (
        Event(MONDAY, EventKind.CREATED, 'it has the label "preview"'),
        Event(MONDAY, EventKind.HELD, "it is no longer listed"),
    ),
    "payments/5": (Event(MONDAY, EventKind.CREATED, 'it has the label "preview"'),),
}


def snapshot() -> Snapshot:
    """One live pull request that is held, one draft, one with a broken file; nothing of payments."""
    pull_requests = [make_pull_request(1), make_pull_request(2, draft=True), make_pull_request(3, config="[")]
    orders = make_repository("acme/orders", *pull_requests, held={1: model.Hold("not listed")})
    return replace(make_snapshot(CATALOG, orders), doubts={"acme/payments": "no answer"})


def current(known: Snapshot | None = None, hold: Hold | None = None) -> Current:
    return decided(Known(Head(7, MONDAY), CATALOG, known or snapshot(), hold=hold))


def report(of: Current | None = None, **given: Any) -> RefreshReport:
    defaults: dict[str, Any] = {
        "duration": timedelta(milliseconds=1234.56),
        "before": decided(NOTHING),
        "current": of or current(),
        "events": {},
        "changed": True,
        "reads": True,
        "failure": "",
        "catalog_error": "",
        "catalog_waits_until": None,
        "requests": 3,
        "points": 5,
        "points_left": 4321,
    }
    return RefreshReport(**defaults | given)
