"""Whom a pod reaches, measured with packets from inside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.e2e.cluster.cluster import Cluster

PROBE = """
for address in "$@"; do
    connect="exec 3<>/dev/tcp/${address%:*}/${address##*:}"
    { timeout 5 bash -c "$connect" 2>/dev/null && echo "$address yes" || echo "$address no"; } &
done
wait
"""  # bash is in every image here, Python is not


@dataclass(frozen=True)
class Place:
    """Where a pod is: its namespace, and a label that only its kind has; and the port that it listens on, if any."""

    namespace: str
    name: str
    port: int = 0

    def pod(self, cluster: Cluster) -> str:
        return str(self._newest(cluster)["metadata"]["name"])

    def address(self, cluster: Cluster) -> str:
        return f"{self._newest(cluster)['status']['podIP']}:{self.port}"

    def _newest(self, cluster: Cluster) -> dict[str, Any]:
        path = f"/api/v1/namespaces/{self.namespace}/pods?labelSelector=app.kubernetes.io/name%3D{self.name}"
        running = [pod for pod in cluster.kubernetes.list(path) if pod["status"].get("phase") == "Running"]
        return running[-1]


def reached(cluster: Cluster, source: Place, targets: Mapping[str, str]) -> set[str]:
    """Return the names of the targets, `address:port` by name, that take a connection from a pod."""
    command = ["bash", "-c", PROBE, "probe", *targets.values()]
    said = cluster.kubernetes.execute(source.namespace, source.pod(cluster), *command)
    answers = dict(line.split() for line in said.splitlines())
    return {name for name, address in targets.items() if answers[address] == "yes"}
