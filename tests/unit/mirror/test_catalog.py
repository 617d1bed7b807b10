from datetime import timedelta
from pathlib import Path

import pytest

from plugin.core.config.catalog import Catalog
from plugin.errors import InvalidFile
from plugin.mirror.catalog import WatchedCatalog
from tests.builders import catalog_text, make_catalog


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    path = tmp_path / "catalog.yaml"
    path.write_text(catalog_text({"orders": {}}), "utf-8")
    return path


def test_an_unchanged_file_stays_the_same_catalog(path: Path) -> None:
    watched = WatchedCatalog(path)

    assert watched.waits is None
    assert watched.read(None) is watched.newest
    assert watched.read(None) is watched.read(None)
    assert watched.error == ""


def test_a_changed_file_is_a_new_catalog(path: Path) -> None:
    watched = WatchedCatalog(path)
    path.write_text(catalog_text({"orders": {}, "users": {}}), "utf-8")

    assert list(watched.read(None).services) == ["orders", "users"]
    assert watched.error == ""


def test_a_broken_version_is_refused_until_it_is_fixed(path: Path) -> None:
    watched = WatchedCatalog(path)
    before = watched.newest
    path.write_text(catalog_text({"orders": {"port": 0}}), "utf-8")

    for _ in range(2):
        assert watched.read(None) is before
        assert watched.error == f"{path}:11: services.orders.port"

    path.write_text(catalog_text({"orders": {}}), "utf-8")
    assert list(watched.read(None).services) == ["orders"]
    assert watched.error == ""


def test_a_briefly_missing_file_leaves_no_error_behind(path: Path) -> None:
    watched = WatchedCatalog(path)
    before, text = watched.newest, path.read_text("utf-8")
    path.unlink()
    assert watched.read(None) is before
    assert watched.error == f"[Errno 2] No such file or directory: '{path}'"

    path.write_bytes(b"\xff")
    assert watched.read(None) is before
    assert watched.error == f"{path}:1: is not UTF-8 text"

    path.write_text(text, "utf-8")
    assert watched.read(None) is before
    assert watched.error == ""


def test_a_broken_file_that_is_briefly_missing_is_still_broken(path: Path) -> None:
    watched = WatchedCatalog(path)
    path.write_text("version: 2", "utf-8")
    watched.read(None)
    broken = watched.error
    path.unlink()
    watched.read(None)
    path.write_text("version: 2", "utf-8")
    watched.read(None)

    assert watched.error == broken


