"""Tries to break what is promised: nothing is deleted by accident, answers never go back, all of it over restarts."""

import threading
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from plugin.core.config.references import Locator
from plugin.core.facts.model import PullRequest
from plugin.errors import InvalidRequest, NotReady
from tests.builders import MONDAY, catalog_text, make_look_up, make_pull_request
from tests.stage import Stage, make_stage

BOTH: dict[str, dict[str, Any]] = {"orders": {"depends_on": ["payments"]}, "payments": {}}
TEN = range(1, 11)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def names(*numbers: int, prefix: str = "preview") -> list[str]:
    return [f"{prefix}-orders-{number}" for number in numbers]


def listing(*numbers: int, **given: Any) -> list[PullRequest]:
    return [make_pull_request(number, **given) for number in numbers]


def confirm(stage: Stage, *numbers: int, state: str = "closed", **given: Any) -> None:
    """Let the source say this of pull requests that it is asked for by number."""
    stage.source.elsewhere |= {Locator("acme/orders", number): make_look_up(state, **given) for number in numbers}


def held(stage: Stage) -> list[str]:
    (emitted,) = [emitted for filters, emitted in stage.known().emitted.items() if filters.services is None]
    return sorted(emitted.held)


def begin(stage: Stage) -> None:
    """Ten previews, and Argo CD has asked for them."""
    stage.source.listed["acme/orders"] = listing(*TEN)
    stage.mirror.refresh()
    assert stage.answer() == names(*TEN)


def edit(stage: Stage, services: Mapping[str, Mapping[str, Any]], **given: Any) -> None:
    stage.path.write_text(catalog_text(services, **given), "utf-8")
    stage.mirror.refresh()


def acknowledge(stage: Stage) -> None:
    stage.state.store.acknowledge(stage.mirror.current()[0].fingerprint)
    stage.mirror.refresh()


def test_what_comes_back_when_an_edit_is_undone_is_looked_up_before_it_leaves(tmp_path: Path) -> None:
    stage = make_stage(tmp_path)
    begin(stage)
    edit(stage, {"payments": {}})
    assert held(stage) == sorted(names(*TEN))
    stage.mirror.refresh()
    stage.source.listed["acme/orders"] = listing(*range(1, 6))
    edit(stage, BOTH)

    assert stage.answer() == names(*TEN)
    confirm(stage, *range(6, 11))
    stage.mirror.refresh()
    assert stage.answer() == names(*range(1, 6))


# Promise 2: confirm before delete


def test_a_listing_that_lost_everything_deletes_nothing_until_each_was_looked_up(stage: Stage) -> None:
    begin(stage)
    stage.source.listed["acme/orders"] = []
    for number in TEN:
        stage.mirror.refresh()
        assert stage.answer() == names(*range(number, 11))
        confirm(stage, number)
    stage.mirror.refresh()
    assert stage.answer() == []


def test_what_is_missing_for_everybody_is_deleted_after_an_hour_of_githubs_clock_whatever_ours_does(
    stage: Stage,
) -> None:
    begin(stage)
    stage.source.listed["acme/orders"] = listing(*range(2, 11))
    githubs = MONDAY
    for ours in (9 * HOUR, -20 * HOUR, 9 * HOUR):
        confirm(stage, 1, state="missing", answered_at=githubs)
        githubs += 29 * MINUTE
        stage.clock.now += ours
        stage.mirror.refresh()
        assert 1 in [int(name.rsplit("-", 1)[1]) for name in stage.answer()]
    confirm(stage, 1, state="missing", answered_at=MONDAY + HOUR)
    stage.mirror.refresh()
    assert stage.answer() == names(*range(2, 11))


def test_an_answer_about_it_from_before_it_was_last_seen_deletes_nothing(stage: Stage) -> None:
    begin(stage)
    stage.source.listed["acme/orders"] = []
    confirm(stage, *TEN, updated_at=MONDAY - MINUTE)
    stage.mirror.refresh()

    assert stage.answer() == names(*TEN)
    assert set(stage.mirror.current()[1].moment.held.values()) == {
        "it is no longer listed, but the answer about it is older than one before"
    }


