"""Cost and speed, each figure beside its baseline from the same run. Exits with 1 where a target is missed."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from tests.bench import company, hostile, naive, seed_db
from tests.fakes.github import GitHub, Request
from tests.server import PATH, REQUEST, TOKEN, Server, free_port, serve, wait_for

LATENCY = 0.1  # seconds that GitHub takes for each request
WARM_REQUESTS = 400


@dataclass(frozen=True)
class Row:
    """One line of the table; `limit` is what the figure may be at most."""

    what: str
    figure: float
    unit: str
    limit: float
    baseline: str

    @property
    def kept(self) -> bool:
        return self.figure <= self.limit

    def __str__(self) -> str:
        figure, limit = f"{self.figure:,.4g} {self.unit}", f"{self.limit:,.4g} {self.unit}"
        return f"{self.what:<46} {figure:>14} {limit:>14}  {'' if self.kept else 'MISSED ':<7}{self.baseline}"


def main() -> None:
    """Measure everything and print the table."""
    organisation = company.organisation()
    with tempfile.TemporaryDirectory() as name, GitHub(organisation) as github:
        folder = Path(name)
        rows = [*_cost(folder, github), *_speed(folder, github), *_hostile_files(), _database()]
    print(f"\n{'':<46} {'this plugin':>14} {'at most':>14}  {'':<7}baseline")
    for row in rows:
        print(row)
    raise SystemExit(not all(row.kept for row in rows))


def _cost(folder: Path, github: GitHub) -> Iterator[Row]:
    github.latency = LATENCY
    started = _time_of_first_request(github)
    with _plugin(folder, github, refresh="1s") as server:
        wait_for(lambda: server.ask().status == 200)
        cold_seconds = time.perf_counter() - started()
        cold_requests, cold_points = _until_refreshed(server, github, 1)
        before = len(github.log), github.points, _refreshes(server)
        wait_for(lambda: _refreshes(server) >= before[2] + 3)
        refreshes = _refreshes(server) - before[2]
        requests, points = (len(github.log) - before[0]) / refreshes, (github.points - before[1]) / refreshes
    naive_requests, naive_seconds = _naive(github)
    each_time = f"{naive_requests:,} requests"
    yield Row("cold start: requests to GitHub", cold_requests, "", 40, f"naive PyGithub: {each_time}")
    yield Row("cold start: rate-limit points", cold_points, "", 100, f"naive PyGithub: {each_time} of its hourly 5,000")
    yield Row("cold start: first request to answer", cold_seconds, "s", 6, f"naive PyGithub: {naive_seconds:.1f} s")
    yield Row("refresh, nothing changed: requests", requests, "", 10, f"naive PyGithub: {each_time}")
    yield Row("refresh, nothing changed: points", points, "", 40, f"naive PyGithub: {each_time}")


def _until_refreshed(server: Server, github: GitHub, count: int) -> tuple[int, int]:
    wait_for(lambda: _refreshes(server) >= count)
    return len(github.log), github.points


def _naive(github: GitHub) -> tuple[int, float]:
    github.log.clear()
    start = time.perf_counter()
    found = naive.read(github.url, github.token, sorted(github.organisation.repositories))
    assert found == company.PULL_REQUESTS
    return len(github.log), time.perf_counter() - start


def _speed(folder: Path, github: GitHub) -> Iterator[Row]:
    github.latency = 0
    with _plugin(folder, github, refresh="1h") as server:
        wait_for(lambda: server.ask().status == 200)
        body = server.ask().body
        with _bare(folder, body) as bare_port:
            ours, bare = _alternating(server.port, bare_port)
    what = f"warm answer, {company.PULL_REQUESTS:,} previews, {len(body) / 1e6:.1f} MB: median"
    ratio = f"{ours * 1000:.2f} ms against {bare * 1000:.2f} ms"
    yield Row(what, ours / bare, "times", 1.5, f"bare Flask view, same bytes: {ratio}")


def _alternating(ours: int, bare: int) -> tuple[float, float]:
    """Ask both in turn, so that what the machine does meanwhile hits both; return the medians in seconds."""
    connections = {port: HTTPConnection("127.0.0.1", port) for port in (ours, bare)}
    times: dict[int, list[float]] = {ours: [], bare: []}
    for _ in range(WARM_REQUESTS):
        for port, connection in connections.items():
            start = time.perf_counter()
            connection.request("POST", PATH, REQUEST, {"Authorization": f"Bearer {TOKEN}"})
            connection.getresponse().read()
            times[port].append(time.perf_counter() - start)
    return statistics.median(times[ours]), statistics.median(times[bare])


def _hostile_files() -> Iterator[Row]:
    ours = {name: hostile.measure("plugin", name) for name in hostile.FILES}
    theirs = {name: hostile.measure("pyyaml", name) for name in hostile.FILES}
    for i, (what, unit, factor, limit) in enumerate([("time", "ms", 1000, 50), ("memory", "MiB", 1, 16)]):
        worst = max(ours, key=lambda name: ours[name][i])
        baseline = max(theirs, key=lambda name: theirs[name][i])
        yield Row(
            f"hostile files: worst {what} ({worst})",
            ours[worst][i] * factor,
            unit,
            limit,
            f"PyYAML's safe_load: {theirs[baseline][i] * factor:.0f} {unit} ({baseline})",
        )


def _database() -> Row:
    copied, new = map(statistics.median, seed_db.measure())
    return Row("seeded database: start to first query", copied, "s", new / 3, f"initdb, migrations, seeds: {new:.2f} s")


@contextmanager
def _plugin(folder: Path, github: GitHub, refresh: str) -> Iterator[Server]:
    catalog = folder / "catalog.yaml"
    catalog.write_text(company.catalog(), "utf-8")
    settings = {"PREVIEW_GITHUB_URL": github.url, "PREVIEW_GITHUB_TOKEN": github.token}
    with serve(folder, PREVIEW_CATALOG=str(catalog), PREVIEW_REFRESH=refresh, **settings) as server:
        yield server


@contextmanager
def _bare(folder: Path, body: bytes) -> Iterator[int]:
    (folder / "body").write_bytes(body)
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread"]
    command += ["--workers", "1", "--threads", "16", "--no-control-socket", "--log-level", "warning"]
    command += ["--env", f"BARE_BODY={folder / 'body'}", "tests.bench.bare:app()"]
    with subprocess.Popen(command) as process:
        try:
            wait_for(lambda: _listens(port))
            yield port
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    try:
        HTTPConnection("127.0.0.1", port).request("GET", "/")
    except OSError:
        return False
    return True


def _refreshes(server: Server) -> int:
    return int(server.metric("preview_refresh_seconds_count"))


def _time_of_first_request(github: GitHub) -> Callable[[], float]:
    times: list[float] = []

    def note(_: Request) -> None:
        times.append(time.perf_counter() - github.latency)

    github.intercept = note
    return lambda: times[0]


if __name__ == "__main__":
    main()
