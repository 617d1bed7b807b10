"""How quickly answers come, beside a bare Flask view that returns the same bytes."""

import json
import math
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from itertools import cycle
from pathlib import Path

from tests.bench import company, load
from tests.bench.load import Asked
from tests.bench.serving import ENDLESS, PATIENCE, plugin
from tests.bench.table import Row
from tests.fakes.github import GitHub
from tests.server import Server, free_port, wait_for

ROUNDS = 20  # with nothing to do except answering
BUSY_ROUNDS = 50  # while refreshes follow one another
REFRESHED = 3  # refreshes in which something changed, at least, of which anything is said


def rows(folder: Path) -> Iterator[Row]:
    """Measure with nothing else to do, then while the plugin refreshes."""
    with GitHub(company.organisation()) as github:
        github.budget = ENDLESS
        with _both(folder, github, refresh="1h") as (server, bare, size):
            yield from _quiet(*load.measure((server.port, bare), ROUNDS), size)
        with _both(folder, github, refresh="1s") as (server, bare, _), _pushing(github):
            ours, theirs = load.measure((server.port, bare), BUSY_ROUNDS)
            wait_for(lambda: len(_refreshes(server)) >= REFRESHED)
            yield from _busy(ours, theirs, _refreshes(server))


def _quiet(ours: list[Asked], bare: list[Asked], size: int) -> Iterator[Row]:
    what = f"{company.PULL_REQUESTS:,} previews ({size / 1e6:.1f} MB), {load.CLIENTS} clients"
    for name, figure, limit in (("median", _median, 1.2), ("p99", _p99, 1.5)):
        baseline = f"bare Flask view, same bytes: {figure(bare):.1f} ms; this plugin: {figure(ours):.1f} ms"
        yield Row(f"{what}: {name}", figure(ours) / figure(bare), "times", limit, baseline)


def _busy(ours: list[Asked], bare: list[Asked], refreshes: list["_Refresh"]) -> Iterator[Row]:
    during = [asked for asked in ours if any(refresh.meets(asked) for refresh in refreshes)]
    assert during, "no request met a refresh"
    met = f"{len(during):,} answers during {len(refreshes)} refreshes with a change"
    yield Row(
        "the same during a refresh: median",
        _median(during) / _median(bare),
        "times",
        2,
        f"bare Flask view: {_median(bare):.1f} ms; {met}: {_median(during):.1f} ms",
    )
    slowest = max(asked.seconds for asked in bare)
    yield Row(
        "the same during a refresh: slowest",
        max(asked.seconds for asked in during) / slowest,
        "times",
        5,
        f"bare Flask view: {slowest * 1000:.0f} ms",
    )


@dataclass(frozen=True)
class _Refresh:
    began: float  # seconds since 1970
    ended: float

    def meets(self, asked: Asked) -> bool:
        return asked.at < self.ended and self.began < asked.at + asked.seconds


def _refreshes(server: Server) -> list[_Refresh]:
    """Read from the log when something changed in a refresh."""
    found = []
    for line in server.log.read_text("utf-8").splitlines():
        entry = json.loads(line) if line.startswith("{") else {}
        if entry.get("event") == "refresh" and entry["changed"]:
            ended = datetime.fromisoformat(entry["timestamp"]).astimezone(UTC).timestamp()
            found.append(_Refresh(ended - entry["milliseconds"] / 1000, ended))
    return found


@contextmanager
def _pushing(github: GitHub) -> Iterator[None]:
    """Push in one repository after the other, so that each refresh finds something."""
    stop = threading.Event()
    sizes = company.uneven()
    repositories = cycle(company.name(i) for i, count in enumerate(sizes) if count)

    def push() -> None:
        for i, repository in enumerate(repositories):
            if stop.wait(0.5):
                return
            github.organisation = company.pushed(github.organisation, {(repository, 1): f"f{i:039}"}, datetime.now(UTC))

    thread = threading.Thread(target=push)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def _both(folder: Path, github: GitHub, refresh: str) -> Iterator[tuple[Server, int, int]]:
    """The plugin, the port of the bare view, and how many bytes both answer."""
    with plugin(folder, github, company.REPOSITORIES, PREVIEW_REFRESH=refresh) as server:
        wait_for(lambda: server.ask().status == 200, PATIENCE)
        body = server.ask().body
        with _bare(folder, body) as port:
            yield server, port, len(body)


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


def _median(asked: list[Asked]) -> float:
    return statistics.median(each.seconds for each in asked) * 1000


def _p99(asked: list[Asked]) -> float:
    return sorted(each.seconds for each in asked)[math.ceil(len(asked) * 0.99) - 1] * 1000