def test_what_is_held_stays_while_its_repository_is_doubtful_or_the_process_starts_again(stage: Stage) -> None:
    begin(stage)
    stage.source.listed["acme/orders"] = []
    stage.mirror.refresh()
    confirm(stage, *TEN)
    del stage.source.listed["acme/orders"]
    stage = stage.restarted()
    stage.mirror.refresh()
    assert stage.answer() == names(*TEN)

    stage.source.listed["acme/orders"] = []
    stage.mirror.refresh()
    assert stage.answer() == []


# Promise 2: the breaker


def test_drafts_of_too_many_are_let_go_once_each_was_looked_up(stage: Stage) -> None:
    edit(stage, {"orders": {"drafts": False}, "payments": {}})
    begin(stage)
    stage.source.listed["acme/orders"] = listing(*TEN, draft=True)
    confirm(stage, *range(1, 10), state="open", draft=True, labels=frozenset({"preview"}))
    stage.mirror.refresh()
    assert stage.answer() == names(*TEN)

    confirm(stage, 10, state="open", draft=True, labels=frozenset({"preview"}))
    stage.mirror.refresh()
    assert stage.answer() == []


@pytest.mark.parametrize(
    ("edited", "given"),
    [
        ({"payments": {}}, {}),  # the service is removed
        (BOTH, {"prefix": "env"}),  # every name changes
        ({"orders": {"labels": {"require": ["env"]}}, "payments": {}}, {}),  # another label is asked for
        ({"orders": {"labels": {"skip": ["preview"]}}, "payments": {}}, {}),
        ({"orders": {"repository": "acme/payments"}, "payments": {}}, {}),  # it lives in another repository
        ({"commands": {"repository": "acme/orders"}, "payments": {}}, {}),  # it has another name
    ],
    ids=["removed", "prefix", "required label", "skip label", "moved", "renamed"],
)
class TestEditedCatalogs:
    def test_an_edit_deletes_nothing_until_a_human_has_acknowledged_it(
        self, stage: Stage, edited: dict[str, Any], given: dict[str, Any]
    ) -> None:
        begin(stage)
        confirm(stage, *TEN, state="open", labels=frozenset({"preview"}))
        edit(stage, edited, **given)
        for _ in range(3):
            stage.mirror.refresh()
            assert stage.answer() == names(*TEN)
            stage = stage.restarted()
        stage.mirror.refresh()
        assert held(stage) == sorted(names(*TEN))

        acknowledge(stage)
        assert not set(stage.answer()) & set(names(*TEN))
        assert held(stage) == []

    def test_an_edit_that_is_edited_again_waits_for_the_newest_one(
        self, stage: Stage, edited: dict[str, Any], given: dict[str, Any]
    ) -> None:
        begin(stage)
        edit(stage, edited, **given)
        first = stage.mirror.current()[0].fingerprint
        edit(stage, edited, **given | {"domain": "other.example.com"})
        stage.state.store.acknowledge(first)
        stage.mirror.refresh()
        assert stage.answer() == names(*TEN)

        acknowledge(stage)
        assert not set(stage.answer()) & set(names(*TEN))

    def test_an_edit_that_is_taken_back_ends_by_itself(
        self, stage: Stage, edited: dict[str, Any], given: dict[str, Any]
    ) -> None:
        begin(stage)
        edit(stage, edited, **given)
        stage.mirror.refresh()
        edit(stage, BOTH)

        assert held(stage) == []
        assert stage.answer() == names(*TEN)

    def test_an_edit_that_is_taken_back_deletes_nothing_that_a_listing_loses_by_then(
        self, stage: Stage, edited: dict[str, Any], given: dict[str, Any]
    ) -> None:
        begin(stage)
        edit(stage, edited, **given)
        stage.mirror.refresh()
        stage.source.listed["acme/orders"] = []
        edit(stage, BOTH)
        stage.mirror.refresh()

        assert stage.answer() == names(*TEN)
        confirm(stage, *TEN)
        stage.mirror.refresh()
        acknowledge(stage)
        assert stage.answer() == []


