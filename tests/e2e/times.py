"""How long things took: one table, printed when the stories have ended."""

import time
from collections import defaultdict
from datetime import UTC, datetime
from statistics import median

from tests.e2e import machine


class Times:
    """Collects seconds by (what happened, which step), with the machine's load; several become their median."""

    def __init__(self) -> None:
        self._seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
        self._loads: dict[tuple[str, str], list[float]] = defaultdict(list)

    def stopwatch(self, what: str) -> "Stopwatch":
        return Stopwatch(self, what)

    def add(self, what: str, step: str, seconds: float) -> None:
        self._seconds[what, step].append(seconds)
        self._loads[what, step].append(machine.load())

    def table(self) -> list[str]:
        lines = []
        for (what, step), seconds in self._seconds.items():
            all_of_them = ", ".join(f"{one:.1f}" for one in seconds)
            several = f"median of {all_of_them}; " if len(seconds) > 1 else ""
            load = median(self._loads[what, step])
            lines.append(f"{median(seconds):7.1f} s  {what} -> {step}  ({several}load {load:.1f})")
        return lines


class Stopwatch:
    """Starts when it is made."""

    def __init__(self, times: Times, what: str) -> None:
        self._times = times
        self._what = what
        self._began = time.monotonic()
        self._date = datetime.now(UTC)

    def note(self, step: str, moment: str) -> None:
        """Note what Kubernetes says about a step: a time in RFC 3339, to the second."""
        self._times.add(self._what, step, (datetime.fromisoformat(moment) - self._date).total_seconds())

    def lap(self, step: str) -> float:
        """Note the seconds since the start under this step, and return them."""
        seconds = time.monotonic() - self._began
        self._times.add(self._what, step, seconds)
        return seconds
