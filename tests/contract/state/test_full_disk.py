"""A disk that is full, as far as the process with the state can tell."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from plugin.state import NOTHING
from plugin.state.sqlite import SqliteStore, stored_in
from tests.knowledge import details
from tests.version_1 import copy_file, expected

LIMITED = """
import resource, sys
from pathlib import Path
from plugin.errors import PluginError
from plugin.state import NOTHING
from plugin.state.sqlite import SqliteStore
from tests.knowledge import FULL
store = SqliteStore(Path(sys.argv[1])) if sys.argv[2] == "later" else None
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))  # as a disk that is full
try:
    store = store or SqliteStore(Path(sys.argv[1]))
    store.save(NOTHING, FULL)
except PluginError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(("when", "error"), [("at once", "InvalidSettings"), ("later", "Unreachable")])
def test_a_full_disk_is_reported_at_the_start_and_later(tmp_path: Path, when: str, error: str) -> None:
    path = tmp_path / "state.db"
    command = [sys.executable, "-c", LIMITED, str(path), when]
    said = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout

    assert said.startswith(error)
    assert str(path) in said
    with closing(SqliteStore(path)) as store:
        assert store.load() == NOTHING


def test_a_full_disk_leaves_a_file_of_version_1_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    copy_file("held", path)
    command = [sys.executable, "-c", LIMITED, str(path), "at once"]
    said = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout

    assert said.startswith("InvalidSettings")
    assert not path.with_name("state.db.version-1").exists()
    assert details(stored_in(path)) == details(expected("held"))
