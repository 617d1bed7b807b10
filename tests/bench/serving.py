"""The real server over GitHub's latency: from its start to the first answer, from a push to what Argo CD gets."""

import json
import queue
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from plugin.sources.github.deliveries import signature
from tests.bench import company, naive
from tests.bench.simulated import LATENCY
from tests.bench.table import Row
from tests.fakes.github import GitHub, Request
from tests.server import Server, in_background, serve, wait_for

REPOSITORIES, PER_REPOSITORY = 500, 10
LARGE = 1000  # repositories, where memory counts
SECRET = "secret-of-the-webhook"
PUSHES = 7
ENDLESS = 10**9  # points: of a usual budget the plugin would make one refresh each second last by refreshing less
PATIENCE = 60.0  # seconds, far beyond every target


def rows(folder: Path) -> Iterator[Row]:
    """Measure a small company beside naive PyGithub, then a large one."""
    with GitHub(company.organisation()) as github:
        yield from _small(folder, github)
    with GitHub(company.organisation([PER_REPOSITORY] * REPOSITORIES)) as github, _argocd() as (nudges, url):
        github.latency = LATENCY
        began = time.perf_counter()
        settings = {"PREVIEW_REFRESH": "1h", "PREVIEW_WEBHOOK_SECRET": SECRET, "PREVIEW_ARGOCD_WEBHOOK": url}
        with plugin(folder, github, REPOSITORIES, **settings) as server:
            yield from _cold_start(server, github, began)
            yield _webhook(server, github, nudges)
    settings = {"PREVIEW_REFRESH": "1h", "PREVIEW_WEBHOOK_SECRET": SECRET}
    with (
        GitHub(company.organisation([PER_REPOSITORY] * LARGE)) as github,
        plugin(folder, github, LARGE, **settings) as server,
    ):
        wait_for(lambda: server.ask().status == 200, PATIENCE)
        yield _memory(server, github)


def _small(folder: Path, github: GitHub) -> Iterator[Row]:
    github.latency, github.budget = LATENCY, ENDLESS
    arrived: list[float] = []
    github.intercept = lambda _: arrived.append(time.perf_counter() - LATENCY)
    with plugin(folder, github, company.REPOSITORIES, PREVIEW_REFRESH="1s") as server:
        wait_for(lambda: server.ask().status == 200, PATIENCE)
        cold_seconds = time.perf_counter() - arrived[0]
        wait_for(lambda: refreshes(server) >= 1, PATIENCE)
        cold_requests, cold_points = len(github.log), github.points
        before = len(github.log), github.points, refreshes(server)
        wait_for(lambda: refreshes(server) >= before[2] + 3, PATIENCE)
        done = refreshes(server) - before[2]
        requests, points = (len(github.log) - before[0]) / done, (github.points - before[1]) / done
    naive_requests, naive_seconds = _naive(github)
    each_time = f"naive PyGithub: {naive_requests:,} requests"
    size = f"{company.REPOSITORIES} repositories, {company.PULL_REQUESTS:,} previews"
    yield Row(f"cold start, {size}: requests", cold_requests, "", 40, each_time)
    yield Row(f"cold start, {size}: points", cold_points, "", 100, f"{each_time} of its hourly 5,000")
    yield Row(
        f"cold start, {size}: first answer",
        cold_seconds / naive_seconds,
        "times",
        1 / 15,
        f"naive PyGithub: {naive_seconds:.1f} s; this plugin: {cold_seconds:.1f} s",
    )
    yield Row(f"idle cycle, {size}: requests", requests, "", 10, each_time)
    yield Row(f"idle cycle, {size}: points", points, "", 40, each_time)


def _naive(github: GitHub) -> tuple[int, float]:
    """Return its requests and seconds. It asks one after the other, so their latency need not be waited for."""
    github.latency = 0
    github.log.clear()
    start = time.perf_counter()
    found = naive.read(github.url, github.token, sorted(github.organisation.repositories))
    assert len(found) == company.PULL_REQUESTS
    return len(github.log), time.perf_counter() - start + len(github.log) * LATENCY


