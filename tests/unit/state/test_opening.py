"""From the setting's text to a state."""

from pathlib import Path

import pytest

from plugin.errors import InvalidSettings
from plugin.state import NOTHING, Unreachable
from plugin.state.lease import LEASE
from plugin.state.opening import open_state, stored
from tests.redis_server import RedisServer
from tests.server import free_port
from tests.unit.state.conftest import Place
from tests.unit.state.knowledge import FULL, details


@pytest.mark.parametrize("place", ["sqlite", "redis"], indirect=True)
def test_what_is_stored_can_be_looked_at_beside_the_server(place: Place) -> None:
    assert stored(place.setting) == NOTHING
    server = place.open()
    server.store.save(NOTHING, FULL)

    assert details(stored(place.setting)) == details(FULL)
    assert server.lease.held


def test_memory_keeps_nothing() -> None:
    open_state("memory").store.save(NOTHING, FULL)

    assert stored("memory") == NOTHING


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


def test_a_redis_that_is_not_there_yet_can_be_opened() -> None:
    state = open_state(f"redis://127.0.0.1:{free_port()}/0")
    try:
        state.lease.compete()
        assert not state.lease.held
        with pytest.raises(Unreachable):
            state.store.head()
    finally:
        state.close()


def test_a_closed_state_leaves_the_lease_to_others(redis: RedisServer) -> None:
    state = open_state(redis.url)
    state.lease.compete()
    assert state.lease.held
    state.close()

    with redis.client() as client:
        assert client.get(LEASE) is None
