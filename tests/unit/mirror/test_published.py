import json
import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from plugin.core.answers.breaker import Departure, Emitted
from plugin.core.answers.emission import emission
from plugin.core.answers.filters import Filters
from plugin.core.config.catalog import Catalog
from plugin.core.config.threshold import Threshold
from plugin.core.decision.preview import EmittedPreview
from plugin.core.facts.model import PullRequest
from plugin.errors import NotReady
from plugin.mirror.current import decided
from plugin.mirror.published import TRIES, Published
from plugin.state import NOTHING, Head, Known, Outdated, Unreachable
from plugin.state.memory import MemoryStore
from tests.builders import MONDAY, make_catalog, make_pull_request, make_repository, make_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

CATALOG = make_catalog({"orders": {}, "payments": {}})
ALL, ORDERS = Filters(), Filters(services=frozenset({"orders"}))
MAX_STALE = timedelta(hours=1)
ONE, TWO, THREE = make_pull_request(1), make_pull_request(2), make_pull_request(3)
HELD = {"preview-orders-9": Departure("the catalog has no such preview any more", by_catalog=True)}


def version(number: int, *pull_requests: PullRequest, catalog: Catalog = CATALOG, **given: Any) -> Known:
    snapshot = make_snapshot(catalog, make_repository("acme/orders", *pull_requests))
    return Known(Head(number, MONDAY), catalog, snapshot, **given)


def names(body: bytes) -> list[str]:
    return [one["name"] for one in json.loads(body)["output"]["parameters"]]


class Store(MemoryStore):
    """A store that can be out of reach, or be set to anything."""

    def __init__(self, known: Known = NOTHING) -> None:
        super().__init__(known)
        self.reachable = True
        self.loads = 0
        self.emissions: list[tuple[int, Filters, Emitted]] = []
        self.before_emit: Callable[[], None] = lambda: None

    def head(self) -> Head:
        self._reach()
        return super().head()

    def load(self) -> Known:
        self._reach()
        self.loads += 1
        return super().load()

    def save(self, before: Known, after: Known) -> None:
        self._reach()
        super().save(before, after)

    def emit(self, version: int, filters: Filters, emitted: Emitted) -> None:
        self.before_emit()
        self._reach()
        super().emit(version, filters, emitted)
        self.emissions.append((version, filters, emitted))

    def become(self, known: Known) -> None:
        """Hold something else from now on, however that came about."""
        self._known = known

    def _reach(self) -> None:
        if not self.reachable:
            raise Unreachable("the state cannot be reached")


@dataclass
class Clock:
    now: datetime = MONDAY

    def __call__(self) -> datetime:
        return self.now


def make(store: Store, clock: Clock | None = None) -> Published:
    return Published(store, Threshold(5, 20), MAX_STALE, clock or Clock())


def answer(published: Published, filters: Filters = ALL) -> list[str]:
    return names(published.answer(published.current(), filters))


def refusal(published: Published, filters: Filters = ALL) -> str:
    with pytest.raises(NotReady) as error:
        published.answer(published.current(), filters)
    return str(error.value)


# What is stored is shown


def test_what_is_stored_is_loaded_once_and_decided_once() -> None:
    store = Store(version(1, ONE))
    published = make(store)

    assert published.newest.known is NOTHING
    first = published.current()
    assert first.known.head.version == 1
    assert published.current() is published.current() is published.newest is first
    assert store.loads == 1


def test_a_state_without_anything_is_loaded_only_once_too() -> None:
    store = Store()
    published = make(store)

    assert published.current() is published.current()
    assert store.loads == 1


def test_a_newer_version_of_somebody_else_is_shown_at_once() -> None:
    store = Store(version(1, ONE))
    published = make(store)
    assert answer(published) == ["preview-orders-1"]

    store.become(version(2, ONE, TWO))
    assert answer(published) == ["preview-orders-1", "preview-orders-2"]


def test_of_a_newer_version_only_what_has_changed_is_decided_anew() -> None:
    store = Store(version(1, ONE))
    published = make(store)
    before, known = published.current().decision, store.load()
    orders = make_repository("acme/orders", ONE, TWO)
    repositories = {**known.snapshot.repositories, "acme/orders": orders}
    store.become(replace(known, head=Head(2, MONDAY), snapshot=replace(known.snapshot, repositories=repositories)))
    after = published.current().decision

    assert before
    assert after
    assert after.parts["acme/payments"] is before.parts["acme/payments"]
    assert after.parts["acme/orders"] is not before.parts["acme/orders"]


