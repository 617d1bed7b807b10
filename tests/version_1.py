"""The states in `tests/unit/state/version_1/`, which an old program wrote, and what they must become."""

import base64
import json
import shutil
import zlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from plugin.core.answers.history import Event, EventKind
from plugin.core.answers.live import Hold, Live
from plugin.core.config.catalog import Catalog, load_catalog
from plugin.core.decision.preview import LivePreview
from plugin.core.facts import model
from plugin.core.facts.acts import Act, ActKind
from plugin.core.facts.model import Elsewhere, LookedUp, PullRequest, Repository, Snapshot
from plugin.state import Head, Known
from tests.builders import MONDAY, make_pull_request, make_repository
from tests.knowledge import ODD

STORIES = ("calm", "aside", "held")
FOLDER = Path(__file__).parent / "unit" / "state" / "version_1"

GOOD = "version: 1\ndependencies: {payments: 'pr:3'}\n"
NOT_LISTED = "it is not listed any more, and could not be looked up"


def copy_file(story: str, to: Path) -> None:
    """Copy the SQLite file."""
    shutil.copyfile(FOLDER / f"{story}.db", to)


def redis_fields(story: str) -> dict[Any, Any]:
    """Return the fields of the hash in Redis, with their values, as bytes."""
    content = json.loads((FOLDER / f"{story}.redis.json").read_text("utf-8"))
    return {field.encode(): base64.b64decode(value) for field, value in content.items()}


def answer(story: str) -> bytes:
    """Return what the old program answered to an ApplicationSet without filters, without Argo CD's envelope."""
    everything, _ = json.loads((FOLDER / f"{story}.answers.json").read_text("utf-8"))
    body: str = everything["body"]
    return body.removeprefix('{"output":{"parameters":').removesuffix("}}").encode()


def catalog(story: str) -> Catalog:
    """Return the stored catalog."""
    return load_catalog(json.loads(zlib.decompress(redis_fields(story)[b"catalog:"])), "catalog.yaml")


def expected(story: str) -> Known:
    """Return what the state of a story must become."""
    return {"calm": _calm, "aside": _aside, "held": _held}[story]()


def _calm() -> Known:
    looked_up = {3: LookedUp(Elsewhere.MERGED)}
    acknowledged = Act(ActKind.ACKNOWLEDGE, catalog("calm").fingerprint, "unknown", _at(14))
    return Known(
        Head(3, _at(14)),
        catalog("calm"),
        _snapshot(
            _repository("acme/orders", 13, *_developed(4, 5, 6, 7, 8), held={8: model.Hold(NOT_LISTED)}),
            _repository("acme/payments", 13, looked_up=looked_up, dropped={3: MONDAY}),
            _repository("acme/shop", 9, *_shop()),
            doubts={"acme/shop": "no answer"},
        ),
        live=_live(catalog("calm").fingerprint, orders=(1, 2, 4, 5, 6, 7, 8), shop=(5,)),
        histories=_developed_histories(),
        acts={(acknowledged.kind, acknowledged.subject): acknowledged},
    )


def _aside() -> Known:
    histories = {f"orders/{number}": (_created(),) for number in (1, 2, 4, 5, 6, 7, 8)}
    gone = Event(_at(9), EventKind.GONE, "the catalog has no such service any more")
    return Known(
        Head(2, _at(9)),
        catalog("aside"),
        _snapshot(
            _repository("acme/docs", 8, *_seen(1)),
            _repository("acme/orders", 8, _linked(), *_seen(2, config="version: 1\n"), *_seen(4, 5, 6, 7, 8)),
            _repository("acme/payments", 8, *_seen(3)),
            _repository("acme/shop", 8, *_shop()),
        ),
        live=_live("", docs=(1,), orders=(1, 2, 4, 5, 6, 7, 8), payments=(3,), shop=(5,)),
        histories=histories | {"docs/1": (_created(), gone), "payments/3": (_created(),), "shop/5": (_created(),)},
    )


