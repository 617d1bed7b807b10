"""The images whose names and tags are fixed: in the manifests, in the catalog, and in containerd."""

from typing import Any

import yaml

from tests.e2e.images.registry import Image, Registry
from tools.rendering import ROOT

PAUSE = "registry.k8s.io/pause:3.10"
"""What containerd is told to use for a pod's sandbox."""


def fixed() -> dict[str, str]:
    """Return reference to name of image, for every image that neither a commit nor a pull request names."""
    (plugin,) = _read("manifests/plugin/base/kustomization.yaml")["images"]
    third_party = {
        f"{image['newName']}:{image['newTag']}": image["name"]
        for image in _read("manifests/components/third-party-images/kustomization.yaml")["images"]
        if image["name"] != "oauth2-proxy"  # no cluster of the tests has a login
    }
    seeds = {
        f"{service['seed']['image']}:{tag}": f"seed-{dataset}"
        for service in _read("tests/acme/catalog.yaml")["services"].values()
        for dataset, tag in service.get("seed", {}).get("datasets", {}).items()
    }
    return {f"{plugin['newName']}:{plugin['newTag']}": "plugin", PAUSE: "pause"} | third_party | seeds


def publish_fixed(registry: Registry, images: dict[str, Image], files: dict[str, bytes] | None = None) -> None:
    """Publish all of them; `files` are added to each, for example an authority's certificates."""
    for reference, name in fixed().items():
        registry.publish(reference, images[name], files)


def _read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text("utf-8"))