def test_a_newer_age_of_the_same_version_keeps_the_answers() -> None:
    store = Store(version(1, ONE))
    published = make(store)
    answer(published)
    later = Head(1, MONDAY + timedelta(minutes=1))
    store.become(replace(store.load(), head=later))
    loads = store.loads

    assert published.current().known.head == later
    assert published.newest.bodies.keys() == {ALL}
    assert store.loads == loads


def test_what_changes_no_answer_is_shown_after_reloading() -> None:
    store = Store(version(1, ONE))
    published = make(store)
    answer(published)
    known = store.load()
    store.become(replace(known, snapshot=replace(known.snapshot, doubts={"acme/orders": "no answer"})))

    assert published.current().known.snapshot.doubts == {}
    assert published.reload().known.snapshot.doubts == {"acme/orders": "no answer"}
    assert published.newest.bodies.keys() == {ALL}


# Nothing is answered that may be old


def test_without_the_state_nothing_is_answered() -> None:
    store = Store(version(1, ONE))
    published = make(store)
    answer(published)
    store.reachable = False

    told = "the state cannot be reached; until then it is not known which answer is the newest"
    assert refusal(published) == told
    with pytest.raises(Unreachable):
        published.synchronised()
    store.reachable = True
    assert answer(published) == ["preview-orders-1"]


def test_an_answer_counts_for_as_long_as_it_may_be_stale_and_no_longer_also_after_a_restart() -> None:
    clock = Clock(MONDAY + MAX_STALE)
    published = make(Store(version(1, ONE)), clock)
    assert answer(published) == ["preview-orders-1"]

    clock.now += timedelta(microseconds=1)
    told = "nothing could be read for longer than PREVIEW_MAX_STALE; the log says why"
    assert refusal(published) == told
    assert refusal(make(Store(version(1, ONE)), clock)) == told
    assert make(Store(), clock).current().known == NOTHING  # what was never read is another matter


def test_a_clock_that_was_set_back_does_not_make_an_old_answer_fresh() -> None:
    clock = Clock(MONDAY - MAX_STALE)
    published = make(Store(version(1, ONE)), clock)
    assert answer(published) == ["preview-orders-1"]

    clock.now -= timedelta(microseconds=1)
    assert refusal(published) == "nothing could be read for longer than PREVIEW_MAX_STALE; the log says why"


def test_a_state_that_lacks_an_entry_counts_as_never_read_completely() -> None:
    known = version(3, ONE)
    before = decided(known).decision
    assert before
    lacking = replace(
        known,
        snapshot=replace(known.snapshot, repositories={"acme/payments": make_repository("acme/payments")}),
        emitted={ALL: emission(3, before, ALL)},
    )
    for broken in (lacking, replace(known, catalog=None, emitted=lacking.emitted)):
        current = make(Store(broken)).current()
        assert current.known.catalog is None
        assert current.decision is None
        assert current.known.emitted[ALL] == lacking.emitted[ALL].set_aside()
        assert current.known.head.version == 3


# Storing


def test_what_cannot_be_stored_is_not_answered() -> None:
    store = Store(version(1, ONE))
    published = make(store)
    before = published.current()
    answer(published)
    after = decided(version(2, ONE, TWO))

    store.reachable = False
    with pytest.raises(Unreachable):
        published.store(before, after)
    store.reachable = True
    assert answer(published) == ["preview-orders-1"]

    store.become(version(2, THREE))
    with pytest.raises(Outdated):
        published.store(before, after)
    assert answer(published) == ["preview-orders-3"]


def test_what_was_answered_before_is_answered_while_something_new_is_being_stored() -> None:
    storing, go_on = threading.Event(), threading.Event()

    class SlowStore(Store):
        def save(self, before: Known, after: Known) -> None:
            storing.set()
            assert go_on.wait(10)
            super().save(before, after)

    published = make(SlowStore(version(1, ONE)))
    answer(published)
    answered: list[list[str]] = []
    saving = threading.Thread(target=published.store, args=(published.current(), decided(version(2, ONE, TWO))))
    asking = threading.Thread(target=lambda: answered.append(answer(published)))
    saving.start()
    assert storing.wait(10)
    asking.start()
    asking.join(10)

    assert answered == [["preview-orders-1"]]
    go_on.set()
    saving.join(10)
    assert answer(published) == ["preview-orders-1", "preview-orders-2"]