def test_at_the_start_there_is_no_old_version_to_keep(path: Path) -> None:
    path.write_text("version: 2", "utf-8")
    with pytest.raises(InvalidFile):
        WatchedCatalog(path)
    path.write_text("", "utf-8")
    with pytest.raises(InvalidFile):
        WatchedCatalog(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        WatchedCatalog(path)


# Beside what other replicas put in force


def edition(number: int) -> Catalog:
    return make_catalog({"orders": {"port": number}})


@pytest.fixture(name="now")
def _now() -> list[float]:
    return [5.0]


@pytest.fixture(name="replica")
def _replica(path: Path, now: list[float]) -> WatchedCatalog:
    """Its file holds the edition 2, which replaced the edition 1."""
    path.write_text(edition(1).text, "utf-8")
    replica = WatchedCatalog(path, steady=lambda: now[0])
    replica.read(edition(1))
    path.write_text(edition(2).text, "utf-8")
    replica.read(edition(1))
    return replica


def test_a_new_edition_counts_before_other_replicas_have_it(replica: WatchedCatalog) -> None:
    assert replica.read(edition(1)).text == edition(2).text
    assert replica.read(edition(1)) is replica.newest
    assert replica.waits is None


def test_an_older_edition_waits_while_another_replica_has_a_newer_one(
    path: Path, replica: WatchedCatalog, now: list[float]
) -> None:
    replica.read(edition(2))
    newer = edition(3)
    assert replica.read(newer) is newer
    assert replica.newest is newer
    assert replica.waits == timedelta(minutes=10)
    now[0] += 90
    assert replica.read(newer) is newer
    assert replica.waits == timedelta(seconds=510)
    assert replica.error == ""

    path.write_text(newer.text, "utf-8")
    assert replica.read(newer).text == newer.text
    assert replica.waits is None


def test_an_edition_that_was_replaced_unseen_is_older_too(
    replica: WatchedCatalog,
) -> None:
    newest = edition(3)  # the edition 2 was in force when nobody looked

    assert replica.read(newest) is newest


def test_a_file_that_changes_while_it_waits_is_a_new_edition(path: Path, replica: WatchedCatalog) -> None:
    replica.read(edition(3))
    path.write_text(edition(4).text, "utf-8")

    assert replica.read(edition(3)).text == edition(4).text
    assert replica.waits is None
    path.write_text(edition(2).text, "utf-8")  # somebody takes all of it back
    assert replica.read(edition(3)).text == edition(2).text


def test_an_older_file_counts_after_ten_minutes(replica: WatchedCatalog, now: list[float]) -> None:
    replica.read(edition(3))
    now[0] += 599.9
    assert replica.read(edition(3)).text == edition(3).text
    now[0] += 0.1
    for _ in range(2):
        assert replica.read(edition(3)).text == edition(2).text
        assert replica.waits is None


def test_each_newer_edition_needs_its_own_time_to_spread(replica: WatchedCatalog, now: list[float]) -> None:
    replica.read(edition(3))
    now[0] += 500
    replica.read(edition(4))
    now[0] += 500

    assert replica.read(edition(4)).text == edition(4).text
    assert replica.waits == timedelta(seconds=100)
    now[0] += 200
    assert replica.waits == timedelta(0)


def test_an_edit_undone_elsewhere_is_no_longer_waited_for(replica: WatchedCatalog) -> None:
    replica.read(edition(3))
    replica.read(edition(2))
    assert replica.waits is None

    replica.read(edition(3))
    replica.read(None)  # the state was lost
    assert replica.newest.text == edition(2).text
    assert replica.waits is None


def test_at_the_start_a_file_counts_unless_it_was_seen_replaced(path: Path) -> None:
    path.write_text(edition(2).text, "utf-8")
    replica = WatchedCatalog(path)
    replica.read(None)

    assert replica.read(edition(3)).text == edition(2).text
    assert replica.waits is None


def test_a_broken_file_keeps_the_catalog_of_another_replica(path: Path, replica: WatchedCatalog) -> None:
    in_force = edition(1)
    path.write_text("version: 2", "utf-8")
    assert replica.read(in_force) is in_force
    assert replica.error.startswith(f"{path}:1: ")
    path.unlink()
    assert replica.read(in_force) is in_force

    path.write_text(edition(2).text, "utf-8")
    assert replica.read(in_force).text == edition(2).text
    assert replica.error == ""


def test_a_process_starts_with_a_broken_file_beside_a_catalog_in_force(path: Path) -> None:
    in_force = edition(1)
    path.write_text("version: 2", "utf-8")
    replica = WatchedCatalog(path, lambda: in_force)

    assert replica.newest is replica.read(in_force) is in_force
    assert replica.error == f"{path}:1: domain\n{path}:1: services\n{path}:1: version"
    assert replica.read(None) is in_force
    path.write_text(edition(2).text, "utf-8")
    assert replica.read(in_force).text == edition(2).text
    path.unlink()
    without = WatchedCatalog(path, lambda: in_force)
    assert without.read(in_force) is in_force
    assert without.error == f"[Errno 2] No such file or directory: '{path}'"
    assert without.waits is None


def test_the_catalog_in_force_is_not_loaded_if_the_file_is_valid(path: Path) -> None:
    def fail() -> Catalog:
        raise AssertionError

    assert WatchedCatalog(path, fail).error == ""


def test_a_briefly_missing_file_still_counts_beside_the_old_catalog(path: Path) -> None:
    path.write_text(edition(1).text, "utf-8")
    replica, in_force = WatchedCatalog(path), edition(1)
    path.write_text(edition(2).text, "utf-8")
    newer = replica.read(in_force)
    path.unlink()

    assert replica.read(in_force) is newer is replica.newest
    assert replica.error.startswith("[Errno 2]")
    path.write_bytes(b"\xff")  # which is a mistake, and not only for a moment
    assert replica.read(in_force) is in_force
