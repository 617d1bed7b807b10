"""What `preview-plugin init` writes: it builds on this project from outside, and Argo CD renders a preview from it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from plugin.cli import main
from plugin.cli.init import FILES, PROJECT
from tests.manifests.installed import one
from tools.rendering import ROOT, Objects, build, render

PARAMETERS = {
    "PREVIEW_CATALOG": "catalog.yaml",
    "PREVIEW_SOURCE": f"file:{ROOT}/examples/acme/organisation.yaml",
    "PREVIEW_STATE": "memory",
}
DEPLOYED = """\
apiVersion: v1
kind: Namespace
metadata: {name: any}
---
apiVersion: v1
kind: Service
metadata: {name: app}
spec: {ports: [{port: 80}]}
"""


@pytest.fixture(name="written", scope="module")
def _written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("previews")
    arguments = ["init", "--owner", "acme", "--domain", "preview.acme.io", "--repository", "orders"]
    assert CliRunner().invoke(main, [*arguments, "--directory", str(folder)]).exit_code == 0
    return folder


@pytest.fixture(name="installed", scope="module")
def _installed(written: Path) -> Objects:
    """Build the wrapper, with this folder in the place of the released version."""
    file = written / "kustomization.yaml"
    text = file.read_text("utf-8")
    here = os.path.relpath(ROOT / "manifests/plugin/base", written.resolve())
    remote = yaml.safe_load(text)["resources"][0]
    assert remote.startswith(f"https://github.com/{PROJECT}//manifests/plugin/base?ref=")
    file.write_text(text.replace(remote, here), "utf-8")
    return build(written) + build(written / "argocd")


def test_the_wrapper_installs_the_plugin_with_the_new_catalog(written: Path, installed: Objects) -> None:
    catalog, ingress = one(installed, "ConfigMap", "preview-catalog"), one(installed, "Ingress")

    assert catalog["metadata"]["namespace"] == "previews-system"
    assert catalog["data"] == {"catalog.yaml": (written / "catalog.yaml").read_text("utf-8")}
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == ["hooks.preview.acme.io"]
    assert [host for each in ingress["spec"]["tls"] for host in each["hosts"]] == ["hooks.preview.acme.io"]
    assert "example.com" not in json.dumps([ingress, catalog["data"]]).replace("orders.staging.example.com", "")


def test_everything_else_is_the_plugin_as_it_was_released(installed: Objects) -> None:
    theirs = {identity(found) for found in build(ROOT / "manifests/plugin/base")}

    assert {identity(found) for found in installed} - theirs == {
        ("AppProject", "argocd", "previews"),
        ("ApplicationSet", "argocd", "previews"),
        ("ConfigMap", "argocd", "preview-plugin"),
    }
    assert theirs <= {identity(found) for found in installed}


def identity(found: dict[str, Any]) -> tuple[str, str, str]:
    return found["kind"], found["metadata"].get("namespace", ""), found["metadata"]["name"]


def test_argocd_is_told_where_the_plugin_is_as_in_the_kit(installed: Objects) -> None:
    kit = yaml.safe_load((ROOT / "manifests/argocd/generator-configmap.yaml").read_text("utf-8"))

    assert one(installed, "ConfigMap", "preview-plugin")["data"] == kit["data"]


def test_argocd_renders_a_preview_of_each_pull_request(
    written: Path, installed: Objects, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(written)
    answered = json.loads(CliRunner().invoke(main, ["params"], env=PARAMETERS).stdout)["output"]["parameters"]
    for path, text in {
        "applicationsets/previews.yaml": json.dumps(one(installed, "ApplicationSet")),
        "manifests/argocd/previews-project.yaml": json.dumps(one(installed, "AppProject")),
        "manifests/preview/kustomization.yaml": "resources: [app.yaml]",
        "manifests/preview/app.yaml": DEPLOYED,
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    rendered = render("previews.yaml", answered, tmp_path)

    assert len(rendered) == len(answered) == 4
    for parameters, each in zip(answered, rendered, strict=True):
        source = each["application"]["spec"]["source"]
        assert (each["error"], each["refused"] or []) == ("", [])
        assert (source["repoURL"], source["targetRevision"]) == (parameters["repository_url"], parameters["deploy_sha"])
        assert {identity(found) for found in each["objects"]} == {
            ("Namespace", "", parameters["namespace"]),
            ("Service", parameters["namespace"], "app"),
        }


def test_the_files_are_short(written: Path) -> None:
    lengths = {name: len((written / name).read_text("utf-8").splitlines()) for name in FILES}

    assert lengths["kustomization.yaml"] <= 20
    assert sum(lengths.values()) <= 115