def _held() -> Known:
    fingerprint = catalog("held").fingerprint
    removed = f"with the catalog {fingerprint} there is no such preview any more"
    departures = dict.fromkeys((f"orders/{number}" for number in (1, 2, 4, 5, 6, 8)), removed)
    departures |= {"orders/7": "acme/orders#7 was closed"}
    histories = {**_developed_histories()}
    for key, reason in departures.items():
        if key != "orders/8":  # which was held already
            event = Event(_at(14), EventKind.HELD, f"the breaker holds it back: {reason}")
            histories[key] = (*histories[key], event)
    return Known(
        Head(3, _at(18)),
        catalog("held"),
        _snapshot(
            _repository("acme/orders", 17, *_developed(4, 5, 6, 8), held={8: model.Hold(NOT_LISTED)}),
            _repository("acme/payments", 17, dropped={3: MONDAY}),
            _repository("acme/shop", 17, *_shop()),
        ),
        live=_live("", orders=(1, 2, 4, 5, 6, 7, 8), shop=(5,)),
        hold=Hold(fingerprint, departures, answer("held")),
        histories=histories,
    )


def _at(second: int) -> datetime:
    return datetime.fromisoformat(f"2026-11-21T09:00:{second:02}Z")


def _seen(*numbers: int, **given: Any) -> list[PullRequest]:
    return [
        make_pull_request(number, head_seen_at=_at(1), last_good_config=given.get("config"), **given)
        for number in numbers
    ]


def _linked() -> PullRequest:
    return make_pull_request(1, title=ODD, config=GOOD, last_good_config=GOOD, head_seen_at=_at(1))


def _developed(*numbers: int) -> list[PullRequest]:
    """One that links to a merged pull request, one whose file broke, and others."""
    pushed = {"head_sha": "2" * 40, "updated_at": _at(4), "head_seen_at": _at(5)}
    broken = make_pull_request(2, config="version: 2\n", last_good_config="version: 1\n", **pushed)
    return [_linked(), broken, *_seen(*numbers)]


def _shop() -> list[PullRequest]:
    return [*_seen(5, labels=("preview", "urgent")), *_seen(9, fork=True)]


def _repository(name: str, listed_at: int, *pull_requests: PullRequest, **given: Any) -> Repository:
    number = 1 + ["acme/docs", "acme/orders", "acme/payments", "acme/shop"].index(name)
    return make_repository(name, *pull_requests, identity=f"{number}:R_{number}", listed_at=_at(listed_at), **given)


def _snapshot(*repositories: Repository, doubts: Mapping[str, str] | None = None) -> Snapshot:
    read_at = {one.name: one.listed_at for one in repositories if one.listed_at}
    return Snapshot({one.name: one for one in repositories}, doubts or {}, read_at)


def _live(fingerprint: str, **numbers: tuple[int, ...]) -> Live:
    profiles = {"orders": "backend", "payments": "api", "shop": "frontend"}  # none for a service that was removed
    return Live(
        fingerprint,
        {
            f"acme/{service}": tuple(
                LivePreview(service, number, f"preview-{service}-{number}", profiles.get(service, ""), fork=False)
                for number in of_service
            )
            for service, of_service in numbers.items()
        },
    )


def _created() -> Event:
    return Event(_at(2), EventKind.CREATED, 'it has the label "preview"')


def _developed_histories() -> Mapping[str, tuple[Event, ...]]:
    broken = "commit 22222222, .preview.yaml:1: version: must be 1, the only version there is"
    then = {
        "orders/1": (EventKind.FELL_BACK, "payments goes to staging: acme/payments#3 was merged"),
        "orders/2": (EventKind.UPDATED, broken),
        "orders/8": (EventKind.HELD, NOT_LISTED),
        "payments/3": (EventKind.GONE, "acme/payments#3 was merged"),
    }
    quiet = {f"orders/{number}": (_created(),) for number in (4, 5, 6, 7)} | {"shop/5": (_created(),)}
    return quiet | {key: (_created(), Event(_at(6), *event)) for key, event in then.items()}