def test_an_input_that_was_answered_meanwhile_is_not_forgotten() -> None:
    store = Store(version(1, ONE))
    published = make(store)
    before = published.current()
    answer(published, ORDERS)  # while somebody refreshes
    stored = published.store(before, decided(version(2, ONE, TWO, emitted={ALL: Emitted(2, "", {})})))

    assert stored is published.newest
    assert stored.known.emitted.keys() == {ALL, ORDERS}
    assert stored.known.emitted[ORDERS].version == 1
    assert stored.known.emitted[ALL].version == 2


# First answers


def test_an_answer_that_redis_lost_in_a_failover_is_compared_all_the_same() -> None:
    many = [make_pull_request(number) for number in range(1, 11)]
    store = Store(version(1, *many))
    published = make(store)
    answer(published)
    given = store.load().emitted
    edited = make_catalog({"orders": {}, "payments": {}}, prefix="env")
    for state in (version(1, *many), version(2, *many, catalog=edited)):  # the others never heard of the answer
        store.become(state)
        published.reload()
        assert store.load().emitted == given  # so that it outlives this replica

    assert refusal(published).startswith("more previews would leave than PREVIEW_BREAKER allows")


def test_a_lost_answer_that_cannot_be_stored_again_is_not_forgotten() -> None:
    store = Store(version(1, ONE))
    published = make(store)
    answer(published)
    store.become(version(1, ONE))
    store.before_emit = lambda: store.become(version(2, ONE))
    assert published.reload().known.emitted.keys() == {ALL}
    assert store.load().emitted == {}

    store.before_emit = lambda: None
    published.reload()
    assert store.load().emitted.keys() == {ALL}


def test_the_first_answer_to_an_input_is_stored_before_it_is_given() -> None:
    store = Store(version(1, ONE))
    published = make(store)
    body = published.answer(published.current(), ORDERS)

    expected = Emitted(1, CATALOG.fingerprint, {"preview-orders-1": EmittedPreview("orders", "acme/orders", 1)})
    assert names(body) == ["preview-orders-1"]
    assert store.emissions == [(1, ORDERS, expected)]
    assert store.load().emitted == {ORDERS: expected}
    assert published.answer(published.current(), ORDERS) is body
    assert len(store.emissions) == 1


def test_after_a_restart_the_same_is_answered_and_nothing_stored() -> None:
    store = Store(version(1, ONE))
    first = make(store)
    body = first.answer(first.current(), ALL)
    store.emissions.clear()
    second = make(store)

    assert second.answer(second.current(), ALL) == body
    assert store.emissions == []


def test_without_the_state_there_is_no_first_answer() -> None:
    store = Store(version(1, ONE))
    published = make(store)
    current = published.current()
    store.reachable = False

    with pytest.raises(NotReady, match=r"^the state cannot be reached$"):
        published.answer(current, ALL)
    assert published.newest.bodies == {}

    def become_newer_and_vanish() -> None:
        store.become(version(2, ONE))
        store.head = store.load = vanish  # type: ignore[method-assign]

    def vanish() -> Any:
        raise Unreachable("the state cannot be reached")

    store.reachable, store.before_emit = True, become_newer_and_vanish
    with pytest.raises(NotReady, match=r"^the state cannot be reached$"):
        published.answer(current, ALL)


def test_if_somebody_was_quicker_the_newest_is_answered() -> None:
    store = Store(version(1, ONE))
    published = make(store)
    current = published.current()
    versions = iter([version(2, ONE, TWO), version(3, THREE)])

    def quicker() -> None:
        if newer := next(versions, None):
            store.become(newer)

    store.before_emit = quicker
    assert names(published.answer(current, ALL)) == ["preview-orders-3"]
    assert [version for version, _, _ in store.emissions] == [3]
    assert published.newest.known.head.version == 3


@pytest.mark.parametrize(("times", "answered"), [(TRIES - 1, True), (TRIES, False)])
def test_what_changes_too_quickly_is_not_waited_for_without_end(times: int, *, answered: bool) -> None:
    store = Store(version(1, ONE))
    published = make(store)
    current, numbers = published.current(), iter(range(2, 2 + times))

    def quicker() -> None:
        if number := next(numbers, 0):
            store.become(version(number, ONE))

    store.before_emit = quicker
    if answered:
        assert names(published.answer(current, ALL)) == ["preview-orders-1"]
    else:
        with pytest.raises(NotReady, match=r"^what is known changes too quickly; ask again$"):
            published.answer(current, ALL)


