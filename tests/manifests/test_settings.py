"""Two keys in ConfigMaps that belong to Argo CD: set without touching what others have there."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests.installed import one
from tools.rendering import ROOT, build

SETTINGS = ROOT / "manifests/argocd/settings"
KEYS = {
    "argocd-cm": "resource.customizations.health.PersistentVolumeClaim",
    "argocd-cmd-params-cm": "controller.sync.timeout.seconds",
}


def patch(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((SETTINGS / f"{name}.yaml").read_text("utf-8"))
    return found


def test_a_sync_ends_and_does_not_wait_for_an_unbound_volume() -> None:
    # How soon is what test_deadlines.py adds up.
    assert int(patch("argocd-cmd-params-cm")["data"]["controller.sync.timeout.seconds"]) > 0
    assert "Healthy" in patch("argocd-cm")["data"]["resource.customizations.health.PersistentVolumeClaim"]


@pytest.mark.parametrize("name", KEYS)
def test_a_patch_sets_one_key_and_removes_nothing(name: str) -> None:
    # A merge patch removes what it sets to null: https://datatracker.ietf.org/doc/html/rfc7386
    found = patch(name)

    assert found == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": {KEYS[name]: found["data"][KEYS[name]]},
    }
    assert isinstance(found["data"][KEYS[name]], str)


def test_the_component_keeps_the_keys_of_an_argocd_that_kustomize_installs(tmp_path: Path) -> None:
    shutil.copytree(SETTINGS, tmp_path / "settings")
    theirs = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": "argocd", "labels": {"app.kubernetes.io/part-of": "argocd"}},
            "data": {"users.session.duration": "8h"},
        }
        for name in KEYS
    ]
    (tmp_path / "install.yaml").write_text(yaml.safe_dump_all(theirs), "utf-8")
    kustomization = {"resources": ["install.yaml"], "components": ["settings"]}
    (tmp_path / "kustomization.yaml").write_text(json.dumps(kustomization), "utf-8")

    objects = build(tmp_path)

    for found in theirs:
        name = found["metadata"]["name"]  # type: ignore[index]
        expected = found | {"data": {"users.session.duration": "8h", KEYS[name]: patch(name)["data"][KEYS[name]]}}
        assert one(objects, "ConfigMap", name) == expected