def test_while_it_holds_nothing_changes_and_then_everything_does_at_once(stage: Stage) -> None:
    begin(stage)
    body = stage.mirror.answer(stage.mirror.current()[1], next(iter(stage.known().emitted)))
    edit(stage, {"payments": {}})
    stage.source.listed["acme/payments"] = listing(1)
    stage.mirror.refresh()
    assert stage.mirror.answer(stage.mirror.current()[1], next(iter(stage.known().emitted))) == body

    acknowledge(stage)
    assert stage.answer() == ["preview-payments-1"]


def test_a_preview_that_returns_while_it_holds_is_held_no_more(stage: Stage) -> None:
    edit(stage, {"orders": {"drafts": False}, "payments": {}})
    begin(stage)
    stage.source.listed["acme/orders"] = listing(*TEN, draft=True)
    stage.mirror.refresh()
    stage.source.listed["acme/orders"] = [*listing(1), *listing(*range(2, 11), draft=True)]
    stage.mirror.refresh()
    assert held(stage) == sorted(names(*range(2, 11)))

    stage.source.listed["acme/orders"] = [*listing(*range(1, 6)), *listing(*range(6, 11), draft=True)]
    stage.mirror.refresh()
    assert stage.answer() == names(*range(1, 6))  # five may leave


def test_each_input_is_compared_with_what_it_got_itself(stage: Stage) -> None:
    begin(stage)
    stage.source.listed["acme/payments"] = listing(*range(1, 41))
    stage.mirror.refresh()
    assert len(stage.answer()) == 50
    assert stage.answer(services=["orders"]) == names(*TEN)
    edit(stage, {"orders": {"labels": {"skip": ["preview"]}}, "payments": {}})

    # Ten of fifty are not more than 20 %, but ten of ten are.
    assert len(stage.answer()) == 40
    assert stage.answer(services=["orders"]) == names(*TEN)
    assert len(stage.answer(profile="backend")) == 40  # a new input has nothing to lose


def test_an_input_that_the_catalog_does_not_know_for_a_while_loses_nothing_by_that(stage: Stage) -> None:
    stage.source.listed["acme/orders"] = listing(*TEN)
    stage.mirror.refresh()
    assert stage.answer(services=["orders"]) == names(*TEN)
    edit(stage, {"payments": {}})
    with pytest.raises(InvalidRequest):
        stage.answer(services=["orders"])
    stage.mirror.refresh()
    stage.source.listed["acme/orders"] = listing(1)  # the listing is short when it comes back
    edit(stage, BOTH)

    with pytest.raises(NotReady, match="the answer before is not known"):
        stage.answer(services=["orders"])
    stage.source.listed["acme/orders"] = listing(*TEN)
    stage.mirror.refresh()
    assert stage.answer(services=["orders"]) == names(*TEN)


def test_the_history_tells_of_an_acknowledged_departure_whoever_asks_before(stage: Stage) -> None:
    begin(stage)
    edit(stage, {"payments": {}})
    fingerprint = stage.mirror.current()[0].fingerprint
    stage.state.store.acknowledge(fingerprint)
    assert stage.answer() == names(*TEN)  # somebody asks before the next refresh
    stage.mirror.refresh()

    assert stage.answer() == []
    assert [(event.kind, event.reason) for event in stage.known().histories["orders/3"]] == [
        ("created", 'it has the label "preview"'),
        ("held", f"the breaker holds it back: with the catalog {fingerprint} there is no such preview any more"),
        ("gone", f"with the catalog {fingerprint} there is no such preview any more"),
    ]


def test_after_an_acknowledgement_the_next_trip_of_the_breaker_still_has_the_old_answer(stage: Stage) -> None:
    begin(stage)
    stage.state.store.acknowledge("0123456789ab")  # a new version, in which nobody has asked
    edit(stage, {"payments": {}})

    assert stage.answer() == names(*TEN)


def test_an_edit_that_was_acknowledged_and_taken_back_is_to_be_acknowledged_again(stage: Stage) -> None:
    begin(stage)
    original = stage.path.read_text("utf-8")
    edit(stage, {"payments": {}})
    acknowledge(stage)
    stage.mirror.refresh()
    assert stage.answer() == []
    stage.path.write_text(original, "utf-8")
    stage.mirror.refresh()
    assert stage.answer() == names(*TEN)

    edit(stage, {"payments": {}})
    stage.mirror.refresh()
    assert stage.answer() == names(*TEN)


