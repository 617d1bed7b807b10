"""How tests talk to the cluster: Kubernetes' API, and kubectl where it knows better."""

import json
import os
import socket
import subprocess
from pathlib import Path
from typing import Any

import requests

from tests.e2e.cluster.control_plane import KUBERNETES
from tests.e2e.cluster.processes import GO, until
from tests.e2e.layout import API

Object = dict[str, Any]


def listens(address: str, port: int) -> bool:
    """Tell whether something takes connections there."""
    try:
        socket.create_connection((address, port), 5).close()
    except OSError:
        return False
    return True


class Kubernetes:
    """A client with an administrator's rights."""

    def __init__(self, token: str, authority: Path, kubeconfig: Path) -> None:
        self._session = requests.Session()
        self._session.trust_env = False  # REQUESTS_CA_BUNDLE would win over `verify`
        self._session.verify = str(authority)
        self._session.headers["Authorization"] = f"Bearer {token}"
        self.kubeconfig = kubeconfig

    def get(self, path: str) -> Object | None:
        """Return an object by its path, for example `/api/v1/namespaces/default`, or None if there is none."""
        response = self._session.get(API + path, timeout=30)
        if response.status_code == requests.codes.not_found:
            return None
        response.raise_for_status()
        found: Object = response.json()
        return found

    def list(self, path: str) -> list[Object]:
        """Return the objects of a path; none if the cluster does not know their kind (yet)."""
        return list((self.get(path) or {"items": []})["items"])

    def patch(self, path: str, content: Object) -> None:
        """Apply a JSON merge patch (RFC 7386)."""
        headers = {"Content-Type": "application/merge-patch+json"}
        self._session.patch(API + path, json.dumps(content), headers=headers, timeout=30).raise_for_status()

    def delete(self, path: str) -> None:
        """Delete an object; one that is gone already is fine."""
        response = self._session.delete(API + path, timeout=30)
        if response.status_code != requests.codes.not_found:
            response.raise_for_status()

    def apply(self, *objects: Object) -> None:
        content = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        self.kubectl("apply", "-f", "-", content=content)

    def wait_for_rollout(self, namespace: str, workload: str) -> None:
        """Wait until a workload, such as `deployment/app`, runs as it was applied last. Raises RuntimeError if not."""
        self.kubectl("rollout", "status", "-n", namespace, workload, "--timeout=240s")

    def wait_for_service(self, namespace: str, name: str) -> None:
        """Wait until a Service leads to a pod, which the node's network knows a moment after the pod is ready."""
        spec = (self.get(f"/api/v1/namespaces/{namespace}/services/{name}") or {})["spec"]
        port = next(port["port"] for port in spec["ports"] if port["protocol"] == "TCP")
        until(f"the Service {name} leads to a pod", lambda: listens(spec["clusterIP"], port), 60)

    def execute(self, namespace: str, pod: str, *command: str, container: str = "") -> str:
        """Run a command in a pod (or `deployment/app`), and return what it prints."""
        where = ["--container", container] if container else []
        return self.kubectl("exec", "-n", namespace, pod, *where, "--", *command)

    def kubectl(self, *arguments: str | Path, content: str = "", check: bool = True) -> str:
        """Return what kubectl prints; raise RuntimeError with what it complains about."""
        environment = os.environ | GO | {"KUBECONFIG": str(self.kubeconfig)}
        done = subprocess.run(
            [KUBERNETES, "kubectl", *arguments],
            env=environment,
            input=content,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        if done.returncode and check:
            raise RuntimeError(f"kubectl {' '.join(map(str, arguments))}: {done.stdout}{done.stderr}")
        return done.stdout + ("" if check else done.stderr)
