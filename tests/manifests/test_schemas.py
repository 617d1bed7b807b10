import json
import shutil
import subprocess
from functools import cache

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from kubernetes_validate import utils

from tests.manifests.conftest import OPTIONAL
from tools.rendering import ROOT, Objects, build, refused, tool

# Kinds that Kubernetes' schemas do not know: strictly decoded into their own projects' Go types.
ARGOCD = "argoproj.io/"  # by tests/conformance/argocd, whenever it renders
FOREIGN = ("external-secrets.io/", "monitoring.coreos.com/")
SECRETS = {"manifests/argocd": "token.env", "manifests/login": "login.env"}


@pytest.fixture(scope="module", autouse=True)
def _schemas_read_once() -> None:
    """The package reads a file of several megabytes for each object that it checks."""
    utils.schema_contents = cache(utils.schema_contents)


@pytest.fixture(scope="module", name="installed")
def _installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Objects]:
    """What is applied once per cluster, with secrets that are not in Git."""
    root = tmp_path_factory.mktemp("installed") / "manifests"
    shutil.copytree(ROOT / "manifests", root)
    for folder, file in SECRETS.items():
        (root.parent / folder / file).write_text("token=not-a-secret\n", "utf-8")
    with (root / "plugin/base/kustomization.yaml").open("a", encoding="utf-8") as kustomization:
        kustomization.write("components: [../components/monitoring]\n")
    folders = {
        found.parent
        for found in root.glob("*/**/kustomization.yaml")
        if yaml.safe_load(found.read_text("utf-8"))["kind"] == "Kustomization" and "apps" not in found.parts
    }
    return {str(folder.relative_to(root.parent)): build(folder) for folder in sorted(folders)}


def test_every_object_is_valid(environments: dict[str, Objects], installed: dict[str, Objects]) -> None:
    foreign = []
    for where, objects in (environments | installed).items():
        for found in objects:
            if found["apiVersion"].startswith(FOREIGN):
                foreign.append(found)
            elif not found["apiVersion"].startswith(ARGOCD):
                _validate(where, json.dumps(found, sort_keys=True))

    kinds = {found["kind"] for found in foreign}
    assert kinds == {"ExternalSecret", "ClusterSecretStore", "PrometheusRule", "ServiceMonitor"}
    assert _mistakes(foreign) == ""


def test_a_misspelt_field_is_noticed() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "app"}, "spec": {"prots": []}}
    secret = {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": "x"},
        "spec": {"traget": 1},
    }

    with pytest.raises(kubernetes_validate.ValidationError, match="prots"):
        kubernetes_validate.validate(service, kubernetes_validate.latest_version(), strict=True)
    assert 'unknown field "traget"' in _mistakes([secret])


def test_what_is_installed_is_admitted_under_pod_security_restricted(installed: dict[str, Objects]) -> None:
    for folder, objects in installed.items():
        assert refused(objects) == [], folder


def test_a_secret_that_is_missing_fails_the_build_instead_of_being_empty() -> None:
    for folder, file in SECRETS.items():
        assert not (ROOT / folder / file).exists(), "this one must not be in Git"
        with pytest.raises(RuntimeError, match=file):
            build(ROOT / folder)


def test_nothing_that_is_installed_lives_where_a_preview_might(installed: dict[str, Objects]) -> None:
    for folder, objects in installed.items():
        for found in objects:
            names = [found["metadata"].get("namespace", "")]
            if found["kind"] == "Namespace":
                names.append(found["metadata"]["name"])
            assert not any(name.startswith(("preview-", "fork-preview-")) for name in names), folder


def test_the_generator_reads_the_token_by_the_names_that_are_installed(installed: dict[str, Objects]) -> None:
    objects = {(found["kind"], found["metadata"]["name"]): found for found in installed["manifests/argocd"]}
    secret = objects["Secret", "preview-plugin"]
    generator = objects["ConfigMap", "preview-plugin"]["data"]

    assert generator["token"] == "$preview-plugin:token"
    assert set(secret["data"]) == {"token"}
    assert secret["metadata"]["labels"]["app.kubernetes.io/part-of"] == "argocd"
    assert generator["baseUrl"].startswith("http")
    assert int(generator["requestTimeout"]) == 30
    for name in ("previews.yaml", "forks.yaml", "helm-example.yaml"):
        application_set = yaml.safe_load((ROOT / "applicationsets" / name).read_text("utf-8"))
        (plugin,) = (generator["plugin"] for generator in application_set["spec"]["generators"])
        assert plugin["configMapRef"]["name"] == "preview-plugin"


def test_a_sync_ends_and_a_waiting_volume_does_not_hold_it_up(installed: dict[str, Objects]) -> None:
    data = {found["metadata"]["name"]: found.get("data", {}) for found in installed["manifests/argocd"]}

    assert int(data["argocd-cmd-params-cm"]["controller.sync.timeout.seconds"]) == 900
    assert "Healthy" in data["argocd-cm"]["resource.customizations.health.PersistentVolumeClaim"]


def test_every_component_is_used_by_something_that_is_tested() -> None:
    components = {folder.name for folder in (ROOT / "manifests/components").iterdir()}
    overlays = "".join(file.read_text("utf-8") for file in ROOT.glob("manifests/apps/*/overlays/**/kustomization.yaml"))
    used = {component for component in components if f"components/{component}\n" in overlays}
    assert components == used | set(OPTIONAL) | {"paused"}


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
