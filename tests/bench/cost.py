"""What refreshes cost in simulated time, and how that grows."""

from collections.abc import Iterator, Sequence

from plugin.mirror.gather import LISTED_EVERY
from plugin.mirror.hints import SETTLING
from tests.bench import company, naive
from tests.bench.simulated import QUIET, Refresh, Simulation, settled
from tests.bench.table import Row

REPOSITORIES, PER_REPOSITORY = 500, 10
CHANGED = (1, 10, 50)  # repositories at once
SIZES = (125, 250, 500)  # repositories
FEWER = 2  # pull requests of each repository, to compare with PER_REPOSITORY
TIMES = 3  # how often a refresh is measured where its time counts
PER_HOUR = 120  # refreshes with the default PREVIEW_REFRESH
LISTED_PER_HOUR = 3600 / LISTED_EVERY.total_seconds()


def rows() -> Iterator[Row]:
    """Measure the steady state, one push, and growth."""
    few = _growth([FEWER] * REPOSITORIES)
    sizes = {}
    for repositories in SIZES:
        with settled([PER_REPOSITORY] * repositories) as simulated:
            if repositories == REPOSITORIES:
                yield from _steady(simulated)
                yield from _push(simulated)
            sizes[repositories] = _measured(simulated)
    yield from _linear(sizes)
    yield from _flat(few, sizes[REPOSITORIES])


def _steady(simulated: Simulation) -> Iterator[Row]:
    idle = simulated.refresh()
    assert not idle.changed
    simulated.time.passes(LISTED_EVERY.total_seconds())
    full = simulated.refresh()
    before = len(simulated.github.log)
    naive.list_only(simulated.github.url, simulated.github.token, simulated.github.organisation.repositories)
    lists = len(simulated.github.log) - before
    hourly = (PER_HOUR - LISTED_PER_HOUR) * idle.points + LISTED_PER_HOUR * full.points
    what = f"idle cycle, {REPOSITORIES} repositories, {REPOSITORIES * PER_REPOSITORY:,} previews"
    every = f"every {LISTED_EVERY.total_seconds() / 60:.0f} minutes"
    one_list = f"one list per repository: {lists:,} requests"
    yield Row(f"{what}: points", idle.points, "", 5, one_list)
    yield Row(f"{what}: requests", idle.requests, "", 5, one_list)
    yield Row(f"{what}: file reads", idle.file_reads, "", 0, f"naive PyGithub: {REPOSITORIES * PER_REPOSITORY:,}")
    yield Row(
        "an hour of that, every 30 s, full listings included: points",
        hourly,
        "",
        5000,
        f"a full listing, {every}: {full.requests} requests, {full.points} points, {full.file_reads} file reads; "
        f"one list per repository: {lists * PER_HOUR:,}",
    )


def _push(simulated: Simulation) -> Iterator[Row]:
    pushed = (company.name(0), 1)
    simulated.push({pushed: "a" * 40})
    polled = simulated.refresh()
    assert simulated.heads()[pushed] == "a" * 40
    simulated.push({pushed: "b" * 40})
    hinted = simulated.refresh([company.name(0)])
    assert simulated.heads()[pushed] == "b" * 40
    simulated.time.passes(SETTLING)
    again = simulated.refresh([company.name(0)])
    beyond = f"{polled.probes} probes beside them; file reads: {polled.file_reads}"
    yield Row("one push: requests of the cycle beyond its probes", polled.requests - polled.probes, "", 3, beyond)
    both = f"at once and {SETTLING:g} s later; points: {hinted.points} and {again.points}"
    yield Row("one push, by webhook: requests of both readings", hinted.requests + again.requests, "", 4, both)


def _growth(sizes: Sequence[int]) -> dict[int, Refresh]:
    with settled(sizes) as simulated:
        return _measured(simulated)


def _measured(simulated: Simulation) -> dict[int, Refresh]:
    """Return the refresh of median time by how many repositories have changed, from none."""
    found = {}
    for changed in (0, *CHANGED):
        times = []
        for attempt in range(TIMES):
            simulated.time.passes(QUIET)
            simulated.refresh()  # whatever changed before is long ago from here on
            simulated.push({(company.name(i), 1): f"f{changed:019x}{attempt:020x}" for i in range(changed)})
            times.append(simulated.refresh())
        found[changed] = sorted(times, key=lambda refresh: refresh.seconds)[TIMES // 2]
    return found


def _linear(sizes: dict[int, dict[int, Refresh]]) -> Iterator[Row]:
    _, some, many = CHANGED
    for repositories, found in sizes.items():
        idle = found[0]
        each = {changed: (found[changed].seconds - idle.seconds) / changed for changed in CHANGED}
        points = {changed: (found[changed].points - idle.points) / changed for changed in CHANGED}
        pull_requests = f"{repositories} x {PER_REPOSITORY}"
        yield Row(
            f"{pull_requests}: points for each changed repository, {many} at once",
            points[many],
            "",
            points[some],
            f"{some} at once: {points[some]:.2g}; all points, 0 to {many} changed: {_list(found, 'points')}",
        )
        yield Row(
            f"{pull_requests}: time for each changed repository, {many} at once",
            each[many] / each[some],
            "times",
            1,
            f"{some} at once: {each[some] * 1000:.0f} ms; seconds, 0 to {many} changed: {_list(found, 'seconds')}",
        )


def _flat(few: dict[int, Refresh], more: dict[int, Refresh]) -> Iterator[Row]:
    times = PER_REPOSITORY / FEWER
    for changed in (0, 1):
        what = f"{times:.0f} times as many pull requests, {changed} repositories changed"
        yield Row(
            f"{what}: points",
            more[changed].points / few[changed].points,
            "times",
            1,
            f"{few[changed].points} and {more[changed].points}",
        )
        yield Row(
            f"{what}: time",
            more[changed].seconds / few[changed].seconds,
            "times",
            1.2,
            f"{few[changed].seconds:.2f} s and {more[changed].seconds:.2f} s",
        )


def _list(found: dict[int, Refresh], what: str) -> str:
    return ", ".join(f"{getattr(refresh, what):.4g}" for refresh in found.values())
