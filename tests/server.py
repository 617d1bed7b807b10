"""The real server as users run it: `preview-plugin serve`, which is gunicorn in a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from socketserver import BaseServer
from tempfile import mkdtemp
from typing import Any, TypeVar

from prometheus_client.parser import text_string_to_metric_families

ServerType = TypeVar("ServerType", bound=BaseServer)
Ran = subprocess.CompletedProcess[str]

TOKEN = "argocd-token"
READ_TOKEN = "read-token"
TIMEOUT = 30.0  # seconds
PATH = "/api/v1/getparams.execute"
SERVE = ("preview-plugin", "serve")
REQUEST = b'{"applicationSetName":"previews","input":{}}\n'


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Server:
    port: int
    process: "subprocess.Popen[bytes]"
    log: Path

    def ask(self, method: str = "POST", path: str = PATH, body: bytes | None = REQUEST, token: str = TOKEN) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {"Authorization": f"Bearer {token}"})
            response = connection.getresponse()
            return Answer(response.status, dict(response.headers), response.read())
        finally:
            connection.close()

    def metric(self, name: str, **labels: str) -> float:
        """Return a metric's value; 0 for labels that did not happen yet."""
        return self._samples().get((name, frozenset(labels.items())), 0.0) if labels else self.metrics()[name]

    def metrics(self) -> dict[str, float]:
        return {name: value for (name, labels), value in self._samples().items() if not labels}

    def _samples(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        families = text_string_to_metric_families(self.ask("GET", "/metrics", None).body.decode())
        samples = [sample for family in families for sample in family.samples]
        return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}

    def refreshed(self) -> None:
        """Wait until a refresh that began after this moment has ended."""
        asked, before = time.time(), self.metrics()

        def ended() -> bool:
            time.sleep(0.05)
            now = self.metrics()
            spent = now["preview_refresh_seconds_sum"] - before["preview_refresh_seconds_sum"]
            began = now["preview_last_refresh_timestamp_seconds"] - spent  # or earlier, if there were several
            return now["preview_refresh_seconds_count"] > before["preview_refresh_seconds_count"] and began > asked

        wait_for(ended)

    def kill(self) -> None:
        """As a machine that dies: gunicorn and its worker at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def listens(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"the server has stopped; its log:\n{self.log.read_text('utf-8')}")
        try:
            return self.ask("GET", "/healthz", None).status == 200
        except OSError:
            return False


def run(settings: Mapping[str, str], *words: str) -> Ran:
    """Run `preview-plugin` beside a server, as ada, with these settings alone."""
    command = [str(Path(sys.executable).parent / "preview-plugin"), *words]
    given = {name: value for name, value in os.environ.items() if not name.startswith("PREVIEW_")}
    environment = given | {"LOGNAME": "ada", **settings}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def wait_for(condition: Callable[[], bool], seconds: float = TIMEOUT) -> None:
    """Ask again and again until it is so. Raises AssertionError."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@contextmanager
def in_background(server: ServerType) -> Iterator[ServerType]:
    """Let a server of the standard library answer until the end of the block."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def serve(folder: Path, command: Sequence[str] = SERVE, **settings: str) -> Iterator[Server]:
    """Start the server with the demo organisation's catalog and no earlier state; it listens when this returns."""
    demo = {"PREVIEW_CATALOG": "tests/acme/catalog.yaml", "PREVIEW_TOKEN": TOKEN, "PREVIEW_READ_TOKEN": READ_TOKEN}
    demo["PREVIEW_STATE"] = f"sqlite:{mkdtemp(dir=folder)}/state.db"
    with start(folder, demo | settings, command) as server:
        yield server


@contextmanager
def start(folder: Path, settings: Mapping[str, str], command: Sequence[str] = SERVE) -> Iterator[Server]:
    """Start the server with these settings alone; only its address is chosen here."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREVIEW_")}
    environment |= {"PREVIEW_BIND": f"127.0.0.1:{port}", **settings}
    arguments = [str(Path(sys.executable).parent / command[0]), *command[1:]]
    log = folder / f"server-{port}.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(arguments, env=environment, stderr=output, process_group=0) as process,
    ):
        server = Server(port, process, log)
        try:
            wait_for(server.listens)
            yield server
        finally:
            process.terminate()
