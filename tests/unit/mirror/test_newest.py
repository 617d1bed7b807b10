import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from plugin.core.answers.emission import live_previews
from plugin.core.config.catalog import Catalog
from plugin.core.facts.acts import Act, ActKind
from plugin.core.facts.model import PullRequest
from plugin.core.life.earlier_ends import EarlierEnds
from plugin.core.life.living import NOBODY, Living
from plugin.mirror.current import decided
from plugin.mirror.newest import Newest
from plugin.state import NOTHING, Head, Known, Outdated, Unreachable
from plugin.state.memory import MemoryStore
from tests.builders import MONDAY, make_catalog, make_pull_request, make_repository, make_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

CATALOG = make_catalog({"orders": {}, "payments": {}})
JUDGED = Living(next_at=MONDAY)
ONE, TWO, THREE = make_pull_request(1), make_pull_request(2), make_pull_request(3)


def version(number: int, *pull_requests: PullRequest, catalog: Catalog = CATALOG) -> Known:
    """Previews of orders that were answered, in this version."""
    known = Known(Head(number, MONDAY), catalog, make_snapshot(catalog, make_repository("acme/orders", *pull_requests)))
    decision = decided(known).decision
    assert decision
    return replace(known, live=live_previews(decision, None))


class Store(MemoryStore):
    """A store that can be unreachable, or be set to anything."""

    def __init__(self, known: Known = NOTHING) -> None:
        super().__init__(known)
        self.reachable = True
        self.loads = 0
        self.before_save: Callable[[], None] = lambda: None

    def head(self) -> Head:
        self._reach()
        return super().head()

    def load(self) -> Known:
        self._reach()
        self.loads += 1
        return super().load()

    def save(self, before: Known, after: Known) -> None:
        self.before_save()
        self._reach()
        super().save(before, after)

    def become(self, known: Known) -> None:
        """Hold something else from now on, for whatever reason."""
        self._known = known

    def _reach(self) -> None:
        if not self.reachable:
            raise Unreachable("the state cannot be reached")


def live(newest: Newest) -> list[str]:
    return [preview.name for preview in newest.synchronised().previews if preview.verdict.live]


# What is stored is shown


def test_a_stored_version_is_loaded_and_decided_once() -> None:
    store = Store(version(1, ONE))
    newest = Newest(store)

    assert newest.known_here.known is NOTHING
    first = newest.synchronised()
    assert first.known.head.version == 1
    assert newest.synchronised() is newest.synchronised() is newest.known_here is first
    assert store.loads == 1


def test_an_empty_state_is_loaded_once_too() -> None:
    store = Store()
    newest = Newest(store)

    assert newest.synchronised() is newest.synchronised()
    assert newest.synchronised().known == NOTHING
    assert store.loads == 1


def test_a_newer_version_of_another_replica_is_shown_at_once() -> None:
    store = Store(version(1, ONE))
    newest = Newest(store)
    assert live(newest) == ["preview-orders-1"]

    store.become(version(2, ONE, TWO))
    assert live(newest) == ["preview-orders-1", "preview-orders-2"]


def test_only_changed_repositories_of_a_newer_version_are_decided_again() -> None:
    store = Store(version(1, ONE))
    newest = Newest(store)
    before, known = newest.synchronised().decision, store.load()
    orders = make_repository("acme/orders", ONE, TWO)
    repositories = {**known.snapshot.repositories, "acme/orders": orders}
    store.become(replace(known, head=Head(2, MONDAY), snapshot=replace(known.snapshot, repositories=repositories)))
    after = newest.synchronised().decision

    assert before
    assert after
    assert after.parts["acme/payments"] is before.parts["acme/payments"]
    assert after.parts["acme/orders"] is not before.parts["acme/orders"]


def test_a_newer_age_of_the_same_version_keeps_the_decision() -> None:
    store = Store(version(1, ONE))
    newest = Newest(store)
    decision = newest.synchronised().decision
    later = Head(1, MONDAY + timedelta(minutes=1))
    store.become(replace(store.load(), head=later))
    loads = store.loads

    assert newest.synchronised().known.head == later
    assert newest.synchronised().decision is decision
    assert store.loads == loads


def test_a_doubt_that_changes_no_answer_is_shown_after_a_reload() -> None:
    store = Store(version(1, ONE))
    newest = Newest(store)
    decision = newest.synchronised().decision
    known = store.load()
    store.become(replace(known, snapshot=replace(known.snapshot, doubts={"acme/orders": "no answer"})))

    assert newest.synchronised().known.snapshot.doubts == {}
    assert newest.reload().known.snapshot.doubts == {"acme/orders": "no answer"}
    assert newest.synchronised().decision is decision


def test_after_a_save_that_failed_the_store_is_loaded_again() -> None:
    store = Store(version(1, ONE))
    newest = Newest(store)
    before = newest.synchronised()
    loads = store.loads
    store.reachable = False
    with pytest.raises(Unreachable):  # the reply can be lost after the store has written
        newest.store(before, before)
    store.reachable = True

    assert newest.synchronised().known == before.known
    assert store.loads == loads + 1
    assert newest.synchronised() is newest.synchronised()


