"""One step from a version that was answered to the next."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from plugin.core.answers.emission import live_previews
from plugin.core.answers.filters import EVERYTHING, Filters
from plugin.core.config.catalog import Catalog
from plugin.core.config.references import Locator
from plugin.core.config.threshold import Threshold
from plugin.core.decision.wishes import read_wishes
from plugin.core.facts.acts import Act, ActKind
from plugin.core.facts.model import Elsewhere, PullRequest, Snapshot
from plugin.mirror.advance import Advanced, advance
from plugin.mirror.current import Current, decided
from plugin.mirror.gather import Gathered
from plugin.state import Head, Known
from tests.builders import MONDAY, make_catalog, make_pull_request, make_repository, make_snapshot

SERVICES: dict[str, dict[str, Any]] = {"orders": {"drafts": False}, "payments": {}}
CATALOG = make_catalog(SERVICES)
WITHOUT_ORDERS = make_catalog({"payments": {}})
NEW_PORT = make_catalog(SERVICES | {"payments": {"port": 9}})  # removes nothing
LATER = MONDAY + timedelta(minutes=1)
STRICT = Threshold(0, 0)  # whatever an edit removes is held
ONE, TWO, DRAFT = make_pull_request(1), make_pull_request(2), make_pull_request(1, draft=True)
LOCATOR = Locator("acme/orders", 1)


def snapshot(*pull_requests: PullRequest, **given: Any) -> Snapshot:
    return make_snapshot(CATALOG, make_repository("acme/orders", *pull_requests, **given))


def first(known: Snapshot, catalog: Catalog = CATALOG) -> Current:
    """Version 1, which was answered."""
    current = decided(Known(Head(1, MONDAY), catalog, known))
    assert current.decision
    return replace(current, known=replace(current.known, live=live_previews(current.decision, None)))


def advanced(
    before: Current,
    after: Snapshot,
    *,
    newest: Catalog = CATALOG,
    may_take_effect: bool = True,
    gone: Mapping[Locator, Elsewhere] | None = None,
    fresh: bool = True,
    threshold: Threshold = STRICT,
) -> Advanced:
    wishes = read_wishes(newest, after.repositories, before.wishes(newest))
    gathered = Gathered(newest, may_take_effect, after, gone or {}, fresh, wishes if may_take_effect else None)
    return advance(before, gathered, LATER, threshold)


def after(before: Current, after: Snapshot, **given: Any) -> Current:
    return advanced(before, after, **given).current


def acknowledged(before: Current, catalog: Catalog) -> Current:
    act = Act(ActKind.ACKNOWLEDGE, catalog.fingerprint, "ada", LATER)
    return replace(before, known=replace(before.known, acts={(act.kind, act.subject): act}))


def told(current: Current) -> dict[str, list[tuple[str, str]]]:
    return {
        key: [(event.kind.value, event.reason) for event in events] for key, events in current.known.histories.items()
    }


def names(current: Current, filters: Filters = EVERYTHING) -> list[str]:
    parameters = current.parameters(filters)
    assert parameters is not None
    return [one["name"] for one in json.loads(parameters)]


def departures(current: Current) -> Mapping[str, str]:
    return current.known.hold.departures if current.known.hold else {}


def live(current: Current) -> list[str]:
    assert current.known.live
    return [preview.name for previews in current.known.live.by_repository.values() for preview in previews]
