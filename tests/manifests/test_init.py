"""What `preview-plugin init` writes: it builds on this project from outside, and Argo CD renders a preview from it."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from plugin import __version__
from plugin.cli import main
from plugin.cli.init import FILES, PROJECT
from tests.docs.pages import read
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
    """Build both folders, with this one in the place of the released version."""
    for file in (written / "kustomization.yaml", written / "argocd/kustomization.yaml"):
        here = os.path.relpath(ROOT, file.parent.resolve())
        text = file.read_text("utf-8")
        local = re.sub(rf"- https://github\.com/{PROJECT}//(\S+)\?ref=v{__version__}", rf"- {here}/\1", text)
        assert local != text
        file.write_text(local, "utf-8")
    return build(written) + build(written / "argocd")


def test_the_wrapper_installs_the_plugin_with_the_new_catalog(written: Path, installed: Objects) -> None:
    catalog = one(installed, "ConfigMap", "preview-catalog")

    assert catalog["metadata"]["namespace"] == "previews-system"
    assert catalog["data"] == {"catalog.yaml": (written / "catalog.yaml").read_text("utf-8")}


def test_everything_else_is_the_plugin_as_it_was_released(installed: Objects) -> None:
    released = build(ROOT / "manifests/plugin/base") + build(ROOT / "manifests/argocd")
    ours, theirs = ({identity(found): found for found in objects} for objects in (installed, released))

    assert ours.keys() - theirs.keys() == {("ApplicationSet", "argocd", "previews")}
    for key, found in theirs.items():
        kind, _, name = key
        if kind == "AppProject":
            assert ours[key] == found | {"spec": found["spec"] | {"sourceRepos": ["https://github.com/acme/*"]}}
        else:
            assert (ours[key] == found) is (name != "preview-catalog")


def identity(found: dict[str, Any]) -> tuple[str, str, str]:
    return found["kind"], found["metadata"].get("namespace", ""), found["metadata"]["name"]


def test_argocd_renders_a_preview_of_each_pull_request(
    written: Path, installed: Objects, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(written)
    answered = json.loads(CliRunner().invoke(main, ["params"], env=PARAMETERS).stdout)["output"]["parameters"]
    for path, text in {
        "applicationsets/previews.yaml": json.dumps(one(installed, "ApplicationSet")),
        "manifests/argocd/previews-project.yaml": json.dumps(one(installed, "AppProject", "previews")),
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


def test_another_kind_is_admitted_as_the_guide_says(written: Path, installed: Objects) -> None:
    (line,) = re.findall(r"`(- \{op: add, path: /spec/namespaceResourceWhitelist.*\})`", read("docs/install.md"))
    copied = written / "copied"  # beside argocd, so that the same relative paths lead here
    shutil.copytree(written / "argocd", copied)
    with (copied / "kustomization.yaml").open("a", encoding="utf-8") as kustomization:
        kustomization.write(f"      {line}\n")
    admitted = one(build(copied), "AppProject", "previews")["spec"]["namespaceResourceWhitelist"]
    before = one(installed, "AppProject", "previews")["spec"]["namespaceResourceWhitelist"]

    assert admitted == [*before, {"group": "", "kind": "ServiceAccount"}]


def test_the_files_are_short(written: Path) -> None:
    lengths = {name: len((written / name).read_text("utf-8").splitlines()) for name in FILES}

    assert lengths["kustomization.yaml"] <= 15
    assert sum(lengths.values()) <= 72
