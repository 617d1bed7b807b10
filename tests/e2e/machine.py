"""What a run uses of the machine: figures mean little without it."""

import os
from pathlib import Path


def load() -> float:
    """Return how many processes ran or waited for a processor, on average over the last minute."""
    return os.getloadavg()[0]


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
