"""Runs the scripts of seed-db against real servers, without Docker."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.rendering import ROOT, tool

SEED_DB = ROOT / "seed-db"
PASSWORD = "it's a secret"

# PostgreSQL refuses to run as root, so root runs everything here as the user nobody.
UNPRIVILEGED = 65534 if os.geteuid() == 0 else None
DROP: dict[str, Any] = {"user": UNPRIVILEGED, "group": UNPRIVILEGED, "extra_groups": []} if UNPRIVILEGED else {}


@dataclass(frozen=True)
class Host:
    """A folder that an unprivileged user may use, and the environment in which the scripts run there."""

    place: Path
    environment: dict[str, str]

    @property
    def source(self) -> Path:
        """A copy of seed-db, as the Dockerfile has it in /source."""
        return self.place / "source"

    def folder(self, name: str) -> Path:
        """A new, empty folder that the scripts may write to."""
        path = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.place))
        if UNPRIVILEGED:
            os.chown(path, UNPRIVILEGED, UNPRIVILEGED)
        path.chmod(0o755)
        return path

    def run(
        self, *command: str | Path, stdin: str | None = None, check: bool = True, **environment: str | Path
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            env=self.environment | {name: str(value) for name, value in environment.items()},
            cwd=self.place,
            input=stdin,
            text=True,
            capture_output=True,
            **DROP,
            timeout=120,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def start(self, *command: str | Path, log: Path, **environment: str | Path) -> subprocess.Popen[bytes]:
        # Tests in the background may have inherited that SIGINT is ignored, and a shell cannot trap what it got so.
        as_usual = ("env", "--default-signal=INT", *command)
        with log.open("ab") as output:
            return subprocess.Popen(
                as_usual,
                env=self.environment | {name: str(value) for name, value in environment.items()},
                cwd=self.place,
                stdout=output,
                stderr=output,
                **DROP,
            )

    def copy(self, seed: Path, volume: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Copy the data into the volume; a failure does not raise."""
        secret = {"POSTGRES_USER": "app", "POSTGRES_PASSWORD": PASSWORD, "POSTGRES_DB": "app"} | environment
        return self.run(seed / "copy", check=False, SEED_VOLUME=volume, **secret)

    @contextlib.contextmanager
    def serve(self, seed: Path, volume: Path, password: str = PASSWORD, **environment: str) -> "Iterator[Database]":
        """Run the server, and stop it as Kubernetes does."""
        with self.postgres(volume, seed / "start", SEED_VOLUME=volume, **environment) as database:
            yield database.as_user(PGUSER="app", PGDATABASE="app", PGPASSWORD=password)

    @contextlib.contextmanager
    def postgres(self, place: Path, *command: str | Path, **environment: str | Path) -> "Iterator[Database]":
        port = str(environment.pop("PGPORT", free_port()))
        log = place / "log"
        process = self.start(*command, log=log, PGPORT=port, **environment)
        try:
            deadline = time.monotonic() + 30
            while self.run("pg_isready", "-q", "-h", "127.0.0.1", "-p", port, check=False).returncode:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"the server did not start:\n{log.read_text()}")
                time.sleep(0.01)
            yield Database(self, process, {"PGHOST": "127.0.0.1", "PGPORT": port})
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(timeout=30)


@dataclass(frozen=True)
class Database:
    """A running server, and how to reach it: libpq's variables."""

    host: Host
    process: subprocess.Popen[bytes]
    connection: dict[str, str] = field(repr=False)

    def as_user(self, **connection: str) -> "Database":
        return Database(self.host, self.process, self.connection | connection)

    def psql(self, sql: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Return the result; a failing command does not raise."""
        return self.host.run(
            *("psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"),
            *("--set=VERBOSITY=verbose", "--command", sql),
            stdin=stdin,
            check=False,
            **self.connection,
        )

    def query(self, sql: str, stdin: str | None = None) -> list[str]:
        """Return the rows, one string each, with columns separated by a bar."""
        done = self.psql(sql, stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def run(self, *command: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a script of seed-db against this database."""
        return self.host.run(*command, check=check, **self.connection)


@contextlib.contextmanager
def make_host() -> Iterator[Host]:
    # Not pytest's tmp_path, which only its owner may enter. In /tmp, because the path of a socket must be short.
    place = Path(tempfile.mkdtemp(prefix="seed-db-", dir="/tmp"))
    try:
        shutil.copytree(SEED_DB, place / "source")
        path = ["/usr/local/bin", "/usr/bin", "/bin"]
        for name, levels_up in (("goose", 0), ("postgres", 3), ("redis", 0)):
            program = tool(f"get-{name}")
            if UNPRIVILEGED:  # the project may be in a home directory that nobody cannot enter
                folder = program.parents[levels_up]
                program = shutil.copytree(folder, place / name) / program.relative_to(folder)
            path.insert(0, str(program.parent))
        if UNPRIVILEGED:
            os.chown(place, UNPRIVILEGED, UNPRIVILEGED)
            subprocess.run(["chmod", "-R", "a+rX", place], check=True)
        yield Host(place, {"PATH": ":".join(path), "LC_ALL": "C.UTF-8", "TMPDIR": str(place)})
    finally:
        shutil.rmtree(place)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
