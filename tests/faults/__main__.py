"""`make simulate STEPS=100000`, and with SEED the same again."""

import argparse
import logging
import random
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from tests.faults.simulation import Failed, simulate
from tests.redis_server import serve_redis


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    seed = random.randrange(10**6) * 10**6 if given.seed is None else given.seed
    print(f"from seed {seed} on")
    try:
        with TemporaryDirectory() as folder, serve_redis(Path(folder)) as server, server.client() as redis:
            print(simulate(seed, given.steps, redis))
    except Failed as failure:
        sys.exit(str(failure))


if __name__ == "__main__":
    main()
