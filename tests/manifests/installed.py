"""Helpers that read what installs the plugin, and do with it what the kubelet would do."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.manifests.pods import containers, pod
from tools.rendering import Objects

Secrets = dict[str, dict[str, str]]  # name -> key -> value
PLUGIN = "preview-plugin"


def one(objects: Objects, kind: str, name: str | None = None) -> dict[str, Any]:
    (found,) = (
        found for found in objects if found["kind"] == kind and (name is None or found["metadata"]["name"] == name)
    )
    return found


def deployment(objects: Objects, name: str = PLUGIN) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a Deployment's spec and its only container."""
    found = one(objects, "Deployment", name)
    (container,) = containers(found)
    return found["spec"], container


def references(container: dict[str, Any]) -> dict[tuple[str, str], bool]:
    """Return the keys of Secrets that the container asks for, and whether it needs them."""
    found = [entry["valueFrom"]["secretKeyRef"] for entry in container["env"] if "valueFrom" in entry]
    return {(reference["name"], reference["key"]): not reference.get("optional", False) for reference in found}


def variables(container: dict[str, Any], secrets: Secrets) -> dict[str, str]:
    """Return the variables that the kubelet would set, in order: a variable may refer to earlier ones."""
    values: dict[str, str] = {}
    for entry in container["env"]:
        if "value" in entry:
            values[entry["name"]] = expanded(entry["value"], values)
            continue
        reference = entry["valueFrom"]["secretKeyRef"]
        value = secrets.get(reference["name"], {}).get(reference["key"])
        assert value is not None or reference.get("optional"), f"the pod would not start: {reference}"
        if value is not None:
            values[entry["name"]] = value
    return values


def expanded(text: str, values: Mapping[str, str]) -> str:
    """Expand `$(NAME)`; unknown names stay as written."""
    return re.sub(r"\$\((\w+)\)", lambda found: values.get(found[1], found[0]), text)


def environment(plugin: Objects, root: Path, secrets: Secrets) -> dict[str, str]:
    """Return the variables that the kubelet would set; files are mounted below `root`."""
    owner = one(plugin, "Deployment", PLUGIN)
    (container,) = containers(owner)
    volumes = {volume["name"]: volume for volume in pod(owner)["volumes"]}
    values = variables(container, secrets)
    for mount in container["volumeMounts"]:
        place = root / mount["mountPath"].lstrip("/")
        volume = volumes.pop(mount["name"])
        if "configMap" in volume:
            put(place, one(plugin, "ConfigMap", volume["configMap"]["name"])["data"])
        elif secrets_of := secrets.get(volume.get("secret", {}).get("secretName", "")):
            put(place, {item["path"]: secrets_of[item["key"]] for item in volume["secret"]["items"]})
        else:
            place.mkdir(parents=True)
        values |= {
            name: value.replace(mount["mountPath"], str(place))
            for name, value in values.items()
            if mount["mountPath"] in value and str(root) not in value
        }
    assert volumes == {}, "volumes that nothing mounts"
    return values


def put(folder: Path, files: Mapping[str, str]) -> None:
    """Write files as the kubelet does: into a new folder, then replace one symbolic link."""
    folder.mkdir(parents=True, exist_ok=True)
    version = folder / f"..{len(list(folder.iterdir()))}"
    version.mkdir()
    for name, text in files.items():
        (version / name).write_text(text, "utf-8")
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    (folder / "..new").symlink_to(version.name)
    (folder / "..new").rename(folder / "..data")


def peers(policy: dict[str, Any]) -> list[tuple[str, set[str]]]:
    """Return who is admitted: the value of a namespace's label and the pods' names, none meaning all pods."""
    found = []
    for rule in policy["spec"]["ingress"]:
        assert rule["ports"] == [{"port": 8080, "protocol": "TCP"}]
        for peer in rule["from"]:
            ((label, value),) = peer["namespaceSelector"]["matchLabels"].items()
            found.append((value if label == "kubernetes.io/metadata.name" else f"{label}={value}", names(peer)))
    return found


def names(peer: dict[str, Any]) -> set[str]:
    """Return the names of the pods that a peer selects, none meaning all pods."""
    pods = peer.get("podSelector", {})
    found = {pods["matchLabels"]["app.kubernetes.io/name"]} if "matchLabels" in pods else set()
    for expression in pods.get("matchExpressions", ()):
        assert (expression["key"], expression["operator"]) == ("app.kubernetes.io/name", "In")
        found |= set(expression["values"])
    return found