def _cold_start(server: Server, github: GitHub, began: float) -> Iterator[Row]:
    wait_for(lambda: server.ask().status == 200, PATIENCE)
    seconds = time.perf_counter() - began
    wait_for(lambda: refreshes(server) >= 1, PATIENCE)
    size = f"{REPOSITORIES} repositories, {REPOSITORIES * PER_REPOSITORY:,} previews"
    waited = len(github.log) * LATENCY
    alone = REPOSITORIES + REPOSITORIES * PER_REPOSITORY
    yield Row(
        f"cold start, {size}: start to first answer",
        seconds / waited,
        "times",
        2,
        f"waiting for GitHub: {len(github.log)} requests, {waited:.1f} s; all: {seconds:.1f} s",
    )
    yield Row(f"cold start, {size}: points", github.points, "", 300, f"lists and files one by one: {alone:,} requests")


def _webhook(server: Server, github: GitHub, nudges: "queue.Queue[None]") -> Row:
    """From the first request of the re-read to the end of the answer that Argo CD asked for when it was nudged."""
    arrived: list[float] = []

    def note(_: Request) -> None:
        arrived.append(time.perf_counter() - LATENCY)

    github.intercept = note
    times, requests = [], []
    for i in range(PUSHES):
        arrived.clear()
        key, head = (company.name(i), 1), f"{i:x>40}".replace("x", "f")
        github.organisation = company.pushed(github.organisation, {key: head}, datetime.now(UTC))
        deliver(server, "synchronize", repository={"full_name": key[0]})
        while True:
            nudges.get(timeout=PATIENCE)
            body = server.ask().body
            ended = time.perf_counter()
            if head.encode() in body:
                break
        times.append(ended - arrived[0])
        requests.append(len(arrived))
    github.intercept = None
    waited, taken = statistics.median(requests) * LATENCY, statistics.median(times)
    return Row(
        f"a push, {REPOSITORIES * PER_REPOSITORY:,} previews, webhook: re-read to new answer",
        taken / waited,
        "times",
        1.5,
        f"waiting for GitHub: {waited * 1000:.0f} ms; {PUSHES} pushes: {min(times) * 1000:.0f} to "
        f"{max(times) * 1000:.0f} ms, median {taken * 1000:.0f} ms",
    )


def _memory(server: Server, github: GitHub) -> Row:
    """After everything was listed once more, so that what a refresh needs beside what it keeps counts too."""
    before, done = len(github.log), refreshes(server)
    everything = [{"full_name": repository} for repository in github.organisation.repositories]
    deliver(server, "created", event="installation", repositories=everything)
    wait_for(lambda: refreshes(server) > done, PATIENCE)
    assert server.ask().status == 200
    return Row(
        f"{LARGE * PER_REPOSITORY:,} previews in {LARGE:,} repositories: memory after another full listing",
        _resident(server),
        "MB",
        250,
        f"the answer alone: {len(server.ask().body) / 1e6:.1f} MB; that listing: {len(github.log) - before} requests",
    )


def _resident(server: Server) -> float:
    """Return the resident memory of gunicorn's one worker in MB."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text("ascii").split()
    (worker,) = children
    status = Path(f"/proc/{worker}/status").read_text("ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024 / 1e6


def deliver(server: Server, action: str, event: str = "pull_request", **content: object) -> None:
    """Deliver as GitHub does."""
    body = json.dumps({"action": action, **content}).encode()
    headers = {"Content-Type": "application/json", "X-GitHub-Event": event}
    headers["X-Hub-Signature-256"] = signature(SECRET, body)
    connection = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        connection.request("POST", "/webhooks/github", body, headers)
        status = connection.getresponse().status
        assert status == 202, status
    finally:
        connection.close()


@contextmanager
def plugin(folder: Path, github: GitHub, repositories: int, **settings: str) -> Iterator[Server]:
    """The plugin over a fake GitHub, as users run it."""
    catalog = folder / "catalog.yaml"
    catalog.write_text(company.catalog(repositories), "utf-8")
    source = {"PREVIEW_GITHUB_URL": github.url, "PREVIEW_GITHUB_TOKEN": github.token}
    with serve(folder, PREVIEW_CATALOG=str(catalog), **source, **settings) as server:
        yield server


def refreshes(server: Server) -> int:
    return int(server.metric("preview_refresh_seconds_count"))


@contextmanager
def _argocd() -> Iterator[tuple["queue.Queue[None]", str]]:
    """Argo CD's webhook: what it was told, and its address."""
    nudges: queue.Queue[None] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            nudges.put(None)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with in_background(HTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield nudges, f"http://127.0.0.1:{server.server_port}/api/webhook"
