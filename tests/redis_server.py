"""A real Redis."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis, RedisError

from tests.server import free_port, wait_for
from tools.rendering import tool


@dataclass(frozen=True)
class RedisServer:
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> Redis:
        """For looking behind the scenes; close it."""
        return Redis(port=self.port)

    def flush(self) -> None:
        with self.client() as client:
            client.flushall()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """It takes connections and says nothing."""
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)

    def answers(self) -> bool:
        assert self.process.poll() is None, "Redis has stopped"
        try:
            with self.client() as client:
                return bool(client.ping())
        except RedisError:
            return False


@contextmanager
def serve_redis(folder: Path, *options: str, port: int | None = None) -> Iterator[RedisServer]:
    """Start a Redis that keeps nothing on disk; it answers when this returns."""
    port = port or free_port()
    command = [str(tool("get-redis")), "--port", str(port), "--bind", "127.0.0.1"]
    command += ["--save", "", "--dir", str(folder), *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        server = RedisServer(port, process)
        try:
            wait_for(server.answers)
            yield server
        finally:
            process.kill()
