"""The lease of a file: one process serves, until it ends in any way."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from plugin.errors import InvalidSettings
from plugin.state.file_lease import FileLease

HOLDER = """
import sys
from pathlib import Path
from plugin.state.file_lease import FileLease
FileLease(Path(sys.argv[1])).compete()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@contextmanager
def held_by_another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_file_lease_is_held_until_it_is_closed(path: Path) -> None:
    lease = FileLease(path)
    assert not lease.held
    lease.compete()
    assert lease.held
    lease.close()
    lease.close()
    assert not lease.held
    with held_by_another_process(path):  # which it would not be if it were still locked
        pass


def test_a_second_process_is_refused_the_file_lease(path: Path) -> None:
    with held_by_another_process(path):
        lease = FileLease(path, timeout=0.1)
        with pytest.raises(
            InvalidSettings, match=rf"another process serves from {path}; use Redis for several replicas"
        ):
            lease.compete()
        assert not lease.held


def test_a_file_has_one_lock_whatever_name_leads_to_it(path: Path, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(path)
    (tmp_path / "folder").symlink_to(tmp_path)
    with held_by_another_process(path):
        for name in (tmp_path / "link.db", tmp_path / "folder" / "state.db"):
            with pytest.raises(InvalidSettings, match="another process"):
                FileLease(name, timeout=0.0).compete()


def test_a_killed_process_releases_the_file_lease(path: Path) -> None:
    with held_by_another_process(path) as process:
        process.send_signal(signal.SIGKILL)
        lease = FileLease(path)
        lease.compete()
        assert lease.held
        lease.close()


def test_the_file_lease_waits_for_a_process_that_is_ending(path: Path) -> None:
    with held_by_another_process(path) as process:
        assert process.stdin
        process.stdin.close()
        lease = FileLease(path)
        lease.compete()
        assert lease.held
        lease.close()


def test_a_path_that_cannot_be_locked_is_an_invalid_setting(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match=r"^PREVIEW_STATE: .*missing/state\.db cannot be locked: "):
        FileLease(tmp_path / "missing" / "state.db").compete()
