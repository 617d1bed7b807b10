"""Finding pods in rendered objects."""

from collections.abc import Iterator
from typing import Any

from tools.rendering import Objects

POD_OWNERS = {"Deployment", "Job"}
# What else could own a pod. Argo CD never reports a StatefulSet as failed, so a sync would wait for it forever.
OTHER_OWNERS = {"CronJob", "DaemonSet", "Pod", "ReplicaSet", "ReplicationController", "StatefulSet"}


def owners(objects: Objects) -> Objects:
    return [found for found in objects if found["kind"] in POD_OWNERS]


def pod(owner: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = owner["spec"]["template"]["spec"]
    return spec


def containers(owner: dict[str, Any]) -> list[dict[str, Any]]:
    spec = pod(owner)
    return [*spec.get("initContainers", []), *spec["containers"]]


def initial(owner: dict[str, Any], name: str) -> dict[str, Any]:
    """Find an init container by its name."""
    found: dict[str, Any]
    (found,) = (container for container in pod(owner)["initContainers"] if container["name"] == name)
    return found


def everywhere(environments: dict[str, Objects]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Walk through every pod owner, with a name for messages."""
    for environment, objects in environments.items():
        for owner in owners(objects):
            yield f"{environment}: {owner['kind']} {owner['metadata']['name']}", owner
