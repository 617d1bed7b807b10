"""What every store promises, whichever it is."""

import threading
from dataclasses import replace

import pytest

from plugin.core.answers.filters import Filters
from plugin.core.answers.history import Event, EventKind
from plugin.state import NOTHING, Head, Outdated, Store
from tests.builders import MONDAY
from tests.unit.state.conftest import Place
from tests.unit.state.knowledge import (
    CATALOG,
    FORKS,
    FULL,
    ODD,
    details,
    emitted,
    known,
    later,
    repository,
    with_repository,
)


def test_a_new_state_knows_nothing(place: Place) -> None:
    store = place.open().store

    assert store.head() == Head(0, None)
    assert store.load() == NOTHING


def test_everything_that_was_saved_is_loaded_in_every_detail(place: Place) -> None:
    place.open().store.save(NOTHING, FULL)
    other = place.open().store

    assert other.head() == FULL.head
    assert details(other.load()) == details(FULL)


def test_a_save_that_was_made_from_something_older_is_refused_and_changes_nothing(place: Place) -> None:
    store = place.open().store
    store.save(NOTHING, FULL)
    newer = with_repository(FULL, repository(title="newer"))
    store.save(FULL, newer)

    with pytest.raises(Outdated):
        store.save(FULL, with_repository(FULL, repository(title="late")))
    assert details(place.open().store.load()) == details(newer)


def test_a_refresh_that_changes_no_answer_is_stored_under_the_same_version(place: Place) -> None:
    store = place.open().store
    store.save(NOTHING, FULL)
    fresher = replace(later(FULL), head=replace(later(FULL).head, version=1))
    fresher = replace(fresher, snapshot=replace(FULL.snapshot, doubts={"acme/orders": "no answer"}))
    store.save(FULL, fresher)

    other = place.open().store
    assert other.head() == fresher.head
    assert details(other.load()) == details(fresher)


def test_what_is_known_no_more_is_stored_no_more(place: Place) -> None:
    store = place.open().store
    full = replace(FULL, acknowledged=frozenset({"0123456789ab"}))
    store.save(NOTHING, full)
    nothing = later(full, snapshot=NOTHING.snapshot, emitted={}, histories={}, acknowledged=frozenset(), catalog=None)
    store.save(full, nothing)

    assert details(place.open().store.load()) == details(nothing)


def test_an_answer_to_a_new_input_is_stored_at_once_and_outlives_a_save_that_did_not_know_it(place: Place) -> None:
    store, other = place.open().store, place.open().store
    store.save(NOTHING, FULL)
    other.load()
    other.emit(1, FORKS, emitted())
    assert details(store.load().emitted[FORKS]) == details(emitted())

    after = with_repository(FULL, repository(title="newer"))
    store.save(FULL, replace(after, emitted={Filters(): emitted(2)}))
    stored = place.open().store.load().emitted
    assert details(stored) == {Filters(): details(emitted(2)), FORKS: details(emitted())}


def test_an_answer_that_another_replaced_meanwhile_is_not_put_back_by_a_save(place: Place) -> None:
    store, other = place.open().store, place.open().store
    store.save(NOTHING, FULL)
    other.load()
    other.emit(1, Filters(), emitted(body=b"another"))
    store.save(FULL, later(FULL))

    assert place.open().store.load().emitted[Filters()].body == b"another"


def test_an_answer_of_an_older_version_is_refused(place: Place) -> None:
    store, other = place.open().store, place.open().store
    store.save(NOTHING, FULL)
    other.load()
    store.save(FULL, later(FULL))

    with pytest.raises(Outdated):
        other.emit(1, FORKS, emitted())
    assert FORKS not in place.open().store.load().emitted


def test_an_acknowledgement_makes_a_new_version_and_is_kept(place: Place) -> None:
    store, command = place.open().store, place.open().store
    store.save(NOTHING, FULL)
    command.acknowledge(CATALOG.fingerprint)

    with pytest.raises(Outdated):
        store.save(FULL, later(FULL))
    before = store.load()
    assert details(before) == details(
        replace(FULL, head=Head(2, FULL.head.fresh_at), acknowledged=frozenset({CATALOG.fingerprint}))
    )
    store.save(before, later(before))
    assert place.open().store.load().acknowledged == {CATALOG.fingerprint}


def test_what_has_not_changed_comes_as_the_same_object(place: Place) -> None:
    store, other = place.open().store, place.open().store
    store.save(NOTHING, FULL)
    first = other.load()
    after = with_repository(FULL, repository(title="newer"))
    store.save(FULL, after)
    second, own = other.load(), store.load()

    assert second.catalog is first.catalog
    assert second.snapshot.repositories["acme/payments"] is first.snapshot.repositories["acme/payments"]
    assert second.snapshot.repositories["acme/orders"] == repository(title="newer")
    assert second.histories["orders/7"] is first.histories["orders/7"]
    assert own.catalog is CATALOG
    assert own.snapshot.repositories["acme/orders"] is after.snapshot.repositories["acme/orders"]


def test_of_many_that_save_at_once_each_goes_on_from_the_one_before(place: Place) -> None:
    state = place.open()

    def add(name: str, store: Store) -> None:
        while True:
            before = store.load()
            after = later(before, histories={**before.histories, name: (Event(MONDAY, EventKind.CREATED, name),)})
            try:
                return store.save(before, after)
            except Outdated:
                continue

    threads = [threading.Thread(target=add, args=(f"orders/{number}", state.store)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    after = place.open().store.load()
    assert after.head.version == 20
    assert len(after.histories) == 20


def test_hints_are_taken_once_by_one(place: Place) -> None:
    board, other = place.open().board, place.open().board
    assert board.take_hints() == frozenset()
    board.hint(["acme/orders", "acme/orders"])
    board.hint([])
    board.hint([ODD])

    if place.setting.startswith("sqlite"):
        other = board  # a file has one process that listens to hints
    assert other.take_hints() == {"acme/orders", ODD}
    assert board.take_hints() == frozenset()


def test_the_version_that_was_asked_for_only_grows(place: Place) -> None:
    board = place.open().board
    assert board.newest_asked() == 0
    board.asked(3)
    board.asked(2)

    assert board.newest_asked() == 3


def test_only_one_polls_where_there_is_one(place: Place) -> None:
    assert place.open().lease.held


@pytest.mark.parametrize("place", ["sqlite", "redis"], indirect=True)
def test_nothing_is_lost_between_a_stop_and_a_start(place: Place) -> None:
    state = place.open()
    state.store.save(NOTHING, known(1, repository()))
    state.close()

    again = place.open()
    again.lease.compete()
    before = again.store.load()
    again.store.save(before, later(before))
    assert again.store.head().version == 2
