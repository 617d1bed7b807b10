"""Time from a preview's start to its database's first answer: the image's copy against making the database anew."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from tests.seed_db.host import PASSWORD, Database, Host, make_host

ROUNDS = 7
FIRST_QUERY = "SELECT count(*) FROM orders"


def copied(host: Host, seed: Path, volume: Path) -> None:
    """The container of `postgres`, first query: what Kubernetes runs."""
    container = (seed / "copy", seed / "start")
    with host.postgres(volume, *container, SEED_VOLUME=volume, POSTGRES_PASSWORD=PASSWORD) as server:
        finish(server.as_user(PGUSER="app", PGDATABASE="app", PGPASSWORD=PASSWORD))


def made_anew(host: Host, volume: Path) -> None:
    """A server with the same settings, synced to disk in the same way, filled by the scripts that fill the image's.

    It saves what the image's build does beyond that: the vacuum, and a stop in between.
    """
    data = volume / "data"
    host.run(host.source / "init", data, "--sync-method=syncfs")
    with host.postgres(volume, "postgres", "-D", data) as server:
        superuser = server.as_user(PGUSER="postgres", PGDATABASE="postgres")
        superuser.run("psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", host.source / "database.sql")
        app = server.as_user(PGUSER="app", PGDATABASE="app")
        app.run(host.source / "migrate")
        app.run(host.source / "load", "default")
        finish(app)


class Answered(Exception):
    """Ends a round at the first answer: the server's stop does not count."""


def finish(app: Database) -> None:
    assert app.query(FIRST_QUERY) == ["900"]
    raise Answered(time.perf_counter())


def seconds(host: Host, start: Callable[[Path], None]) -> float:
    volume = host.folder("volume")
    began = time.perf_counter()
    try:
        start(volume)
    except Answered as answered:
        ended: float = answered.args[0]
    return ended - began


def measure() -> tuple[list[float], list[float]]:
    """Return the seconds of each round: copied, made anew."""
    with make_host() as host:
        seed = host.folder("image")
        host.run(host.source / "build", "default", seed)
        copies, new = [], []
        for _ in range(ROUNDS):  # in turn, so that a busy moment of the machine hits both
            copies.append(seconds(host, lambda volume: copied(host, seed, volume)))
            new.append(seconds(host, lambda volume: made_anew(host, volume)))
    return copies, new


def main() -> None:
    """Print the table."""
    copies, new = measure()
    print(f"Start to first query of the database, dataset default; seconds, {ROUNDS} rounds  fastest  median  slowest")
    for name, times in {"copy of the image's data": copies, "initdb, migrations and seeds": new}.items():
        print(f"  {name:<66} {min(times):>11.2f} {statistics.median(times):>7.2f} {max(times):>8.2f}")
    faster = statistics.median(new) / statistics.median(copies)
    print(f"  {'times faster (target: at least 3)':<66} {faster:>19.1f}")


if __name__ == "__main__":
    main()