# Promise 3: answers never go back


def test_two_replicas_of_which_both_believe_to_poll_answer_alike_and_never_older(stage: Stage) -> None:
    other = stage.restarted()
    for number in TEN:
        stage.source.listed["acme/orders"] = listing(number)
        confirm(stage, number - 1)
        (stage if number % 2 else other).mirror.refresh()
        assert stage.answer() == other.answer() == names(number)
        assert stage.known().head == other.known().head


def test_a_refresh_that_was_overtaken_changes_nothing(stage: Stage) -> None:
    begin(stage)
    other = stage.restarted()
    reads = stage.source.read

    def read(wanted: Any) -> Any:
        answer = reads(wanted)
        stage.source.read = reads  # type: ignore[method-assign]
        stage.source.listed["acme/orders"] = listing(*TEN, 11)
        other.mirror.refresh()  # while this replica hangs
        return answer

    stage.source.read = read  # type: ignore[method-assign]
    report = stage.mirror.refresh()

    assert report.failure == "something newer was stored meanwhile"
    assert stage.answer() == other.answer() == names(*TEN, 11)


def test_many_ask_while_the_previews_change_and_nobody_gets_an_older_answer(stage: Stage) -> None:
    stage.clock.step = timedelta(0)
    stage.mirror.refresh()
    done, wrong = threading.Event(), list[str]()

    def ask(**parameters: Any) -> None:
        seen: list[str] = []
        while not done.is_set():
            now = stage.answer(**parameters)
            if not set(seen) <= set(now):
                wrong.append(f"{seen} then {now}")
            seen = now

    inputs: list[dict[str, Any]] = [{}, {"services": ["orders"]}, {"profile": "backend"}, {"origin": "any"}]
    threads = [threading.Thread(target=ask, kwargs=parameters) for parameters in inputs]
    for thread in threads:
        thread.start()
    for number in range(1, 16):
        stage.source.listed["acme/orders"] = listing(*range(1, number + 1))
        stage.mirror.refresh()
    done.set()
    for thread in threads:
        thread.join(10)

    assert wrong == []
    assert {tuple(stage.answer(**parameters)) for parameters in inputs} == {tuple(names(*range(1, 16)))}


# Promises 1 and 5: GitHub is down, for long and over restarts


def test_with_github_down_a_restart_changes_no_byte_until_it_is_stale_and_nothing_is_lost_then(stage: Stage) -> None:
    begin(stage)
    body = stage.mirror.answer(stage.mirror.current()[1], next(iter(stage.known().emitted)))
    stage.source.listed, listed = {}, stage.source.listed
    for _ in range(5):
        stage.clock.now += 11 * MINUTE
        stage = stage.restarted()
        stage.mirror.refresh()
        assert stage.mirror.answer(stage.mirror.current()[1], next(iter(stage.known().emitted))) == body

    stage.clock.now += 11 * MINUTE
    for each in (stage, stage.restarted()):
        each.mirror.refresh()
        with pytest.raises(NotReady, match="longer than PREVIEW_MAX_STALE"):
            each.answer()
    stage.source.listed = listed
    stage.mirror.refresh()
    assert stage.answer() == names(*TEN)


def test_a_preview_that_vanished_during_an_outage_is_held_like_any_other(stage: Stage) -> None:
    begin(stage)
    stage.source.listed = {}
    stage.clock.now += 5 * HOUR
    stage = stage.restarted()
    stage.mirror.refresh()
    stage.source.listed = {"acme/orders": listing(*range(1, 10)), "acme/payments": []}
    stage.mirror.refresh()

    assert stage.answer() == names(*TEN)


# All of it at once


