"""The small renderer of `make demo`: it refuses what it does not know, and leaves the repository as it is.

tests/conformance/test_renderer.py compares what it renders with Argo CD's own code.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests.conftest import Acme, copy_of_the_tree
from tools.rendering import render_without_argocd


@pytest.fixture(name="tree")
def _tree(tmp_path: Path) -> Path:
    return copy_of_the_tree(tmp_path)


def rendered(tree: Path, acme: Acme, **kustomize: Any) -> dict[str, Any]:
    """Render one preview with other values in its set's `spec.template.spec.source.kustomize`."""
    file = tree / "applicationsets/previews.yaml"
    content = yaml.safe_load(file.read_text("utf-8"))
    content["spec"]["template"]["spec"]["source"]["kustomize"] |= kustomize
    file.write_text(json.dumps(content), "utf-8")
    (result,) = render_without_argocd("previews.yaml", acme.live()[:1], tree)
    return result


@pytest.mark.parametrize(
    ("kustomize", "message"),
    [
        ({"namePrefix": "a-"}, 'unknown field "namePrefix"'),
        ({"patches": [{"target": {"kinds": "Job"}, "patch": "[]"}]}, 'unknown field "kinds"'),
        ({"images": ["app"]}, 'images: "app" cannot be rendered: write NAME=IMAGE without variables and asterisks'),
        ({"images": ["app=app:$TAG"]}, 'images: "app=app:$TAG" cannot be rendered'),
        ({"commonLabels": {"a": "$B"}}, 'commonLabels: a: "$B" cannot be rendered: write it without variables'),
        ({"labelWithoutSelector": False}, "commonLabels can be rendered only with labelWithoutSelector: true"),
        ({"components": ["../none"], "ignoreMissingComponents": False}, "none"),
    ],
    ids=str,
)
def test_what_it_does_not_know_fails_the_preview(
    tree: Path, acme: Acme, kustomize: dict[str, Any], message: str
) -> None:
    result = rendered(tree, acme, **kustomize)

    assert message in result["error"]
    assert result["objects"] is None


@pytest.mark.parametrize("spec", [{"goTemplate": False}, {"templatePatch": "{}"}], ids=str)
def test_a_set_that_it_cannot_render_is_named(tree: Path, acme: Acme, spec: dict[str, Any]) -> None:
    file = tree / "applicationsets/previews.yaml"
    content = yaml.safe_load(file.read_text("utf-8"))
    content["spec"] |= spec
    file.write_text(json.dumps(content), "utf-8")

    with pytest.raises(RuntimeError, match=f"{file}: only sets with goTemplate: true and without templatePatch"):
        render_without_argocd("previews.yaml", acme.live(), tree)


def test_the_repository_stays_as_it_is(tree: Path, acme: Acme) -> None:
    before = {file: file.read_bytes() for file in tree.rglob("*") if file.is_file()}
    results = render_without_argocd("previews.yaml", acme.live(), tree)

    assert [result["error"] for result in results] == [""] * len(results)
    assert {file: file.read_bytes() for file in tree.rglob("*") if file.is_file()} == before
