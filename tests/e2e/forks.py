"""A fork's preview. No version of the plugin approves forks yet, so its parameters are made here."""

import copy
from typing import Any

import yaml

from tests.e2e.cluster.cluster import Cluster
from tests.e2e.cluster.processes import until
from tests.e2e.preview import Preview
from tools.rendering import ROOT


def parameters(cluster: Cluster, preview: Preview, number: int) -> dict[str, Any]:
    """Return the parameters of a preview as if it came from a fork's pull request with this number."""

    def answered() -> dict[str, Any] | None:
        return next((one for one in cluster.plugin.parameters() if one["name"] == preview.name), None)

    found = until(f"the plugin answers with {preview.name}", answered, 60)
    name = f"fork-preview-{preview.service}-{number}"
    made: dict[str, Any] = yaml.safe_load(
        yaml.safe_dump(found)
        .replace(preview.name, name)
        .replace(f"{preview.service}-{preview.number}.", f"{preview.service}-{number}.")
    )
    path = made["path"].removesuffix("preview") + "preview-fork"
    return made | {"number": str(number), "origin": "fork", "path": path}


def application_set(element: dict[str, Any]) -> dict[str, Any]:
    """Return applicationsets/forks.yaml with these parameters instead of the plugin's."""
    content = copy.deepcopy(yaml.safe_load((ROOT / "applicationsets/forks.yaml").read_text("utf-8")))
    content["metadata"]["name"] = "forks-by-list"
    content["spec"]["generators"] = [{"list": {"elements": [element]}}]
    return dict(content)
