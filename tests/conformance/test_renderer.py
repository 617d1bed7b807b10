"""The small renderer of `make demo` (tools/renderer): for every set it writes what Argo CD's own code writes."""

import json
import os
import subprocess
import sys
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conformance.test_applicationsets import as_fork
from tools.rendering import ROOT, render, render_without_argocd

DEMO = {
    "PREVIEW_CATALOG": "tests/acme/catalog.yaml",
    "PREVIEW_SOURCE": "file:examples/acme/organisation.yaml",
}
HOSTILE = 'line 3: "}}\n{{ fail "no" }} \'\\ # % $HOME $(id) <b>&amp; 日本語 ___'
# What a set of one's own may call: https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/GoTemplate/
FUNCTIONS = [
    "{{ .branch | normalize }}",
    '{{ printf "%s/Ünï_%s" .branch .head_sha | slugify }}',
    "{{ .head_sha | repeat 3 | slugify 23 }}",
    '{{ slugify 12 false "one-two-three four" }}',
    "{{ .dependencies | toYaml }}",
    "{{ (.dependencies | toJson | fromYamlArray) | len }}",
    '{{ (.environment | toYaml | fromYaml) | keys | sortAlpha | join "," }}',
    "{{ .title | sha256sum }} {{ .number | atoi | add 1 }} {{ .labels | first | title | quote }}",
    '{{ dict "a" (list 1 2.5 "x" true) | toPrettyJson }}{{ .expires_at | default "-" }}',
]
REFUSED = [
    '{{ env "HOME" }}',
    '{{ expandenv "$HOME" }}',
    '{{ getHostByName "localhost" }}',
    '{{ "a: [" | fromYaml }}',
    "{{ .title | fail }}",
    "{{ .title",
]


@pytest.fixture(name="given", scope="module")
def _given() -> list[dict[str, Any]]:
    """What Argo CD would get for the demo organisation."""
    command = [str(Path(sys.executable).parent / "preview-plugin"), "params"]
    answer = subprocess.run(command, cwd=ROOT, env=os.environ | DEMO, capture_output=True, text=True, check=True)
    parameters: list[dict[str, Any]] = json.loads(answer.stdout)["output"]["parameters"]
    assert len(parameters) == 12
    return parameters


def text(rendered: dict[str, Any]) -> str:
    """Application, objects and whether it failed, as far as both programs write them.

    Only Argo CD's writes the status of an Application, which is empty, what would be refused, and what Helm makes.
    """
    application = {key: value for key, value in rendered.get("application", {}).items() if key != "status"}
    content: dict[str, Any] = {"application": application}
    if not application or "helm" not in application["spec"]["source"]:
        content |= {"objects": rendered["objects"] or [], "failed": rendered["error"] != ""}
    return json.dumps(content, indent=1, sort_keys=True)


def differences(application_set: str, given: list[dict[str, Any]], root: Path = ROOT) -> list[str]:
    """Render both ways, and return the lines in which they differ."""
    expected, found = render(application_set, given, root), render_without_argocd(application_set, given, root)
    assert len(expected) == len(found) == len(given) > 0
    return [
        line
        for theirs, ours in zip(expected, found, strict=True)
        for line in unified_diff(text(theirs).splitlines(), text(ours).splitlines(), "Argo CD", "renderer")
    ]


@pytest.mark.parametrize("application_set", ["previews.yaml", "forks.yaml", "helm-example.yaml"])
def test_the_demo_renders_as_argocd_renders_it(given: list[dict[str, Any]], application_set: str) -> None:
    previews = [as_fork(one) for one in given] if application_set == "forks.yaml" else given

    assert differences(application_set, previews) == []
    if application_set != "helm-example.yaml":
        assert all(result["objects"] for result in render_without_argocd(application_set, previews))


def test_paused_previews_and_hostile_texts_render_the_same(given: list[dict[str, Any]]) -> None:
    paused = [one | {"state": "paused", "replicas": "0"} for one in given]
    hostile = [one | {"title": HOSTILE, "config_error": HOSTILE, "labels": [HOSTILE]} for one in given]

    assert differences("previews.yaml", paused) == []
    assert differences("previews.yaml", hostile) == []
    assert differences("helm-example.yaml", hostile) == []


@pytest.mark.parametrize(
    "change",
    [
        {"path": "manifests/apps/none"},
        {"image": ""},
        {"image": "registry.example.com:5000/app:1.0@sha256:" + "0" * 64},
        {"image": "app@sha256:" + "0" * 64},
        {"environment_patch": "{}"},
        {"environment_patch": '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"none"}}'},
        {"host": "*.example.com"},
    ],
    ids=str,
)
def test_odd_parameters_render_or_fail_the_same(given: list[dict[str, Any]], change: dict[str, Any]) -> None:
    assert differences("previews.yaml", [given[0] | change]) == []


def test_a_missing_parameter_fails_the_same(given: list[dict[str, Any]]) -> None:
    without = {key: value for key, value in given[0].items() if key != "title"}
    (result,) = render_without_argocd("previews.yaml", [without])

    assert differences("previews.yaml", [without]) == []
    assert 'map has no entry for key "title"' in result["error"]


@pytest.mark.parametrize("function", FUNCTIONS + REFUSED)
def test_functions_of_templates_return_the_same(given: list[dict[str, Any]], tmp_path: Path, function: str) -> None:
    metadata = {"name": "{{ .name }}", "annotations": {"note-{{ .service }}": function}}
    set_of_ones_own(tmp_path, metadata)
    results = render_without_argocd("own.yaml", given[:2], tmp_path)

    assert differences("own.yaml", given[:2], tmp_path) == []
    assert {result["error"] != "" for result in results} == {function in REFUSED}


def test_the_controllers_own_finalizer_is_the_same(given: list[dict[str, Any]], tmp_path: Path) -> None:
    set_of_ones_own(tmp_path, {"name": "{{ .name }}"})
    (result,) = render_without_argocd("own.yaml", given[:1], tmp_path)

    assert differences("own.yaml", given[:1], tmp_path) == []
    assert result["application"]["metadata"]["finalizers"] == ["resources-finalizer.argocd.argoproj.io"]


def set_of_ones_own(root: Path, metadata: dict[str, Any]) -> None:
    """Write `applicationsets/own.yaml` beside this repository's manifests, which it builds as they are."""
    (root / "manifests").symlink_to(ROOT / "manifests")
    (root / "applicationsets").mkdir()
    content = yaml.safe_load((ROOT / "applicationsets/previews.yaml").read_text("utf-8"))
    content["spec"]["template"]["metadata"] = metadata
    del content["spec"]["template"]["spec"]["source"]["kustomize"]
    (root / "applicationsets/own.yaml").write_text(json.dumps(content), "utf-8")
