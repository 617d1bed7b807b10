"""Starts, for each line that it reads, a process that saves without end; says who, what was saved, and when it died."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

from plugin.core.facts.model import Repository, Snapshot
from plugin.state import Head
from plugin.state.sqlite import SqliteStore
from tests.builders import MONDAY, make_pull_request, make_repository

REPOSITORIES = 20
PULL_REQUESTS = 5


def repository(name: str, version: int) -> Repository:
    body = Random(version).randbytes(1000).hex()  # noise, so that it takes several pages
    pull_requests = (make_pull_request(number, title=str(version), body=body) for number in range(1, PULL_REQUESTS + 1))
    return make_repository(name, *pull_requests)


def save_for_ever(path: Path) -> None:
    store = SqliteStore(path)
    known = store.load()
    while True:
        version = known.head.version + 1
        names = [f"acme/service-{number}" for number in range(REPOSITORIES)]
        after = replace(
            known, head=Head(version, MONDAY), snapshot=Snapshot({name: repository(name, version) for name in names})
        )
        store.save(known, after)
        sys.stdout.write(f"saved {version}\n")
        sys.stdout.flush()
        known = after


def main() -> None:
    for _ in sys.stdin:
        process = os.fork()
        if process == 0:
            save_for_ever(Path(sys.argv[1]))
        sys.stdout.write(f"process {process}\n")
        sys.stdout.flush()
        os.waitpid(process, 0)
        sys.stdout.write("dead \n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
