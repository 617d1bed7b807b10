"""What a run uses of the machine: figures mean little without it."""

import os
import re
import time
from pathlib import Path
from threading import Thread


def load() -> float:
    """Return how many processes ran or waited for a processor, on average over the last minute."""
    return os.getloadavg()[0]


class Memory:
    """Watches how much memory everything takes, volumes too, compared with the moment when it began to watch."""

    def __init__(self) -> None:
        self._before = self._least = _available()
        Thread(target=self._watch, daemon=True).start()

    def most(self) -> int:
        """Return the most bytes that were taken at a time."""
        return self._before - self._least

    def _watch(self) -> None:
        while True:
            time.sleep(1)
            self._least = min(self._least, _available())


def _available() -> int:
    (kibibytes,) = re.findall(r"^MemAvailable: +(\d+) kB$", Path("/proc/meminfo").read_text("utf-8"), re.MULTILINE)
    return int(kibibytes) * 1024


def processor_seconds() -> tuple[float, float]:
    """Return the user and the system time of all processes in these namespaces, and of those that have ended."""
    user = system = 0
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        own_user, own_system, childrens_user, childrens_system = map(int, fields[11:15])  # see proc(5)
        user += own_user + childrens_user
        system += own_system + childrens_system
    ticks = os.sysconf("SC_CLK_TCK")
    return user / ticks, system / ticks
