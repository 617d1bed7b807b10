"""How long things took: one table, printed when the stories have ended."""

import time
from datetime import UTC, datetime

from tests.e2e import machine


class Times:
    """Collects seconds, each with what happened, which step that was, and the machine's load."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, float, float]] = []

    def stopwatch(self, what: str) -> "Stopwatch":
        return Stopwatch(self, what)

    def add(self, what: str, step: str, seconds: float) -> None:
        self._rows.append((what, step, seconds, machine.load()))

    def table(self) -> list[str]:
        return [f"{seconds:7.1f} s  {what} -> {step}  (load {load:.1f})" for what, step, seconds, load in self._rows]


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
