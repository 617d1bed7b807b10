from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from plugin.core.config.references import Locator
from plugin.errors import NotReady
from tests.builders import make_look_up, make_pull_request
from tests.stage import Stage
from tests.unit.mirror.scenario import BOTH, TEN, acknowledge, begin, edit, held, history, keys, listing, names, reasons

LINK = "version: 1\ndependencies: {payments: pr:9}"
THREE: dict[str, dict[str, Any]] = {"orders": {"depends_on": ["payments", "users"]}, "payments": {}, "users": {}}
FOUR: dict[str, dict[str, Any]] = {**BOTH, "readable": {}, "unreadable": {}}


def not_ready(stage: Stage) -> str:
    with pytest.raises(NotReady) as error:
        stage.current()
    return str(error.value)


# Repositories that were never read


def test_an_unreadable_new_repository_does_not_delay_a_readable_one(stage: Stage) -> None:
    begin(stage)
    stage.source.listed["acme/readable"] = listing(7)
    edit(stage, FOUR)

    assert stage.answer() == [*names(*TEN), "preview-readable-7"]
    assert stage.answer(services=["unreadable"]) == []  # the catalog knows it
    assert stage.catalog().services.keys() == FOUR.keys()


def test_an_unread_repository_is_named_until_it_is_read(stage: Stage) -> None:
    begin(stage)
    stage.source.listed["acme/readable"] = []
    edit(stage, FOUR)
    for _ in range(2):
        assert stage.current().unread == ("acme/unreadable",)
        assert stage.known().snapshot.doubts == {"acme/unreadable": "no answer"}
        stage = stage.restarted()
        stage.refresh()

    stage.source.listed["acme/unreadable"] = listing(8)
    stage.refresh()
    assert stage.current().unread == ()
    assert stage.known().snapshot.doubts == {}
    assert stage.answer() == [*names(*TEN), "preview-unreadable-8"]


def test_removing_an_unread_repository_from_the_catalog_ends_its_doubt(stage: Stage) -> None:
    begin(stage)
    stage.source.listed["acme/readable"] = []
    edit(stage, FOUR)
    edit(stage, {**BOTH, "readable": {}})
    assert stage.current().unread == ()
    stage.refresh()

    assert stage.known().snapshot.doubts == {}
    assert held(stage) == []
    assert stage.answer() == names(*TEN)


def test_a_call_to_a_service_of_an_unread_repository_goes_to_staging(stage: Stage) -> None:
    stage.source.listed["acme/orders"] = listing(1, config="version: 1\ndependencies: {users: pr:9}")
    stage.refresh()
    edit(stage, THREE)

    assert stage.answer() == names(1)
    assert reasons(stage)[1] == "acme/users#9 could not be looked up yet"
    stage.source.listed["acme/users"] = listing(9)
    stage.refresh()
    assert reasons(stage)[1] == "acme/users#9 is live"


def test_at_the_first_start_an_unread_repository_is_named(stage: Stage) -> None:
    stage.write_catalog(FOUR)
    stage.source.listed["acme/readable"] = []
    assert not_ready(stage) == "these repositories have never been read: acme/orders, acme/payments"
    stage.refresh()

    assert not_ready(stage) == "these repositories have never been read: acme/unreadable"
    assert stage.reports[-1].current.known.snapshot.doubts == {"acme/unreadable": "no answer"}
    with pytest.raises(NotReady, match="acme/unreadable"):
        stage.answer()


def test_removing_the_unread_repository_ends_the_first_wait(stage: Stage) -> None:
    del stage.source.listed["acme/payments"]
    stage.refresh()
    assert not_ready(stage) == "these repositories have never been read: acme/payments"

    edit(stage, {"orders": {}})
    assert stage.titles() == {"acme/orders": []}


def test_moving_a_live_service_to_an_unread_repository_waits(stage: Stage) -> None:
    begin(stage)
    old = stage.catalog()
    moved: dict[str, dict[str, Any]] = {"orders": {"repository": "acme/unreadable"}, "payments": {"port": 9}}
    edit(stage, moved)
    stage.source.listed["acme/orders"] = listing(*TEN, 11)
    stage.refresh()

    assert stage.catalog() is old
    assert held(stage) == []
    assert stage.answer() == names(*TEN, 11)  # pushes and new pull requests go on
    assert stage.known().snapshot.doubts == {"acme/unreadable": "no answer"}

    stage.source.listed["acme/unreadable"] = []
    stage.refresh()
    assert stage.answer() == names(*TEN, 11)  # now it is an edit that removes too much
    assert held(stage) == keys(*TEN, 11)
    acknowledge(stage)
    assert stage.answer() == []
    assert history(stage, "orders/1")[-1] == ("gone", "the catalog moved orders from acme/orders to acme/unreadable")


def test_an_empty_live_record_lets_an_unread_repository_wait_alone(stage: Stage) -> None:
    stage.refresh()
    stage.write_catalog(FOUR)
    fresh = stage.restarted()
    fresh.refresh()
    assert fresh.catalog().services.keys() == FOUR.keys()  # nothing was live, which is known too


