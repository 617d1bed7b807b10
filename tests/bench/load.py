"""Eight clients that ask two servers in turn, in a process of their own, so that nothing else holds them up.

python -m tests.bench.load PORT PORT ROUNDS: prints for each port a list of [when asked, seconds], as JSON.
"""

import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from http.client import HTTPConnection

from tests.server import PATH, REQUEST, TOKEN

CLIENTS = 8
PER_ROUND = 10  # requests of each client to one server before all go on to the other one
WARMING_UP = 2  # rounds that do not count


@dataclass(frozen=True)
class Asked:
    """One request and its answer."""

    at: float  # seconds since 1970, so that another process can say what happened meanwhile
    seconds: float


def measure(ports: tuple[int, int], rounds: int) -> tuple[list[Asked], list[Asked]]:
    """Return what the clients met at each port; what the machine does meanwhile hits both."""
    command = [sys.executable, "-m", "tests.bench.load", *map(str, ports), str(rounds)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    first, second = ([Asked(*each) for each in found] for found in json.loads(result.stdout))
    return first, second


def _main(ports: list[int], rounds: int) -> None:
    together = threading.Barrier(CLIENTS)
    found: dict[int, list[tuple[float, float]]] = {port: [] for port in ports}

    def client() -> None:
        connections = {port: HTTPConnection("127.0.0.1", port) for port in ports}
        for i in range(WARMING_UP + rounds):
            for port, connection in connections.items():
                together.wait()
                for _ in range(PER_ROUND):
                    asked = _ask(connection)
                    if i >= WARMING_UP:
                        found[port].append(asked)

    clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    print(json.dumps([found[port] for port in ports]))


def _ask(connection: HTTPConnection) -> tuple[float, float]:
    at, start = time.time(), time.perf_counter()
    connection.request("POST", PATH, REQUEST, {"Authorization": f"Bearer {TOKEN}"})
    response = connection.getresponse()
    response.read()
    assert response.status == 200, response.status
    return at, time.perf_counter() - start


if __name__ == "__main__":
    _main([int(port) for port in sys.argv[1:3]], int(sys.argv[3]))
