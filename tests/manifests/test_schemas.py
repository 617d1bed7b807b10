import json
import re
import subprocess
from functools import cache

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from kubernetes_validate import utils

from tests.manifests.conftest import INSTEAD, OPTIONAL
from tools.rendering import ROOT, Objects, refused, tool

# Kinds that Kubernetes' schemas do not know: strictly decoded into their own projects' Go types.
ARGOCD = "argoproj.io/"  # by tests/conformance/argocd, whenever it renders
FOREIGN = ("external-secrets.io/", "gateway.networking.k8s.io/", "monitoring.coreos.com/")


@pytest.fixture(scope="module", autouse=True)
def _schemas_read_once() -> None:
    """Read each schema once: the package would read several megabytes for each object that it checks."""
    utils.schema_contents = cache(utils.schema_contents)


def test_every_object_is_valid(environments: dict[str, Objects], once: dict[str, Objects]) -> None:
    foreign = []
    for where, objects in (environments | once).items():
        for found in objects:
            if found["apiVersion"].startswith(FOREIGN):
                foreign.append(found)
            elif not found["apiVersion"].startswith(ARGOCD):
                _validate(where, json.dumps(found, sort_keys=True))

    kinds = {found["kind"] for found in foreign}
    assert kinds == {"ExternalSecret", "ClusterSecretStore", "HTTPRoute", "PrometheusRule", "ServiceMonitor"}
    assert _mistakes(foreign) == ""


def test_a_misspelt_field_is_noticed() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "app"}, "spec": {"prots": []}}
    secret = {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": "x"},
        "spec": {"traget": 1},
    }
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "x"},
        "spec": {"hostname": "x.example.com"},
    }

    with pytest.raises(kubernetes_validate.ValidationError, match="prots"):
        kubernetes_validate.validate(service, kubernetes_validate.latest_version(), strict=True)
    assert 'unknown field "traget"' in _mistakes([secret])
    assert 'unknown field "hostname"' in _mistakes([route])


def test_what_is_installed_is_admitted_under_pod_security_restricted(once: dict[str, Objects]) -> None:
    for folder, objects in once.items():
        assert refused(objects) == [], folder


def test_everything_is_built_from_git_alone_and_brings_no_secret(once: dict[str, Objects]) -> None:
    """So Argo CD can manage it: what is secret is created once, by a command in the installation guide."""
    assert once.keys() >= {"manifests/argocd", "manifests/login", "manifests/plugin/base"}
    assert [found for objects in once.values() for found in objects if found["kind"] == "Secret"] == []
    assert "manifests/" not in (ROOT / ".gitignore").read_text("utf-8")


def test_installed_namespaces_cannot_be_those_of_previews(once: dict[str, Objects]) -> None:
    for folder, objects in once.items():
        for found in objects:
            names = [found["metadata"].get("namespace", "")]
            if found["kind"] == "Namespace":
                names.append(found["metadata"]["name"])
            assert not any(name.startswith(("preview-", "fork-preview-")) for name in names), folder


def test_the_generator_reads_the_token_by_the_names_that_are_installed(once: dict[str, Objects]) -> None:
    objects = {(found["kind"], found["metadata"]["name"]): found for found in once["manifests/argocd"]}
    generator = objects["ConfigMap", "preview-plugin"]["data"]

    assert generator["token"] == "$preview-plugin:token"
    assert generator["baseUrl"].startswith("http")
    assert int(generator["requestTimeout"]) == 30
    for name in ("previews.yaml", "forks.yaml", "helm-example.yaml"):
        application_set = yaml.safe_load((ROOT / "applicationsets" / name).read_text("utf-8"))
        (plugin,) = (generator["plugin"] for generator in application_set["spec"]["generators"])
        assert plugin["configMapRef"]["name"] == "preview-plugin"


def test_every_component_is_used_by_something_that_is_tested() -> None:
    components = {folder.name for folder in (ROOT / "manifests/components").iterdir()}
    texts = "".join(file.read_text("utf-8") for file in ROOT.glob("manifests/**/kustomization.yaml"))
    used = {part for part in components if re.search(rf"^  - (\.\./)+(components/)?{part}( |$)", texts, re.MULTILINE)}
    assert components == used | set(OPTIONAL) | set(INSTEAD) | {"paused"}


@cache
def _validate(where: str, found: str) -> None:
    content = json.loads(found)
    try:
        kubernetes_validate.validate(content, kubernetes_validate.latest_version(), strict=True)
    except kubernetes_validate.ValidationError as error:
        raise AssertionError(f"{where}: {content['kind']} {content['metadata']['name']}: {error.message}") from error


def _mistakes(objects: Objects) -> str:
    decoder = tool("get-program", "tests/manifests/decoder")
    text = yaml.safe_dump_all(objects)
    return subprocess.run([decoder], input=text, capture_output=True, text=True, check=False).stderr
