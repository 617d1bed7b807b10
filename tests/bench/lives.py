"""What the life of previews costs: points of GitHub while some wait for a check, and CPU when a moment comes."""

import json
import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from plugin.core.config.catalog import load_catalog
from plugin.core.facts.lives import State
from plugin.mirror.advance import advance
from plugin.sources.file import Organisation
from tests.bench import company
from tests.bench.simulated import QUIET, simulation
from tests.bench.table import Row
from tests.builders import MONDAY
from tests.lives import Lived, asked

REPOSITORIES = 50
GATED, WAITING = 20, 50  # pull requests of each repository; those that wait, one in each repository
CHECK = "preview / Image"
DECIDED = 200  # pull requests of each repository
MOMENTS = 9  # of which the median counts
IDLE = {"pause_after": "12h", "expire_after": "7d"}
EVENING = {"hours": "Mon-Fri 07:00-20:00 Europe/Berlin"}


def rows() -> Iterator[Row]:
    """Measure both."""
    yield from _gate()
    yield _moment()


def _gate() -> Iterator[Row]:
    """Compare an idle cycle with a gate, with and without previews that wait, with one that has no gate."""
    without = _idle_points({}, waiting=False)
    gated = {"defaults": {"lifecycle": {"ready_when": {"check": CHECK}}}}
    previews = f"{REPOSITORIES * GATED:,} previews"
    baseline = f"the same without a gate: {without} points"
    for what, waiting, limit in ((f"{WAITING} of them wait for a check", True, 4), ("none of them waits", False, 0)):
        points = _idle_points(gated, waiting=waiting)
        yield Row(f"idle cycle, {previews}, {what}: more points", points - without, "", limit, baseline)


def _idle_points(given: Mapping[str, Any], *, waiting: bool) -> int:
    """Return the points of a cycle in which nothing has changed; the check of every other head has succeeded."""
    with simulation([GATED] * REPOSITORIES, **given) as simulated:
        everything = simulated.github.organisation
        simulated.github.organisation = _checked(everything, but=GATED)
        simulated.refresh()
        simulated.time.passes(QUIET)
        heads = {(company.name(i), GATED): f"{i:a>40}" for i in range(REPOSITORIES)}
        opened = company.pushed(everything, heads, simulated.time.now())
        simulated.github.organisation = _checked(opened, but=GATED if waiting else 0, last=True)
        simulated.time.passes(QUIET)
        simulated.refresh()
        simulated.time.passes(QUIET)
        idle = simulated.refresh()
        counts = simulated.plugin.answers.current().decision
        assert counts
        assert counts.counts[State.WAITING] == (WAITING if waiting and given else 0)
        assert not idle.changed
        return idle.points


def _checked(organisation: Organisation, *, but: int, last: bool = False) -> Organisation:
    """Let the check of every head succeed, but for one number, whose pull request is there only if `last`."""
    repositories = {
        name: repository.model_copy(
            update={
                "pull_requests": tuple(
                    entry if entry.number == but else entry.model_copy(update={"succeeded": {CHECK: (entry.head_sha,)}})
                    for entry in repository.pull_requests
                    if last or entry.number != but
                )
            }
        )
        for name, repository in organisation.repositories.items()
    }
    return Organisation.model_construct(repositories=repositories)


@dataclass(frozen=True)
class _Costs:
    """Milliseconds of CPU."""

    anew: float  # the first decision on everything
    moment: float  # one preview's moment comes


def _moment() -> Row:
    """Decide when the moment of one preview has come, and when that of all has."""
    previews = f"{REPOSITORIES * DECIDED:,} previews"
    lived = _many(IDLE)
    anew = _decide(lived)
    _decide(lived)
    costs = []
    for _ in range(MOMENTS):
        assert lived.current.living.next_at
        lived.now = lived.current.living.next_at
        before = _asleep(lived)
        costs.append(_decide(lived))
        assert _asleep(lived) == before + 1
        _decide(lived)  # as the next cycle does, in which nothing has changed
    many = _many(EVENING)
    _decide(many)
    _decide(many)
    many.now = MONDAY.replace(hour=19)
    evening = _decide(many)
    assert _asleep(many) == REPOSITORIES * DECIDED
    return Row(
        f"one preview of {previews} falls asleep: deciding",
        statistics.median(costs),
        "ms",
        100,
        f"deciding on all of them anew: {anew:,.0f} ms; all fall asleep at 20:00: {evening:,.0f} ms",
    )


def _decide(lived: Lived) -> float:
    """Decide now; return the milliseconds of CPU that this took."""
    gathered = lived.gathered()
    began = time.thread_time()
    lived.current = advance(lived.current, gathered, lived.now, lived.threshold).current
    return (time.thread_time() - began) * 1000


def _asleep(lived: Lived) -> int:
    assert lived.current.decision
    return lived.current.decision.counts[State.PAUSED]


def _many(lifecycle: Mapping[str, Any]) -> Lived:
    """Previews of which each has its own moments; nothing was decided yet."""
    text = company.catalog(REPOSITORIES, defaults={"lifecycle": lifecycle})
    lived = Lived(load_catalog(text, "catalog.yaml"), MONDAY)
    for i in range(REPOSITORIES):
        lived.repositories[company.name(i)] = [
            asked(
                number,
                MONDAY - timedelta(seconds=(number * 7919 + i * 104729) % 36000 + 1, microseconds=i),
                author=f"developer-{number % 17}",
                config=json.dumps({"version": 1}),
            )
            for number in range(1, DECIDED + 1)
        ]
    return lived
