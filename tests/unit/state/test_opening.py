"""From the setting's text to a state."""

from pathlib import Path

import pytest

from plugin.errors import InvalidSettings
from plugin.state import NOTHING
from plugin.state.opening import open_state, stored
from tests.knowledge import FULL, details


def test_a_path_may_start_at_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    open_state("sqlite:~/deep/state.db").close()

    assert (tmp_path / "deep" / "state.db").exists()


def test_a_relative_path_keeps_its_meaning_after_a_change_of_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    state = open_state("sqlite::memory:")
    state.store.save(NOTHING, FULL)
    monkeypatch.chdir("/")

    assert state.store.head() == FULL.head
    state.close()
    assert details(stored(f"sqlite:{tmp_path}/:memory:")) == details(FULL)


def test_a_user_without_a_home_folder_must_give_an_absolute_path(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        InvalidSettings, match=r"PREVIEW_STATE: ~nobody-like-this/state\.db: the home folder is unknown"
    ):
        open_state("sqlite:~nobody-like-this/state.db")
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("os.getuid", lambda: 123_456_789)
    with pytest.raises(InvalidSettings, match="home"):
        stored("sqlite:~/state.db")
