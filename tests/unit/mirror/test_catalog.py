from pathlib import Path

import pytest

from plugin.errors import InvalidFile
from plugin.mirror.catalog import WatchedCatalog
from tests.builders import catalog_text


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    path = tmp_path / "catalog.yaml"
    path.write_text(catalog_text({"orders": {}}), "utf-8")
    return path


def test_an_unchanged_file_stays_the_same_catalog(path: Path) -> None:
    watched = WatchedCatalog(path)

    assert watched.read() is watched.newest
    assert watched.read() is watched.read()
    assert watched.error == ""


def test_a_changed_file_is_a_new_catalog(path: Path) -> None:
    watched = WatchedCatalog(path)
    path.write_text(catalog_text({"orders": {}, "users": {}}), "utf-8")

    assert list(watched.read().services) == ["orders", "users"]
    assert watched.error == ""


def test_a_broken_version_is_refused_with_its_mistakes_until_it_is_mended(path: Path) -> None:
    watched = WatchedCatalog(path)
    before = watched.newest
    path.write_text(catalog_text({"orders": {"port": 0}}), "utf-8")

    for _ in range(2):
        assert watched.read() is before
        assert watched.error == f"{path}:11: services.orders.port: must be greater than or equal to 1"

    path.write_text(catalog_text({"orders": {}}), "utf-8")
    assert list(watched.read().services) == ["orders"]
    assert watched.error == ""


def test_a_file_that_is_gone_for_a_moment_leaves_no_error_behind(path: Path) -> None:
    watched = WatchedCatalog(path)
    before, text = watched.newest, path.read_text("utf-8")
    path.unlink()
    assert watched.read() is before
    assert watched.error == f"[Errno 2] No such file or directory: '{path}'"

    path.write_bytes(b"\xff")
    assert watched.read() is before
    assert "can't decode byte 0xff" in watched.error

    path.write_text(text, "utf-8")
    assert watched.read() is before
    assert watched.error == ""


def test_a_broken_version_that_is_gone_for_a_moment_is_still_broken(path: Path) -> None:
    watched = WatchedCatalog(path)
    path.write_text("version: 2", "utf-8")
    watched.read()
    broken = watched.error
    path.unlink()
    watched.read()
    path.write_text("version: 2", "utf-8")
    watched.read()

    assert watched.error == broken


def test_at_the_start_there_is_no_old_version_to_keep(path: Path) -> None:
    path.write_text("version: 2", "utf-8")
    with pytest.raises(InvalidFile):
        WatchedCatalog(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        WatchedCatalog(path)
