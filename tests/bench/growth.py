"""What the plugin itself computes, and how that grows with what there is.

Seconds depend on the machine, so these rows compare sizes within one run, or with what reading the same JSON takes.
"""

import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from unittest.mock import patch

from tests.bench import company
from tests.bench.simulated import QUIET, Simulation, simulation
from tests.bench.table import Row

PER_REPOSITORY = 10
FEW, MANY = 100, 1000  # repositories
PUSHES = 9
PARSED = 5  # times that GitHub's answers are parsed, of which the fastest counts
BEFORE = 59.5  # own CPU of a cold start relative to json.loads at 10,000 previews, measured at commit fe3a635


@dataclass(frozen=True)
class Own:
    """Seconds of CPU of the plugin's own thread."""

    previews: int
    cold: float  # from the first request to the first answer
    parsing: float  # of the same answers of GitHub by json.loads alone
    push: float  # from a delivery's hint to stored and answerable, the median

    @property
    def cold_each(self) -> float:
        return self.cold / self.previews


def rows() -> Iterator[Row]:
    """Measure a small and a large company."""
    few, many = _measure(FEW), _measure(MANY)
    sizes = f"{many.previews:,} previews beside {few.previews:,}"
    yield Row(
        f"own CPU of a push: {sizes}",
        many.push / few.push,
        "times",
        2,
        f"{few.push * 1000:.1f} ms and {many.push * 1000:.1f} ms; medians of {PUSHES}",
    )
    yield Row(
        f"own CPU of a cold start, for each preview: {sizes}",
        many.cold_each / few.cold_each,
        "times",
        1.2,
        f"{few.cold_each * 1000:.2f} ms and {many.cold_each * 1000:.2f} ms",
    )
    yield Row(
        f"own CPU of a cold start, {many.previews:,} previews: of json.loads",
        many.cold / many.parsing,
        "times",
        BEFORE / 2,
        f"json.loads of GitHub's answers: {many.parsing:.2f} s; half of what it was before ({BEFORE})",
    )


def _measure(repositories: int) -> Own:
    with simulation([PER_REPOSITORY] * repositories) as simulated:
        cold, parsing = _cold_start(simulated)
        simulated.time.passes(QUIET)
        simulated.refresh()
        pushes = [_push(simulated, i) for i in range(PUSHES)]
    return Own(repositories * PER_REPOSITORY, cold, parsing, statistics.median(pushes))


def _cold_start(simulated: Simulation) -> tuple[float, float]:
    texts: list[str] = []
    loads, thread = json.loads, threading.get_ident()

    def noting(text: str, **options: object) -> object:
        if threading.get_ident() == thread and text[:7] == '{"data"':
            texts.append(text)
        return loads(text, **options)  # type: ignore[arg-type]

    with patch("json.loads", noting):
        began = time.thread_time()
        simulated.refresh()
        simulated.answer()
        cold = time.thread_time() - began
    return cold, min(_seconds(lambda: [loads(text) for text in texts]) for _ in range(PARSED))


def _seconds(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began


def _push(simulated: Simulation, i: int) -> float:
    simulated.push({(company.name(i), 1): f"{i:a>40}"})
    seconds = simulated.refresh([company.name(i)]).computed
    assert simulated.heads()[company.name(i), 1] == f"{i:a>40}"
    simulated.time.passes(QUIET)
    return seconds
