"""Things to know, and a way to compare them in every detail."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import timedelta

from plugin.core.answers.breaker import Departure, Emitted
from plugin.core.answers.filters import Filters
from plugin.core.answers.history import Event, EventKind
from plugin.core.config.catalog import Catalog
from plugin.core.decision.preview import EmittedPreview
from plugin.core.facts.model import Elsewhere, Hold, LookedUp, Mark, Repository, Snapshot
from plugin.state import Head, Known
from tests.builders import MONDAY, make_catalog, make_pull_request, make_repository

CATALOG = make_catalog({"orders": {}, "payments": {}})
FORKS = Filters(origin="fork")
ODD = "\ud800 \U0001f680 \x00 \u202e"  # people's texts hold anything


def repository(name: str = "acme/orders", title: str = ODD) -> Repository:
    """Every field has a value that no default has."""
    pull_request = make_pull_request(7, title=title, head_seen_at=MONDAY, settled=False, config="version: 1")
    return replace(
        make_repository(name, pull_request, make_pull_request(9, fork=True)),
        looked_up={3: LookedUp(Elsewhere.MERGED, "token")},
        held={9: Hold("not listed", MONDAY, 2)},
        identity="1:R_1",
        mark=Mark("token", MONDAY, settled=False),
        listed_at=MONDAY,
        archived_at=MONDAY,
        missing_labels=frozenset({"preview"}),
    )


def emitted(version: int = 1, body: bytes | None = b'{"a":\n"\xff\x00"}') -> Emitted:
    preview = EmittedPreview("orders", "acme/orders", 7)
    held = {"preview-orders-7": Departure("closed", confirmed=True, by_catalog=True)}
    return Emitted(version, CATALOG.fingerprint, {"preview-orders-7": preview}, body, held)


def known(version: int = 1, *repositories: Repository, catalog: Catalog | None = CATALOG) -> Known:
    snapshot = Snapshot(
        {repository.name: repository for repository in repositories},
        doubts={"acme/payments": "no answer"},
        read_at={repository.name: MONDAY for repository in repositories},
    )
    return Known(Head(version, MONDAY), catalog, snapshot)


FULL = replace(
    known(1, repository(), repository("acme/payments")),
    emitted={Filters(): emitted(), Filters(frozenset({"orders", "payments"}), "backend", "any"): emitted(body=None)},
    histories={"orders/7": (Event(MONDAY, EventKind.CREATED, ODD), Event(MONDAY, EventKind.HELD, "held"))},
)


def later(before: Known, **changes: object) -> Known:
    """The next version."""
    fresh_at = (before.head.fresh_at or MONDAY) + timedelta(seconds=30)
    return replace(before, head=Head(before.head.version + 1, fresh_at), **changes)  # type: ignore[arg-type]


def with_repository(before: Known, changed: Repository) -> Known:
    repositories = {**before.snapshot.repositories, changed.name: changed}
    return later(before, snapshot=replace(before.snapshot, repositories=repositories))


def details(value: object) -> object:
    """Everything in a value, also what does not take part when it is compared."""
    if isinstance(value, Catalog):
        return value.text
    if is_dataclass(value) and not isinstance(value, type):
        return type(value), {field.name: details(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: details(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(details(item) for item in value)
    return value
