from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from plugin.core.config.references import Locator
from plugin.errors import NotReady, PluginError
from plugin.mirror.catalog import WatchedCatalog
from plugin.state import Known, Outdated, Unreachable
from tests.builders import make_look_up, make_pull_request
from tests.stage import Stage
from tests.unit.mirror.scenario import TEN, begin, edit, held, keys, listing, names

UNEXPECTED = "the refresh failed; the log says why"


def test_without_the_state_nothing_is_read_and_the_next_refresh_works(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.source.listed["acme/orders"] = listing(1)
    stage.refresh()
    asked = len(stage.source.asked)

    def vanish() -> Any:
        raise Unreachable("the state cannot be reached")

    stage.source.listed["acme/orders"] = listing(1, 2)
    with monkeypatch.context() as broken:
        broken.setattr(stage.state.store, "head", vanish)
        report = stage.refresh()
    assert (report.failure, report.changed) == ("the state cannot be reached", False)
    assert len(stage.source.asked) == asked
    assert stage.answer() == names(1)

    assert stage.refresh().failure == ""
    assert stage.answer() == names(1, 2)


@pytest.mark.parametrize("error", [Unreachable("the state cannot be reached"), Outdated("something newer was stored")])
def test_a_version_that_cannot_be_stored_is_not_answered(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, error: PluginError
) -> None:
    stage.source.listed["acme/orders"] = listing(1)
    stage.refresh()
    stage.answer()

    def fail(before: Known, after: Known) -> None:  # noqa: ARG001  as the store's
        raise error

    stage.source.listed["acme/orders"] = listing(1, 2)
    with monkeypatch.context() as broken, capture_logs() as logs:
        broken.setattr(stage.state.store, "save", fail)
        report = stage.refresh()
        assert stage.answer() == names(1)
    assert (report.failure, report.changed, report.events, logs) == (str(error), False, {}, [])

    report = stage.refresh()
    assert (report.failure, report.changed) == ("", True)
    assert stage.answer() == names(1, 2)


def fail_once(stage: Stage, where: str) -> None:
    """Let an unexpected error happen there, once."""

    def fail(*_: Any, **__: Any) -> Any:
        patch.undo()
        raise ZeroDivisionError

    patch = pytest.MonkeyPatch()
    targets: dict[str, tuple[Any, str]] = {
        "catalog": (WatchedCatalog, "read"),
        "source": (stage.source, "read"),
        "store": (stage.state.store, "save"),
        "load": (stage.state.store, "head"),
    }
    target, name = targets[where]
    patch.setattr(target, name, fail)


@pytest.mark.parametrize("where", ["catalog", "source", "store", "load"])
def test_an_unexpected_error_is_logged_and_puts_everything_in_doubt(stage: Stage, where: str) -> None:
    stage.source.listed["acme/orders"] = listing(1)
    stage.refresh()
    before = stage.known()
    fail_once(stage, where)
    with capture_logs() as logs:
        report = stage.refresh()

    assert report.failure == UNEXPECTED
    assert [(log["event"], repr(log["exc_info"])) for log in logs] == [("the refresh failed", "ZeroDivisionError()")]
    assert stage.known() == before
    assert stage.known().head == before.head
    assert stage.known().snapshot.doubts == dict.fromkeys(("acme/orders", "acme/payments"), report.failure)
    assert stage.refresh().failure == ""
    assert stage.known().snapshot.doubts == {}


def test_an_unexpected_error_ends_no_hold(stage: Stage) -> None:
    begin(stage)
    edit(stage, {"payments": {}})
    fail_once(stage, "source")
    with capture_logs():
        stage.refresh()

    assert held(stage) == keys(*TEN)
    assert stage.answer() == names(*TEN)


def test_a_store_that_always_fails_does_not_end_refreshing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(before: Known, after: Known) -> None:  # noqa: ARG001  as the store's
        raise ZeroDivisionError

    stage.refresh()
    with monkeypatch.context() as broken, capture_logs() as logs:
        broken.setattr(stage.state.store, "save", fail)
        assert stage.refresh().failure == UNEXPECTED
    assert len(logs) == 1
    assert stage.refresh().failure == ""


# A state that lost something


def test_a_lost_catalog_is_in_force_again_after_the_next_refresh(stage: Stage) -> None:
    stage.source.listed["acme/orders"] = listing(1)
    stage.refresh()
    lacking = replace(stage.known(), catalog=None)
    stage.state.store.save(lacking, lacking)
    again = stage.restarted()

    with pytest.raises(NotReady, match=r"^these repositories have never been read: those of a new catalog$"):
        again.current()
    again.refresh()
    assert again.answer() == names(1)


def lose_orders(stage: Stage) -> Stage:
    """Return a new process whose state has lost the repository of ten live previews."""
    known = stage.known()
    rest = {name: each for name, each in known.snapshot.repositories.items() if name != "acme/orders"}
    lacking = replace(known, snapshot=replace(known.snapshot, repositories=rest))
    stage.state.store.save(known, lacking)
    return stage.restarted()


def test_a_lost_repository_is_answered_again_once_it_was_read(stage: Stage) -> None:
    begin(stage)
    again = lose_orders(stage)
    with pytest.raises(NotReady, match=r"^these repositories have never been read: acme/orders$"):
        again.answer()
    del again.source.listed["acme/orders"]
    again.refresh()
    with pytest.raises(NotReady, match=r"^these repositories have never been read: acme/orders$"):
        again.answer()

    again.source.listed["acme/orders"] = listing(*TEN)
    again.refresh()
    assert again.answer() == names(*TEN)


def test_a_short_listing_of_a_lost_repository_deletes_nothing(stage: Stage) -> None:
    begin(stage)
    again = lose_orders(stage)
    again.source.listed["acme/orders"] = listing(*range(1, 9))  # nobody has looked up the other two
    for _ in range(2):
        again.refresh()
        with pytest.raises(NotReady):
            again.answer()

    again.source.listed["acme/orders"] = listing(*TEN)
    again.refresh()
    assert again.answer() == names(*TEN)


def test_closed_pull_requests_of_a_lost_repository_may_leave(stage: Stage) -> None:
    begin(stage)
    again = lose_orders(stage)
    again.source.listed["acme/orders"] = listing(*TEN)
    for number in (1, 2):
        again.source.close("acme/orders", number)
    again.refresh()

    assert again.answer() == names(*range(3, 11))


@pytest.mark.parametrize(
    "shown",
    [
        {"draft": True},
        {"labels": ("preview", "no-preview")},
        {"target_branch": "old"},
        {"fork": True},
    ],
)
def test_a_listing_of_a_lost_repository_that_ends_a_preview_is_confirmed_first(
    stage: Stage, shown: dict[str, Any]
) -> None:
    policy = {"drafts": False, "labels": {"skip": ["no-preview"]}, "target_branches": ["main"]}
    stage.write_catalog({"orders": policy, "payments": {}})
    begin(stage)
    again = lose_orders(stage)
    changed, target = make_pull_request(1, **shown), Locator("acme/orders", 1)
    again.source.listed["acme/orders"] = [changed, *listing(*range(2, 11))]
    for answer in (None, make_look_up(labels=frozenset({"preview"}))):
        again.source.elsewhere = {target: answer} if answer else {}
        again.refresh()
        with pytest.raises(NotReady, match="acme/orders"):
            again.answer()

    again.source.elsewhere[target] = make_look_up(
        labels=frozenset(changed.labels), draft=changed.draft, target_branch=changed.target_branch
    )
    again.refresh()
    if changed.fork:  # which it cannot have become
        with pytest.raises(NotReady, match="acme/orders"):
            again.answer()
    else:
        assert again.answer() == names(*range(2, 11))


def test_facts_are_confirmed_although_the_state_lost_what_was_live(stage: Stage) -> None:
    stage.write_catalog({"orders": {"drafts": False}, "payments": {}})
    begin(stage)
    known = stage.known()
    assert known.live
    rest = {name: each for name, each in known.live.by_repository.items() if name != "acme/orders"}
    stage.state.store.save(known, replace(known, live=replace(known.live, by_repository=rest)))
    again = stage.restarted()
    again.source.listed["acme/orders"] = [make_pull_request(1, draft=True), *listing(*range(2, 11))]
    again.refresh()

    assert again.answer() == names(*TEN)
    assert Locator("acme/orders", 1) in again.source.looked_up
