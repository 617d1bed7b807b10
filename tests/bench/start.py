"""How long the command line takes to start: `check` runs before each commit."""

import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.table import Row

TIMES = 7
CHECK = [str(Path(sys.executable).parent / "preview-plugin"), "check", "examples/acme/catalog.yaml"]
EVERYTHING = [sys.executable, "-c", "import plugin.app, plugin.cli.serve"]


def rows() -> Iterator[Row]:
    """Measure `check`, beside importing all that the server needs."""
    ours, everything = _cpu(CHECK), _cpu(EVERYTHING)
    yield Row("preview-plugin check: CPU", ours, "s", 0.6, f"importing all that the server needs: {everything:.2f} s")


def _cpu(command: list[str]) -> float:
    """Return the median of the seconds of CPU that a command takes."""
    return statistics.median(_once(command) for _ in range(TIMES))


def _once(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
