"""From the setting's text to a state."""

from pathlib import Path

import pytest

from plugin.errors import InvalidSettings
from plugin.state import NOTHING
from plugin.state.opening import open_state, stored
from tests.knowledge import FULL, details


def test_a_path_may_begin_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    open_state("sqlite:~/deep/state.db").close()

    assert (tmp_path / "deep" / "state.db").exists()


def test_a_relative_path_means_the_folder_of_the_start_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    state = open_state("sqlite::memory:")
    state.store.save(NOTHING, FULL)
    monkeypatch.chdir("/")

    assert state.store.head() == FULL.head
    state.close()
    assert details(stored(f"sqlite:{tmp_path}/:memory:")) == details(FULL)


def test_a_user_without_a_home_must_write_the_whole_path(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidSettings, match=r"PREVIEW_STATE: ~nobody-like-this/state\.db: there is no home folder"):
        open_state("sqlite:~nobody-like-this/state.db")
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("os.getuid", lambda: 123_456_789)
    with pytest.raises(InvalidSettings, match="home"):
        stored("sqlite:~/state.db")