class Storm(RuleBasedStateMachine):
    """Whatever happens in whatever order: what is open stays, and once all is well again what was closed is gone."""

    @initialize()
    def start(self) -> None:
        self.folder = TemporaryDirectory()
        self.stage = make_stage(Path(self.folder.name))
        self.open = set(TEN)
        self.closed: set[int] = set()
        self.catalog = "both"
        self.stage.write_catalog(BOTH)
        self.mend()
        assert self.stage.answer() == self.stage.answer(services=["orders"]) == names(*TEN)

    def teardown(self) -> None:
        self.folder.cleanup()

    @rule(lost=st.sets(st.sampled_from(TEN), min_size=1))
    def listing_loses(self, lost: set[int]) -> None:
        self.stage.source.listed["acme/orders"] = listing(*sorted(self.open - lost))

    @rule(numbers=st.sets(st.sampled_from(TEN), min_size=1))
    def look_ups_fail(self, numbers: set[int]) -> None:
        for number in numbers:
            self.stage.source.elsewhere.pop(Locator("acme/orders", number), None)

    @rule(numbers=st.sets(st.sampled_from(TEN), min_size=1))
    def look_ups_go_back_in_time(self, numbers: set[int]) -> None:
        confirm(self.stage, *numbers, updated_at=MONDAY - MINUTE)

    @rule(repository=st.sampled_from(["acme/orders", "acme/payments"]))
    def repository_is_doubtful(self, repository: str) -> None:
        self.stage.source.listed.pop(repository, None)

    @rule(numbers=st.sets(st.sampled_from(TEN), min_size=1, max_size=4))
    def are_closed(self, numbers: set[int]) -> None:
        self.closed |= numbers
        self.open -= numbers

    @rule()
    def process_starts_again(self) -> None:
        self.stage = self.stage.restarted()

    @rule(which=st.sampled_from(["both", "without", "prefix", "label"]))
    def catalog_is_edited(self, which: str) -> None:
        self.catalog = which
        edits: dict[str, dict[str, dict[str, Any]]] = {
            "without": {"payments": {}},
            "label": {"orders": {"labels": {"require": ["env"]}}, "payments": {}},
        }
        services = edits.get(which, BOTH)
        prefix = "env" if which == "prefix" else "preview"
        self.stage.path.write_text(catalog_text(services, prefix=prefix), "utf-8")

    @rule()
    def refresh(self) -> None:
        self.stage.mirror.refresh()

    @rule()
    def mend(self) -> None:
        self.stage.source.listed = {"acme/orders": listing(*sorted(self.open)), "acme/payments": []}
        self.stage.source.elsewhere = {}
        confirm(self.stage, *self.open, state="open", labels=frozenset({"preview"}))
        confirm(self.stage, *self.closed)
        self.stage.mirror.refresh()

    @precondition(lambda self: hasattr(self, "stage"))
    @invariant()
    def nothing_that_is_open_is_missing(self) -> None:
        # Nobody acknowledges anything here, so what more than five would lose stays; below that the catalog decides.
        if len(self.open) <= 5:
            return
        assert {*names(*self.open)} <= {*self.stage.answer()}

    @precondition(lambda self: hasattr(self, "stage"))
    @invariant()
    def an_input_that_a_catalog_did_not_know_gets_all_or_nothing(self) -> None:
        if len(self.open) <= 5:
            return
        try:
            answer = self.stage.answer(services=["orders"])
        except (InvalidRequest, NotReady):
            return
        assert {*names(*self.open)} <= {*answer}

    @rule()
    def once_all_is_well_what_was_closed_is_gone(self) -> None:
        if len(self.open) <= 5:
            return
        self.catalog_is_edited("both")
        self.mend()
        self.stage.mirror.refresh()
        acknowledge(self.stage)
        assert self.stage.answer() == names(*sorted(self.open))


Storm.TestCase.settings = settings(stateful_step_count=25)
TestStorm = Storm.TestCase


def test_another_version_of_the_program_that_gives_other_names_deletes_nothing_until_a_human_has_acknowledged_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(stage)
    monkeypatch.setattr("plugin.core.config.catalog.__version__", "9.9.9")
    monkeypatch.setattr(
        "plugin.core.decision.decide.preview_name", lambda _prefix, service, number, **_: f"new-{service}-{number}"
    )
    confirm(stage, *TEN, state="open", labels=frozenset({"preview"}))
    upgraded = stage.restarted()
    for _ in range(3):
        with pytest.raises(NotReady, match=r"^more previews would leave than PREVIEW_BREAKER allows"):
            upgraded.answer()
        upgraded.mirror.refresh()

    acknowledge(upgraded)
    assert upgraded.answer() == names(*TEN, prefix="new")
