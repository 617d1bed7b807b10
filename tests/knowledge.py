"""Things to know, and a way to compare them in every detail."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import datetime, timedelta

from plugin.core.answers.history import Event, EventKind
from plugin.core.answers.live import Hold, Live
from plugin.core.config.catalog import Catalog
from plugin.core.decision.preview import LivePreview
from plugin.core.facts import model
from plugin.core.facts.acts import Act, ActKind
from plugin.core.facts.deployments import Deployed, Reported
from plugin.core.facts.lives import Announcement, Latch, Life, State
from plugin.core.facts.model import Elsewhere, LookedUp, Mark, Repository, Snapshot
from plugin.core.life.earlier_ends import EarlierEnds
from plugin.core.life.ends import EndPlan
from plugin.state import Head, Known
from tests.builders import MONDAY, SHA, make_catalog, make_pull_request, make_repository

CATALOG = make_catalog({"orders": {}, "payments": {}})
MINUTE = timedelta(minutes=1)
ODD = "\ud800 \U0001f680 \x00 \u202e"  # people's texts hold anything


def repository(name: str = "acme/orders", title: str = ODD) -> Repository:
    """Every field has a value that no default has."""
    pull_request = make_pull_request(7, title=title, head_seen_at=MONDAY, settled=False, config="version: 1")
    return replace(
        make_repository(name, pull_request, make_pull_request(9, fork=True)),
        looked_up={3: LookedUp(Elsewhere.MERGED, "token 3")},
        held={9: model.Hold("not listed", MONDAY, 2)},
        dropped={4: MONDAY},
        identity="1:R_1",
        mark=Mark("token 7", MONDAY, settled=False),
        listed_at=MONDAY,
        archived_at=MONDAY,
        missing_labels=frozenset({"previews"}),
        public=True,
    )


def live(*numbers: int) -> Live:
    """What was answered last: a fork and pull requests of the same repository, in two repositories."""
    fork = LivePreview("payments", 9, "fork-preview-payments-9", "frontend", fork=True)
    orders = [LivePreview("orders", number, f"preview-orders-{number}", "backend", fork=False) for number in numbers]
    return Live(CATALOG.fingerprint, {"acme/orders": tuple(orders), "acme/payments": (fork,)})


def hold(parameters: bytes | None = b'[{"a":\n"\xff\x00"}]') -> Hold:
    return Hold("fedcba987654", {"orders/7": "the catalog has no service orders"}, parameters)


def acknowledgement(subject: str = "fedcba987654", by: str = ODD, at: datetime = MONDAY) -> Act:
    return Act(ActKind.ACKNOWLEDGE, subject, by, at)


def reported(state: Deployed = Deployed.READY, sha: str = SHA, minute: int = 0, message: str = ODD) -> Reported:
    """What Argo CD reported about an operation that began in this minute."""
    at = MONDAY + timedelta(minutes=minute)
    ready = state is Deployed.READY
    return Reported(state, sha, message, at, at, ready_at=at if ready else None, reachable=ready)


def acts(*given: Act) -> dict[tuple[ActKind, str], Act]:
    return {(act.kind, act.subject): act for act in given}


def known(version: int = 1, *repositories: Repository, catalog: Catalog | None = CATALOG) -> Known:
    snapshot = Snapshot(
        {repository.name: repository for repository in repositories},
        doubts={"acme/payments": "no answer"},
        read_at={repository.name: MONDAY for repository in repositories},
        counted_at={repository.name: MONDAY + MINUTE for repository in repositories},
        compared_at=MONDAY + MINUTE,
    )
    return Known(Head(version, MONDAY), catalog, snapshot)


# Every field has a value that no default has.
LIFE = Life(
    state=State.EXPIRED,
    reason=ODD,
    since=MONDAY,
    ends_at=MONDAY + MINUTE,
    deploy_sha=SHA,
    asked_at=MONDAY + 2 * MINUTE,
    admitted_at=MONDAY + 3 * MINUTE,
    unstamped=True,
    ready=(SHA, "b" * 40),
    walked=True,
    used_at=MONDAY + 4 * MINUTE,
    used_for_end_at=MONDAY + 5 * MINUTE,
    asleep=ODD,
    announced=Announcement(MONDAY, MONDAY + MINUTE),
    expired=Latch(MONDAY, MONDAY + MINUTE, MONDAY + 2 * MINUTE, by_age=True),
)
PLAN = EndPlan(timedelta(days=7), timedelta(seconds=10), "preview/keep", ("preview",))
ENDS = EarlierEnds("0123456789ab", {"orders": PLAN, "payments": EndPlan()}, 7, (("orders/7", "payments/9"),))

FULL = replace(
    known(1, repository(), repository("acme/payments")),
    live=live(7),
    hold=hold(),
    histories={"orders/7": (Event(MONDAY, EventKind.CREATED, ODD), Event(MONDAY, EventKind.HELD, "held"))},
    acts=acts(acknowledgement(), Act(ActKind.EXTEND, "orders/7", ODD, MONDAY, MONDAY, MONDAY + MINUTE)),
    reported={"preview-orders-7": (reported(),)},
    lives={"acme/orders": {"orders/7": LIFE, "orders/9": Life(State.ACTIVE, "")}},
    ends=ENDS,
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
