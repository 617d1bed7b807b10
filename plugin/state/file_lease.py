"""The lease of a state in a file: one process serves from the file and keeps a lock until it ends.

The lock is on a separate file: SQLite locks its own files, and over NFS both would be the same kind of lock.
https://man7.org/linux/man-pages/man2/flock.2.html
"""

import fcntl
import os
import time
from pathlib import Path

from plugin.errors import InvalidSettings

LOCK_TIMEOUT = 5.0  # seconds to wait for a process that is ending; on SIGHUP, gunicorn starts the next one first
RETRY_INTERVAL = 0.05  # seconds between two tries


class FileLease:
    """Held from `compete` until it is closed or the process ends in any way."""

    token = b""  # a process takes it once

    def __init__(self, path: Path, timeout: float = LOCK_TIMEOUT) -> None:
        """Prepare the lease of the state in `path`; `timeout` is in seconds."""
        self._path = path.resolve()  # so that a file has one lock, whatever name leads to it
        self._timeout = timeout
        self._file: int | None = None

    @property
    def held(self) -> bool:
        """Whether this process serves."""
        return self._file is not None

    def compete(self) -> None:
        """Take the lease. Raises InvalidSettings if another process keeps it."""
        deadline = time.monotonic() + self._timeout
        try:
            file = os.open(self._path.with_name(f"{self._path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
            while not _locked(file):
                if time.monotonic() > deadline:
                    os.close(file)
                    raise InvalidSettings(
                        f"PREVIEW_STATE: another process serves from {self._path}; use Redis for several replicas"
                    )
                time.sleep(RETRY_INTERVAL)
        except OSError as error:
            raise InvalidSettings(f"PREVIEW_STATE: {self._path} cannot be locked: {error}") from error
        self._file = file

    def close(self) -> None:
        """Release the lease."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
