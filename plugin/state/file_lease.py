"""The lease of a state in a file: one process serves from it, and has a lock for as long as it lives.

The lock is on a file of its own: SQLite locks its own files, and over NFS both would be the same kind of lock.
https://man7.org/linux/man-pages/man2/flock.2.html
"""

import fcntl
import os
import time
from pathlib import Path

from plugin.errors import InvalidSettings

PATIENCE = 5.0  # seconds for a process that is ending; gunicorn starts the next one before that on SIGHUP
PAUSE = 0.05  # seconds between two tries


class FileLease:
    """Held from `compete` until it is closed, or the process ends in any way."""

    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        """`path` is the state's own; `patience` in seconds."""
        self._path = path.resolve()  # a file has one lock, whatever it is called
        self._patience = patience
        self._file: int | None = None

    @property
    def held(self) -> bool:
        """Whether it is this process that serves."""
        return self._file is not None

    def compete(self) -> None:
        """Take it. Raises InvalidSettings if another process keeps it."""
        deadline = time.monotonic() + self._patience
        try:
            file = os.open(self._path.with_name(f"{self._path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
            while not _locked(file):
                if time.monotonic() > deadline:
                    os.close(file)
                    raise InvalidSettings(
                        f"PREVIEW_STATE: another process serves from {self._path}; several replicas share a Redis"
                    )
                time.sleep(PAUSE)
        except OSError as error:
            raise InvalidSettings(f"PREVIEW_STATE: {self._path} cannot be locked: {error}") from error
        self._file = file

    def close(self) -> None:
        """Let another process have it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