def test_an_input_of_the_catalog_before_is_refused_and_leaves_nothing_behind() -> None:
    store = Store(version(1, ONE))
    published = make(store)
    current = published.current()
    store.become(version(2, catalog=make_catalog({"payments": {}})))
    published.current()

    with pytest.raises(NotReady, match=r"^the catalog has just changed; ask again$"):
        published.answer(current, ORDERS)
    assert store.emissions == []
    store.become(NOTHING)
    nothing = make(store)
    with pytest.raises(NotReady, match=r"^the catalog has just changed; ask again$"):
        nothing.answer(nothing.current(), ORDERS)


# Answers of an older version


def older(*numbers: int, number: int = 1, **given: Any) -> Emitted:
    previews = {f"preview-orders-{n}": EmittedPreview("orders", "acme/orders", n) for n in numbers}
    return Emitted(number, CATALOG.fingerprint, previews, **given)


def test_an_answer_of_an_older_version_is_compared_with_the_newest() -> None:
    store = Store(version(2, ONE, emitted={ALL: older(1, 2)}))
    assert answer(make(store)) == ["preview-orders-1"]  # one may leave


def test_too_much_must_not_leave_it_and_if_nobody_has_it_any_more_nothing_is_answered() -> None:
    emitted = replace(older(*range(1, 11)), catalog="another")
    store = Store(version(2, ONE, emitted={ALL: emitted}))

    told = (
        "more previews would leave than PREVIEW_BREAKER allows, and the answer before is not known; "
        "the read routes say which, and how to let them go"
    )
    published = make(store)
    assert refusal(published) == refusal(published) == told
    assert len(store.load().emitted[ALL].held) == 9
    assert store.load().emitted[ALL].previews.keys() == emitted.previews.keys()
    assert answer(published, ORDERS) == ["preview-orders-1"]  # others are answered


def test_a_hold_is_let_go_only_by_a_refresh() -> None:
    held = older(1, 9, body=b'{"output":{"parameters":[{"name":"old"}]}}', held=HELD)
    store = Store(version(2, ONE, emitted={ALL: held}, acknowledged=frozenset({CATALOG.fingerprint})))

    assert answer(make(store)) == ["old"]
    assert store.load().emitted[ALL] == replace(held, version=2)


# Several replicas and many threads


def test_two_replicas_answer_identically_and_never_from_the_older_version() -> None:
    store = Store(version(1, ONE))
    one, two = make(store), make(store)
    assert answer(one) == answer(two) == ["preview-orders-1"]
    before_one, before_two = one.current(), two.current()

    one.store(before_one, decided(replace(store.load(), head=Head(2, MONDAY), snapshot=version(2, ONE, TWO).snapshot)))
    with pytest.raises(Outdated):
        two.store(before_two, decided(version(2)))
    assert one.answer(one.current(), ALL) == two.answer(two.current(), ALL)
    assert answer(two) == ["preview-orders-1", "preview-orders-2"]
    assert [filters for _, filters, _ in store.emissions] == [ALL, ALL]


def test_what_another_replica_answered_first_is_compared_too() -> None:
    pull_requests = [make_pull_request(number) for number in range(1, 8)]
    store = Store(version(1, *pull_requests))
    leader, other = make(store), make(store)
    leader.current()
    assert len(answer(other)) == len(pull_requests)

    renamed = make_catalog({"orders": {}, "payments": {}}, prefix="env")
    after = version(2, *pull_requests, catalog=renamed)
    leader.store(leader.newest, decided(after))

    assert "PREVIEW_BREAKER" in refusal(leader)
    assert "PREVIEW_BREAKER" in refusal(other)


def test_threads_that_ask_while_versions_change_never_see_an_older_one_again() -> None:
    store = Store(version(1, ONE))
    published, poller = make(store), make(store)
    poller.current()
    done, wrong = threading.Event(), list[str]()

    def ask() -> None:
        newest = 0
        while not done.is_set():
            (name,) = answer(published)
            number = int(name.rsplit("-", 1)[1])
            if number < newest:
                wrong.append(f"{number} after {newest}")
            newest = number

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for number in range(2, 60):
        before = poller.current()
        poller.store(before, decided(replace(version(number, make_pull_request(number)), emitted=before.known.emitted)))
    done.set()
    for thread in threads:
        thread.join(10)

    assert wrong == []
    assert answer(published) == ["preview-orders-59"]
