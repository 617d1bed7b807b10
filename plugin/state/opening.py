"""Opening the state that `PREVIEW_STATE` names."""

from pathlib import Path

from plugin.errors import InvalidSettings
from plugin.state import NOTHING, Known, OpenedState
from plugin.state.file_lease import FileLease
from plugin.state.memory import LocalBoard, LocalLease, MemoryStore
from plugin.state.redis import RedisStore
from plugin.state.redis_board import RedisBoard
from plugin.state.redis_client import connect
from plugin.state.redis_lease import RedisLease
from plugin.state.redis_outbox import RedisOutbox
from plugin.state.sqlite import SqliteStore, stored_in
from plugin.state.sqlite_outbox import SqliteOutbox

_SQLITE = "sqlite:"


def open_state(setting: str) -> OpenedState:
    """Open `memory`, `sqlite:PATH` or the URL of a Redis, which may start later. Raises InvalidSettings."""
    if setting == "memory":
        return OpenedState(MemoryStore(), LocalBoard(), LocalLease(), lambda: None)
    if setting.startswith(_SQLITE):
        return _open_file(_path(setting))
    return _open_redis(setting)


def stored(setting: str) -> Known:
    """Return what a server has stored, without changing it. Raises InvalidSettings or Unreachable."""
    if setting.startswith(_SQLITE):
        return stored_in(_path(setting))
    if setting == "memory":
        return NOTHING
    state = open_state(setting)
    try:
        return state.store.load()
    finally:
        state.close()


def _open_file(path: Path) -> OpenedState:
    lease = FileLease(path)
    store = SqliteStore(path, lease)
    outbox = SqliteOutbox(path)

    def close() -> None:
        outbox.close()
        store.close()
        lease.close()

    return OpenedState(store, LocalBoard(), lease, close, outbox)


def _open_redis(url: str) -> OpenedState:
    client = connect(url)
    lease = RedisLease(client)

    def close() -> None:
        lease.close()
        client.close()

    return OpenedState(RedisStore(client, lease), RedisBoard(client), lease, close, RedisOutbox(client, lease))


def _path(setting: str) -> Path:
    path = Path(setting.removeprefix(_SQLITE))
    try:
        return path.expanduser().absolute()
    except RuntimeError:  # a container's user without an entry in /etc/passwd
        raise InvalidSettings(f"PREVIEW_STATE: {path}: the home folder is unknown; give an absolute path") from None