def test_a_removed_repository_is_neither_read_nor_kept(stage: Stage) -> None:
    stage.refresh()
    stage.write_catalog({"orders": {}})
    stage.refresh()
    stage.refresh()

    assert stage.titles() == {"acme/orders": []}
    assert list(stage.known().snapshot.repositories) == ["acme/orders"]
    assert list(stage.source.asked[-1]) == ["acme/orders"]


def test_a_held_repository_is_read_and_kept_until_it_is_released(stage: Stage) -> None:
    begin(stage)
    edit(stage, {"payments": {}})
    stage.refresh()
    assert stage.source.asked[-1].keys() == {"acme/orders", "acme/payments"}
    assert "acme/orders" in stage.known().snapshot.repositories

    acknowledge(stage)
    stage.refresh()
    assert list(stage.source.asked[-1]) == ["acme/payments"]
    assert list(stage.known().snapshot.repositories) == ["acme/payments"]


# Edits


def test_old_and_new_labels_are_listed_until_the_edit_is_in_force(stage: Stage) -> None:
    stage.refresh()
    stage.write_catalog({"orders": {"labels": {"require": ["env"]}}, "payments": {}})
    for _ in range(2):
        stage.refresh()
        assert stage.catalog().services["orders"].policy.require == ("env",)

    asked = [asked["acme/orders"] for asked in stage.source.asked]
    assert asked == [{"preview"}, {"env", "preview"}, {"env"}]


def test_files_are_judged_by_the_old_catalog_while_the_new_one_waits(stage: Stage) -> None:
    stage.source.listed["acme/orders"] = listing(1, config=LINK)
    stage.source.elsewhere = {Locator("acme/payments", 9): make_look_up("closed")}
    stage.refresh()
    stage.write_catalog(THREE | {"orders": {"repository": "acme/unreadable", "depends_on": ["payments", "users"]}})
    early = make_pull_request(1, config="version: 1\ndependencies: {users: staging}")
    stage.source.listed["acme/orders"] = [early]
    stage.refresh()

    assert reasons(stage) == ["acme/payments#9 was closed"]  # the last good file links to it


def test_a_broken_catalog_is_refused_and_the_old_one_stays_in_force(stage: Stage) -> None:
    stage.refresh()
    good, in_force = stage.path.read_text("utf-8"), stage.catalog()
    stage.path.write_text("version: 2\n" + good.replace('"version": 1,', ""), "utf-8")
    stage.refresh()
    stage.refresh()

    assert stage.catalog() is in_force
    assert [bool(report.catalog_error) for report in stage.reports] == [False, True, True]
    stage.path.write_text(good, "utf-8")
    assert stage.refresh().catalog_error == ""


def test_a_briefly_missing_file_does_not_end_a_hold(stage: Stage) -> None:
    begin(stage)
    edit(stage, {"payments": {}})
    text, version = stage.path.read_text("utf-8"), stage.known().head.version
    stage.path.unlink()
    assert stage.refresh().catalog_error
    assert held(stage) == keys(*TEN)
    assert stage.known().head.version == version

    acknowledge(stage)  # and nobody has to say it twice
    assert stage.answer() == []
    stage.path.write_text(text, "utf-8")
    assert stage.refresh().catalog_error == ""
    assert stage.answer() == []


def test_a_held_edit_that_becomes_broken_is_taken_back(stage: Stage) -> None:
    begin(stage)
    edit(stage, {"payments": {}})
    stage.path.write_text("version: 2", "utf-8")
    stage.source.listed["acme/orders"] = listing(*TEN, 11)
    stage.refresh()

    assert held(stage) == []
    assert stage.answer() == names(*TEN, 11)


def test_an_older_file_keeps_the_catalog_of_another_replica(stage: Stage, tmp_path: Path) -> None:
    stage.refresh()
    other = stage.beside(tmp_path / "other.yaml")
    other.write_catalog(THREE)
    stage.source.listed["acme/users"] = []
    other.refresh()
    report = stage.refresh()

    assert list(stage.titles()) == ["acme/orders", "acme/payments", "acme/users"]
    assert report.current.known.catalog is other.known().catalog
    assert report.catalog_waits_until
    assert timedelta(minutes=9) < report.catalog_waits_until - stage.clock.now <= timedelta(minutes=10)
    stage.write_catalog(THREE)
    assert stage.refresh().catalog_waits_until is None
    assert stage.refresh(["acme/orders"]).current.known.head.version == other.known().head.version


def test_an_older_file_does_not_undo_another_replicas_held_edit(stage: Stage, tmp_path: Path) -> None:
    begin(stage)
    other = stage.beside(tmp_path / "other.yaml")
    other.refresh()
    other.write_catalog({"payments": {}})
    other.refresh()
    assert held(other) == keys(*TEN)
    acknowledge(other)
    assert other.answer() == []
    stage.refresh()

    assert stage.answer() == []
    assert list(stage.catalog().services) == ["payments"]
