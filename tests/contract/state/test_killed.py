"""`kill -9` at any moment: what is found afterwards is one of the states that were saved, and whole."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from plugin.state.entries import SCHEMA
from plugin.state.sqlite import SqliteStore, stored_in
from tests.contract.state.writer import PULL_REQUESTS, REPOSITORIES
from tests.knowledge import details
from tests.version_1 import copy_file, expected

ROUNDS = 100
UPGRADES = 30


@dataclass
class Writer:
    """A process that starts savers one after the other; what it says comes line by line."""

    process: "subprocess.Popen[str]"
    saved: list[int] = field(default_factory=list)

    def start(self) -> int:
        assert self.process.stdin
        self.process.stdin.write("start\n")
        self.process.stdin.flush()
        return int(self.read_until("process"))

    def read_until(self, word: str) -> str:
        assert self.process.stdout
        for line in self.process.stdout:
            said, _, number = line.strip().partition(" ")
            if said == "saved":
                self.saved.append(int(number))
            if said == word:
                return number
        raise AssertionError("the writer has ended")


@contextmanager
def running(module: str, path: Path) -> Iterator[Writer]:
    command = [sys.executable, "-m", f"tests.contract.state.{module}", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Writer(process)
        process.kill()


@pytest.fixture(name="writer")
def _writer(tmp_path: Path) -> Iterator[Writer]:
    with running("writer", tmp_path / "state.db") as writer:
        yield writer


def test_a_file_survives_any_kill(tmp_path: Path, writer: Writer) -> None:
    chance, newest = random.Random(4), 0
    with capture_logs() as logs:
        for _ in range(ROUNDS):
            process = writer.start()
            for _ in range(chance.randrange(4)):
                writer.read_until("saved")
            time.sleep(chance.uniform(0, 0.02))  # any moment: what follows holds for each
            os.kill(process, signal.SIGKILL)
            writer.read_until("dead")

            with closing(SqliteStore(tmp_path / "state.db")) as store:
                known = store.load()
            # One that was killed between storing and saying so counts, too: the next one goes on from there.
            newest = max(newest, *writer.saved[-1:], 0)
            assert known.head.version in (newest, newest + 1)
            newest = known.head.version
            if known.head.version:
                found = {
                    pull_request.title
                    for repository in known.snapshot.repositories.values()
                    for pull_request in repository.pull_requests
                }
                assert found == {str(known.head.version)}
                assert len(known.snapshot.repositories) == REPOSITORIES
                assert all(len(one.pull_requests) == PULL_REQUESTS for one in known.snapshot.repositories.values())

    assert logs == []
    assert writer.saved[-1] > ROUNDS / 2
    assert [path.name for path in tmp_path.iterdir()] == ["state.db"]


def test_an_upgrade_survives_any_kill(tmp_path: Path) -> None:
    path, chance, wanted = tmp_path / "state.db", random.Random(5), details(expected("held"))
    versions, duration = [], 0.0
    with running("upgrader", path) as upgrader:
        for _ in range(UPGRADES):
            for file in tmp_path.iterdir():
                file.unlink()
            copy_file("held", path)
            process, started = upgrader.start(), time.monotonic()
            if duration:
                time.sleep(chance.uniform(0, duration))  # any moment: what follows holds for each
            else:
                upgrader.read_until("opened")
                duration = time.monotonic() - started
            os.kill(process, signal.SIGKILL)
            upgrader.read_until("dead")

            assert details(stored_in(path)) == wanted
            with closing(sqlite3.connect(path)) as connection:
                versions += connection.execute("PRAGMA user_version").fetchone()
            SqliteStore(path).close()
            assert details(stored_in(path)) == wanted
            assert details(stored_in(path.with_name("state.db.version-1"))) == wanted

    assert versions[0] == SCHEMA
    assert 1 in versions
