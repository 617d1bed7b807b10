"""The table of names in manifests/README.md is the contract: each row is compared with what is rendered."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.manifests.conftest import Rendered, base_name
from tests.manifests.pods import containers, owners, pod
from tools.rendering import ROOT, Objects

README = ROOT / "manifests/README.md"
DOMAIN = "preview.example.com/"


def _table() -> dict[str, set[str]]:
    text = README.read_text("utf-8").partition("\n## Names\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:3] for line in text.splitlines() if line.startswith("|")][2:]
    return {what.strip(): set(re.findall("`([^`]+)`", names)) for what, names in rows}


TABLE = _table()


@pytest.fixture(name="everything")
def _everything(environments: dict[str, Objects]) -> Objects:
    return [found for objects in environments.values() for found in objects]


def _names(kind: str) -> Callable[[Objects], set[str]]:
    return lambda everything: {base_name(found)[1] for found in everything if found["kind"] == kind}


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ("Deployments", "Deployment"),
        ("Services", "Service"),
        ("Ingresses", "Ingress"),
        ("HTTPRoutes", "HTTPRoute"),
        ("Jobs", "Job"),
    ],
)
def test_object_names_match_the_table(everything: Objects, row: str, kind: str) -> None:
    assert _names(kind)(everything) == TABLE[row]


def test_configmap_and_secret_names_match_the_table(everything: Objects) -> None:
    stores = {"redis": {"REDIS_URL"}, "mongodb": {"MONGODB_URL"}}
    keys = {"postgres": {"POSTGRES_PASSWORD", "DATABASE_URL"}}
    for found in everything:
        _, name = base_name(found)
        if found["kind"] == "Secret":
            assert set(found["data"]) == keys[name]
        if found["kind"] == "ConfigMap" and name in stores:
            assert set(found["data"]) == stores[name]

    assert TABLE["ConfigMap"] | set(stores) | {"nginx"} == _names("ConfigMap")(everything)
    assert TABLE["database Secret"] == {"postgres"} | keys["postgres"]
    assert TABLE["database ConfigMaps"] == set(stores) | set.union(*stores.values())
    assert TABLE["ExternalSecrets and their Secrets"] - {"preview/<service>"} == _names("ExternalSecret")(everything)


def test_the_first_container_is_named_like_its_owner(everything: Objects) -> None:
    for owner in owners(everything):
        assert pod(owner)["containers"][0]["name"] == owner["metadata"]["name"]
    for service in (found for found in everything if base_name(found) == ("Service", "app")):
        assert [port["targetPort"] for port in service["spec"]["ports"]] == sorted(TABLE["port"])


def test_the_set_replaces_all_image_placeholders() -> None:
    images = set()
    for file in [*ROOT.glob("manifests/apps/*/base/*.yaml"), *ROOT.glob("manifests/components/*/*.yaml")]:
        found = yaml.safe_load(file.read_text("utf-8"))
        if (
            found["kind"] in {"Deployment", "Job"}
            and "template" in found["spec"]
            and file.name.endswith(("deployment.yaml", "job.yaml"))
        ):
            images |= {container["image"] for container in containers(found)}

    assert images == TABLE["image placeholders"] | (TABLE["images that others make"] - {"oauth2-proxy"})
    for name in ("previews.yaml", "forks.yaml"):
        kustomize = _set(name)["spec"]["template"]["spec"]["source"]["kustomize"]
        assert {image.partition("=")[0] for image in kustomize["images"]} == TABLE["image placeholders"]


def test_labels_and_their_values_match_the_table(everything: Objects) -> None:
    used: dict[str, set[str]] = {}
    for found in everything:
        for key, value in found["metadata"].get("labels", {}).items():
            used.setdefault(key, set()).add(value)
    fixed = {
        "label: role": "app.kubernetes.io/component",
        "label: hooks": f"{DOMAIN}hook",
        "label: data stores": f"{DOMAIN}data-stores",
        "label: browser config": f"{DOMAIN}browser-config",
        "label: environment": f"{DOMAIN}environment",
    }
    for row, key in fixed.items():
        assert TABLE[row] == {key} | used[key], row
    whose = {key for key in used if key.startswith(DOMAIN)} - set(fixed.values())
    assert TABLE["label: whose"] == whose


def test_policies_select_the_label_of_the_ingress_controller() -> None:
    texts = [file.read_text("utf-8") for file in ROOT.glob("manifests/components/network-*/*.yaml")]
    (key,) = (name for name in TABLE["label: ingress controller"] if name.startswith(DOMAIN))

    assert sum(f'{key}: "true"' in text for text in texts) == 2


def test_application_labels_and_annotations_match_the_table(previews: dict[str, Rendered]) -> None:
    for preview in previews.values():
        metadata = preview.application["metadata"]
        assert set(metadata["labels"]) == TABLE["labels of an Application"]
        ours = {key for key in metadata["annotations"] if key.startswith(DOMAIN)}
        assert ours == TABLE["annotations of an Application"]


def test_project_and_priority_class_names_match_the_table() -> None:
    found = [yaml.safe_load(file.read_text("utf-8")) for file in ROOT.glob("manifests/argocd/*.yaml")]
    projects = {one["metadata"]["name"]: one for one in found if one["kind"] == "AppProject"}
    namespaces = {one["spec"]["destinations"][0]["namespace"] for one in projects.values()}
    (priority,) = (one["metadata"]["name"] for one in found if one["kind"] == "PriorityClass")

    assert TABLE["AppProjects and namespaces"] == projects.keys() | namespaces
    assert TABLE["PriorityClass"] == {priority}


def test_every_component_is_in_the_table_of_components() -> None:
    text = README.read_text("utf-8").partition("\n## Components\n")[2].partition("\n## ")[0]
    listed = {
        name for line in text.splitlines() if line.startswith("|") for name in line.split("|")[1].strip().split(", ")
    }

    assert listed - {"component", "---"} == {folder.name for folder in (ROOT / "manifests/components").iterdir()}


def _set(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "applicationsets" / name).read_text("utf-8"))
    return found
