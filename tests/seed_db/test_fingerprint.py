import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.seed_db.host import SEED_DB

CONTENT = {".sql", ".csv", ".redis", ".json"}


@pytest.fixture(name="source")
def _source(tmp_path: Path) -> Path:
    return shutil.copytree(SEED_DB, tmp_path / "seed-db")


def fingerprint(source: Path, dataset: str = "default") -> str:
    done = subprocess.run(
        [source / "fingerprint", dataset], text=True, check=True, capture_output=True, cwd=source.parent
    )
    return done.stdout.strip()


def contents(source: Path, dataset: str) -> list[Path]:
    folders = [source / "migrations", source / "datasets" / dataset]
    return sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in CONTENT)


def test_is_a_valid_image_tag_and_differs_per_dataset() -> None:
    tags = {fingerprint(SEED_DB, dataset.name) for dataset in (SEED_DB / "datasets").iterdir()}

    assert len(tags) == 2
    assert all(len(tag) == 12 and set(tag) <= set("0123456789abcdef") for tag in tags)


def test_does_not_change_with_place_time_or_mode(source: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "other"
    for path in (path for path in source.rglob("*") if path.is_file()):
        copy = other / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
        copy.chmod(0o700)
        os.utime(copy, (1, 1))

    assert fingerprint(other) == fingerprint(SEED_DB)


def test_does_not_change_with_the_order_in_which_files_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprint(SEED_DB)
    reverse = tmp_path / "find"
    reverse.write_text(f'#!/bin/sh\n{shutil.which("find")} "$@" | sort --zero-terminated --reverse\n')
    reverse.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    assert fingerprint(SEED_DB) == before


def test_does_not_change_with_files_other_than_content(source: Path) -> None:
    for path in (
        "README.md",
        "Dockerfile",
        "build",
        "image/copy",
        "migrations/README.md",
        "datasets/default/README.md",
        "datasets/default/postgres/10_users.csv~",
        "datasets/minimal/postgres/10_users.csv",
    ):
        with (source / path).open("a") as file:
            file.write("\n")

    assert fingerprint(source) == fingerprint(SEED_DB)


@pytest.mark.parametrize("dataset", ["default", "minimal"])
def test_changes_with_every_file_of_content(source: Path, dataset: str) -> None:
    before = fingerprint(source, dataset)
    paths = contents(source, dataset)
    assert len(paths) > 14

    for path in paths:
        text = path.read_bytes()
        path.write_bytes(text + b" ")
        assert fingerprint(source, dataset) != before, path
        path.write_bytes(text)

    assert fingerprint(source, dataset) == before


def test_changes_when_a_file_comes_goes_or_is_renamed(source: Path) -> None:
    folder = source / "datasets/default/postgres"
    tags = [fingerprint(source)]
    (folder / "50_coupons.csv").write_text("id\n")
    tags.append(fingerprint(source))
    (folder / "50_coupons.csv").rename(folder / "51_coupons.csv")
    tags.append(fingerprint(source))
    (folder / "41_refunds.csv").unlink()
    tags.append(fingerprint(source))

    assert len(set(tags)) == 4


def test_changes_when_a_line_moves_from_one_file_to_the_next(source: Path) -> None:
    first, second = contents(source, "default")[:2]
    before = fingerprint(source)
    *lines, last = first.read_text().splitlines(keepends=True)
    first.write_text("".join(lines))
    second.write_text(last + second.read_text())

    assert fingerprint(source) != before


def test_refuses_an_unknown_dataset() -> None:
    for arguments in ([], ["defualt"], [""]):
        done = subprocess.run([SEED_DB / "fingerprint", *arguments], text=True, check=False, capture_output=True)

        assert done.returncode == 2
        assert done.stdout == ""
        assert "one of: datasets/default datasets/minimal" in done.stderr
