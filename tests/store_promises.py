"""What every state promises, whichever it is: a test class for each place where a state can be kept."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from plugin.core.answers.history import Event, EventKind
from plugin.core.commands.answer import Answer, Note, Reaction
from plugin.core.facts.acts import Act, ActKind
from plugin.core.facts.deployments import Deployed
from plugin.core.facts.heard import Comment
from plugin.core.reports.budget import Budget
from plugin.core.reports.content import Kind, Target
from plugin.core.reports.steps import Item, Standing
from plugin.state import NOTHING, Head, OpenedState, Outdated, Store
from plugin.state.opening import open_state, stored
from plugin.state.outbox import Sent
from tests.builders import MONDAY
from tests.knowledge import (
    FULL,
    ODD,
    acknowledgement,
    acts,
    details,
    hold,
    known,
    later,
    live,
    reported,
    repository,
    with_repository,
)

COMMENT = Standing(Target(Kind.COMMENT, "acme/orders", 7), (Item(1, state="confidential", digest="d"),), None, MONDAY)
COMMAND = Note(
    Comment("IC_1", 1, "ada", "/preview pause", MONDAY, edited=False),
    "acme/orders",
    7,
    Answer(acts=(Act(ActKind.PAUSE, "orders/7", "ada", MONDAY, MONDAY),), added=("preview",), reaction=Reaction.DONE),
    MONDAY,
    MONDAY,
)
DEPLOYMENT = Standing(
    Target(Kind.DEPLOYMENT, "acme/orders", 7, "orders"),
    (Item(1, "a" * 40, "success", "x"), Item(2, "b" * 40)),
    None,
    MONDAY,
)


@dataclass(frozen=True)
class Place:
    """Where a state is kept, however often it is opened."""

    setting: str
    open: Callable[[], OpenedState]


@contextmanager
def place_of(setting: str) -> Iterator[Place]:
    """Open states of one setting; the first of them polls."""
    with ExitStack() as opened:

        def open_it() -> OpenedState:
            if states and setting == "memory":
                return states[0]  # memory belongs to one process
            state = open_state(setting)
            opened.callback(state.close)
            if not states:
                state.lease.compete()
            states.append(state)
            return state

        states: list[OpenedState] = []
        yield Place(setting, open_it)


class StorePromises:
    """Subclasses run in a folder that has a fixture `place`."""

    def test_a_new_state_is_empty(self, place: Place) -> None:
        store = place.open().store

        assert store.head() == Head(0, None)
        assert store.load() == NOTHING

    def test_everything_saved_is_loaded_in_every_detail(self, place: Place) -> None:
        place.open().store.save(NOTHING, FULL)
        other = place.open().store

        assert other.head() == FULL.head
        assert details(other.load()) == details(FULL)

    def test_a_save_based_on_an_older_version_is_refused(self, place: Place) -> None:
        store = place.open().store
        store.save(NOTHING, FULL)
        newer = with_repository(FULL, repository(title="newer"))
        store.save(FULL, newer)

        with pytest.raises(Outdated):
            store.save(FULL, with_repository(FULL, repository(title="late")))
        assert details(place.open().store.load()) == details(newer)

    def test_a_refresh_that_changes_no_answer_keeps_the_version(self, place: Place) -> None:
        store = place.open().store
        store.save(NOTHING, FULL)
        fresher = replace(later(FULL), head=replace(later(FULL).head, version=1))
        fresher = replace(fresher, snapshot=replace(FULL.snapshot, doubts={"acme/orders": "no answer"}))
        store.save(FULL, fresher)

        other = place.open().store
        assert other.head() == fresher.head
        assert details(other.load()) == details(fresher)

    def test_removed_parts_are_deleted(self, place: Place) -> None:
        store = place.open().store
        store.save(NOTHING, FULL)
        nothing = replace(NOTHING, head=later(FULL).head)
        store.save(FULL, nothing)

        assert details(place.open().store.load()) == details(nothing)

    def test_an_empty_answer_is_not_the_same_as_none(self, place: Place) -> None:
        store = place.open().store
        nobody = replace(FULL, live=replace(live(), by_repository={}))
        store.save(NOTHING, nobody)

        loaded = place.open().store.load().live
        assert loaded == nobody.live
        assert loaded is not None

    @pytest.mark.parametrize("parameters", [None, b"", b"[]", b"[\n]\n"], ids=["none", "no bytes", "empty", "newlines"])
    def test_a_held_answer_is_loaded_byte_for_byte(self, place: Place, parameters: bytes | None) -> None:
        place.open().store.save(NOTHING, replace(FULL, hold=hold(parameters)))

        assert place.open().store.load().hold == hold(parameters)

    def test_an_act_makes_a_new_version_and_outlives_saves(self, place: Place) -> None:
        store, command = place.open().store, place.open().store
        store.save(NOTHING, FULL)
        said = acknowledgement("0123456789ab", by="ada")
        command.act(said)

        with pytest.raises(Outdated):
            store.save(FULL, later(FULL))
        before = store.load()
        assert details(before) == details(
            replace(FULL, head=Head(2, FULL.head.fresh_at), acts={**FULL.acts, **acts(said)})
        )
        store.save(before, later(before))
        assert place.open().store.load().acts == {**FULL.acts, **acts(said)}

    def test_an_act_can_be_the_first_thing_stored(self, place: Place) -> None:
        said = acknowledgement()
        place.open().store.act(said)

        loaded = place.open().store.load()
        assert loaded == replace(NOTHING, head=Head(1, None), acts=acts(said))

    def test_a_newer_act_replaces_one_about_the_same_subject(self, place: Place) -> None:
        store = place.open().store
        newer = acknowledgement(by="grace", at=MONDAY + timedelta(seconds=1))
        for said in (acknowledgement(by="ada"), newer):
            store.act(said)

        assert place.open().store.load().acts == {(ActKind.ACKNOWLEDGE, newer.subject): newer}

    def test_an_older_act_is_ignored_and_makes_no_version(self, place: Place) -> None:
        store, other = place.open().store, place.open().store
        newer = acknowledgement(by="grace", at=MONDAY + timedelta(seconds=1))
        store.act(newer)
        other.act(acknowledgement(by="ada"))
        store.act(acknowledgement("0123456789ab"))  # about another subject

        loaded = place.open().store.load()
        assert loaded.head.version == 2
        assert loaded.acts == acts(newer, acknowledgement("0123456789ab"))

    def test_a_report_makes_no_version_and_every_replica_has_it(self, place: Place) -> None:
        store, other = place.open().store, place.open().store
        store.save(NOTHING, FULL)
        before, head = other.load(), other.head()
        new = reported(Deployed.DEGRADED, minute=1)
        store.report("preview-orders-7", new)

        assert other.head().version == head.version
        assert other.head().reports != head.reports
        after = other.load()
        assert details(after) == details(
            replace(before, head=other.head(), reported={"preview-orders-7": (replace(new, ready_at=MONDAY),)})
        )
        assert after.snapshot.repositories["acme/orders"] is before.snapshot.repositories["acme/orders"]

    def test_a_repeated_or_older_report_changes_nothing(self, place: Place) -> None:
        store = place.open().store
        store.report("preview-orders-7", reported(minute=1))
        head = store.head()
        for again in (reported(minute=1), reported(Deployed.FAILED, minute=0), reported(Deployed.DEPLOYING, minute=1)):
            store.report("preview-orders-7", again)

        assert place.open().store.head() == head
        assert place.open().store.load().reported == {"preview-orders-7": (reported(minute=1),)}

    def test_a_report_can_be_the_first_thing_stored(self, place: Place) -> None:
        place.open().store.report("preview-orders-7", reported())

        loaded = place.open().store.load()
        assert loaded.reported == {"preview-orders-7": (reported(),)}
        assert loaded.head.version == 0

    def test_a_save_that_began_before_a_report_succeeds_and_does_not_undo_it(self, place: Place) -> None:
        store, other = place.open().store, place.open().store
        store.save(NOTHING, FULL)
        before = store.load()
        failed = reported(Deployed.FAILED, minute=1)
        other.report("preview-orders-7", failed)
        other.report("preview-payments-9", reported())
        store.save(before, later(before, histories={}))

        for each in (store, other, place.open().store):
            loaded = each.load()
            assert loaded.head.version == 2
            assert loaded.histories == {}
            assert loaded.reported == {
                "preview-orders-7": (replace(failed, ready_at=MONDAY),),
                "preview-payments-9": (reported(),),
            }

    def test_reports_that_were_dropped_are_deleted_and_others_stay(self, place: Place) -> None:
        store = place.open().store
        store.save(NOTHING, FULL)
        store.report("preview-payments-9", reported())
        before = store.load()
        store.save(before, later(before, reported={"preview-payments-9": (reported(),)}))

        assert place.open().store.load().reported == {"preview-payments-9": (reported(),)}

    def test_concurrent_reports_about_one_preview_keep_every_commit(self, place: Place) -> None:
        stores = [place.open().store for _ in range(2)]
        said = [reported(sha=f"{number:040x}", minute=number) for number in range(8)]
        threads = [
            threading.Thread(target=stores[i % 2].report, args=("preview-orders-7", report))
            for i, report in enumerate(said)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert place.open().store.load().reported == {"preview-orders-7": tuple(said)}

    def test_unchanged_parts_are_loaded_as_the_same_objects(self, place: Place) -> None:
        store, other = place.open().store, place.open().store
        store.save(NOTHING, FULL)
        first = other.load()
        after = with_repository(FULL, repository(title="newer"))
        store.save(FULL, after)
        second, own = other.load(), store.load()

        assert second.catalog is first.catalog
        assert second.hold is first.hold
        assert second.snapshot.repositories["acme/payments"] is first.snapshot.repositories["acme/payments"]
        assert second.snapshot.repositories["acme/orders"] == repository(title="newer")
        assert second.histories["orders/7"] is first.histories["orders/7"]
        assert second.live
        assert first.live
        assert second.live.by_repository["acme/orders"] is first.live.by_repository["acme/orders"]
        assert own.catalog is after.catalog
        assert own.snapshot.repositories["acme/orders"] is after.snapshot.repositories["acme/orders"]

    def test_concurrent_saves_each_continue_from_the_one_before(self, place: Place) -> None:
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

    def test_concurrent_acts_about_one_subject_leave_the_newest(self, place: Place) -> None:
        stores = [place.open().store for _ in range(2)]
        said = [acknowledgement(by=str(second), at=MONDAY + timedelta(seconds=second)) for second in range(20)]
        threads = [threading.Thread(target=stores[i % 2].act, args=(act,)) for i, act in enumerate(said)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert place.open().store.load().acts == acts(said[-1])

    def test_what_was_sent_is_kept_with_the_budget_and_can_be_forgotten(self, place: Place) -> None:
        outbox, budget = place.open().outbox, Budget().spent("acme/orders#7", MONDAY).closed("acme/orders#7", MONDAY)
        assert outbox.load() == Sent()
        outbox.keep(budget, COMMENT.target, COMMENT)
        outbox.keep(budget, DEPLOYMENT.target, replace(DEPLOYMENT, unsure_since=MONDAY))
        outbox.keep(budget, DEPLOYMENT.target, DEPLOYMENT)

        assert place.open().outbox.load() == Sent(budget, {COMMENT.target: COMMENT, DEPLOYMENT.target: DEPLOYMENT})
        outbox.keep(budget, COMMENT.target, None)
        outbox.keep(budget, COMMENT.target, None)
        outbox.keep_note(budget, COMMAND.key, COMMAND)
        assert place.open().outbox.load() == Sent(budget, {DEPLOYMENT.target: DEPLOYMENT}, {COMMAND.key: COMMAND})
        outbox.keep_note(Budget(), COMMAND.key, None)
        assert place.open().outbox.load() == Sent(Budget(), {DEPLOYMENT.target: DEPLOYMENT})

    def test_since_when_comments_count_is_kept_and_can_be_forgotten(self, place: Place) -> None:
        outbox = place.open().outbox
        outbox.load()
        outbox.keep_since(Budget(), MONDAY)
        outbox.keep_since(Budget(), MONDAY + timedelta(seconds=1))
        assert place.open().outbox.load() == Sent(since=MONDAY + timedelta(seconds=1))
        outbox.keep_since(Budget(), None)
        assert place.open().outbox.load() == Sent()

    def test_what_was_sent_is_no_part_of_what_is_known(self, place: Place) -> None:
        state = place.open()
        assert state.outbox.load() == Sent()
        state.outbox.keep(Budget(), COMMENT.target, COMMENT)
        state.store.save(NOTHING, FULL)
        before = state.store.load()
        state.outbox.keep(Budget(), DEPLOYMENT.target, DEPLOYMENT)

        assert state.store.head() == FULL.head
        assert details(state.store.load()) == details(before)
        nothing = later(FULL, snapshot=NOTHING.snapshot, live=None, hold=None, histories={}, acts={}, catalog=None)
        state.store.save(before, nothing)
        other = place.open()
        assert details(other.store.load()) == details(nothing)
        assert set(other.outbox.load().standings) == {COMMENT.target, DEPLOYMENT.target}

    def test_hints_are_taken_once_by_one_replica(self, place: Place) -> None:
        board, other = place.open().board, place.open().board
        assert board.take_hints() == frozenset()
        board.hint(["acme/orders", "acme/orders"])
        board.hint([])
        board.hint([ODD])

        if place.setting.startswith("sqlite"):
            other = board  # one process serves from a file, so hints stay in its memory
        assert other.take_hints() == {"acme/orders", ODD}
        assert board.take_hints() == frozenset()

    def test_the_newest_asked_version_only_grows(self, place: Place) -> None:
        board = place.open().board
        assert board.newest_asked() == 0
        board.asked(3)
        board.asked(2)

        assert board.newest_asked() == 3

    def test_a_single_replica_holds_the_lease(self, place: Place) -> None:
        assert place.open().lease.held


class DurableStorePromises(StorePromises):
    """What a state promises that outlives its process."""

    def test_nothing_is_lost_between_a_stop_and_a_start(self, place: Place) -> None:
        state = place.open()
        state.store.save(NOTHING, known(1, repository()))
        state.close()

        again = place.open()
        again.lease.compete()
        before = again.store.load()
        again.store.save(before, later(before))
        assert again.store.head().version == 2

    def test_what_was_sent_outlives_the_process(self, place: Place) -> None:
        state = place.open()
        assert state.outbox.load() == Sent()
        state.outbox.keep(Budget(), COMMENT.target, COMMENT)
        state.close()

        assert place.open().outbox.load() == Sent(Budget(), {COMMENT.target: COMMENT})

    def test_the_stored_state_can_be_read_beside_the_server(self, place: Place) -> None:
        assert stored(place.setting) == NOTHING
        server = place.open()
        server.store.save(NOTHING, FULL)

        assert details(stored(place.setting)) == details(FULL)
        assert server.lease.held