# Nothing older is shown


def test_an_unreachable_state_is_an_error_and_is_reported_each_time() -> None:
    store, told = Store(version(1, ONE)), list[str]()
    newest = Newest(store, lambda: told.append("unreachable"))
    before = newest.synchronised()
    store.reachable = False

    for ask in (newest.synchronised, newest.reload, lambda: newest.store(before, before)):
        with pytest.raises(Unreachable):
            ask()
    assert told == ["unreachable"] * 3
    assert newest.known_here is before
    store.reachable = True
    assert live(newest) == ["preview-orders-1"]


def test_a_version_that_cannot_be_stored_is_not_shown() -> None:
    store = Store(version(1, ONE))
    newest = Newest(store)
    before = newest.synchronised()
    after = decided(version(2, ONE, TWO))

    store.reachable = False
    with pytest.raises(Unreachable):
        newest.store(before, after)
    store.reachable = True
    assert live(newest) == ["preview-orders-1"]

    store.become(version(2, THREE))
    with pytest.raises(Outdated):
        newest.store(before, after)
    assert live(newest) == ["preview-orders-3"]


def test_the_old_version_is_shown_while_a_new_one_is_being_stored() -> None:
    storing, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        storing.set()
        assert go_on.wait(10)

    store = Store(version(1, ONE))
    newest = Newest(store)
    before = newest.synchronised()
    store.before_save = wait
    shown: list[list[str]] = []
    saving = threading.Thread(target=newest.store, args=(before, decided(version(2, ONE, TWO))))
    asking = threading.Thread(target=lambda: shown.append(live(newest)))
    saving.start()
    assert storing.wait(10)
    asking.start()
    asking.join(10)

    assert shown == [["preview-orders-1"]]
    go_on.set()
    saving.join(10)
    assert live(newest) == ["preview-orders-1", "preview-orders-2"]


def test_concurrent_readers_never_see_an_older_version() -> None:
    store = Store(version(1, ONE))
    newest, poller = Newest(store), Newest(store)
    done, wrong = threading.Event(), list[str]()

    def look() -> None:
        seen = 0
        while not done.is_set():
            (name,) = live(newest)
            number = int(name.rsplit("-", 1)[1])
            if number < seen:
                wrong.append(f"{number} after {seen}")
            seen = number

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for number in range(2, 60):
        poller.store(poller.synchronised(), decided(version(number, make_pull_request(number))))
    done.set()
    for thread in threads:
        thread.join(10)

    assert wrong == []
    assert live(newest) == ["preview-orders-59"]


# A state that lost an entry


def test_without_the_repository_of_a_live_preview_no_catalog_is_in_force() -> None:
    known = version(3, ONE)
    lost = {"acme/payments": make_repository("acme/payments")}
    current = Newest(Store(replace(known, snapshot=replace(known.snapshot, repositories=lost)))).synchronised()

    assert current.known.catalog is None
    assert current.decision is None
    assert current.known.live == known.live
    assert current.known.head.version == 3


def test_without_a_live_record_every_repository_must_be_stored() -> None:
    known = replace(version(3, ONE), live=None)
    assert Newest(Store(known)).synchronised().known.catalog is CATALOG

    lost = {"acme/orders": make_repository("acme/orders", ONE)}
    current = Newest(Store(replace(known, snapshot=replace(known.snapshot, repositories=lost)))).synchronised()
    assert current.known.catalog is None


def test_a_repository_without_live_previews_may_be_missing() -> None:
    known = version(3, ONE)
    lost = {"acme/orders": make_repository("acme/orders", ONE)}
    newest = Newest(Store(replace(known, snapshot=replace(known.snapshot, repositories=lost))))

    assert newest.synchronised().known.catalog is CATALOG
    assert newest.synchronised().unread == ("acme/payments",)
    assert live(newest) == ["preview-orders-1"]


# What was judged


def lived_on(store: Store) -> Newest:
    """A newest version whose lives were judged here."""
    newest, known = Newest(store), version(1, ONE)
    newest.store(newest.synchronised(), replace(decided(known), living=JUDGED))
    return newest


def test_what_was_judged_still_holds_once_somebody_has_acted() -> None:
    store = Store()
    newest = lived_on(store)
    store.act(Act(ActKind.PAUSE, "orders/1", "ada", MONDAY))

    assert newest.synchronised().living is JUDGED
    assert newest.known_here.known.acts


@pytest.mark.parametrize(
    "other",
    [{"catalog": make_catalog({"orders": {}, "payments": {}})}, {"ends": EarlierEnds(CATALOG.fingerprint, {}, 1)}],
    ids=["catalog", "plans that stay in force"],
)
def test_what_was_judged_by_other_plans_is_forgotten(other: dict[str, Any]) -> None:
    store = Store()
    newest = lived_on(store)
    store.become(replace(version(2, ONE), **other))

    assert newest.synchronised().living is NOBODY
