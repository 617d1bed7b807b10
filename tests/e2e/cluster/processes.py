"""The processes of the cluster that are not pods, each with a log of its own."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self, TypeVar

from tests.e2e.layout import LOGS

T = TypeVar("T")
# All of them are Go programs. They collect garbage when the heap has grown fourfold, not twofold: less processor time
# for more memory. https://pkg.go.dev/runtime#hdr-Environment_Variables
GO = {"GOGC": "300"}


class Processes:
    """Starts processes by name. They end with the namespaces that they run in, whatever happens to the tests."""

    def __init__(self) -> None:
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        LOGS.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, *command: str | Path, environment: Mapping[str, str] | None = None) -> None:
        with (LOGS / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **GO, **(environment or {})},
                start_new_session=True,  # Ctrl-C is for the tests, which end before the cluster does
            )

    def stop(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        process = self._running.pop(name)
        process.send_signal(how)
        process.wait(30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in reversed(list(self._running)):
            self.stop(name, signal.SIGKILL)

    def check(self) -> None:
        """Raise RuntimeError with the end of its log if a process has ended by itself."""
        for name, process in self._running.items():
            if process.poll() is not None:
                tail = "\n".join((LOGS / f"{name}.log").read_text("utf-8", "replace").splitlines()[-15:])
                raise RuntimeError(f"{name} ended with status {process.returncode}:\n{tail}")


def until(what: str, probe: Callable[[], T | None], seconds: float = 120, *, every: float = 0.2) -> T:
    """Ask until the answer is true, and return it. Raise TimeoutError with `what` after that many seconds."""
    end = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(every)
