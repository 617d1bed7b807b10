from typing import Any

import pytest
import yaml

from tests.manifests.conftest import Rendered, base_name
from tools.rendering import ROOT

SETS = [file for file in ROOT.glob("applicationsets/*.yaml") if file.name != "kustomization.yaml"]


def test_a_paused_preview_renders_zero_replicas_and_no_hook(paused: dict[str, Rendered]) -> None:
    for preview in paused.values():
        assert (preview.error, preview.refused) == ("", [])
        assert preview.application["metadata"]["labels"]["preview.example.com/state"] == "paused"
        assert preview.all("Job") == []
        deployments = preview.all("Deployment")
        assert deployments
        assert {found["spec"]["replicas"] for found in deployments} == {0}


def test_a_pause_keeps_data_and_address(paused: dict[str, Rendered], previews: dict[str, Rendered]) -> None:
    for name, preview in paused.items():
        before, after = _indexed(previews[name]), _indexed(preview)
        assert {identity for identity in before if identity not in after} == {
            identity for identity in before if identity[0] == "Job"
        }
        for identity, found in after.items():
            if identity[0] == "Deployment":
                before[identity]["spec"]["replicas"] = 0
            assert found == before[identity]
    assert ("PersistentVolumeClaim", "postgres") in _indexed(paused["preview-orders-15"])


@pytest.mark.parametrize("name", [file.name for file in SETS])
def test_no_set_has_a_second_component(name: str) -> None:
    """Argo CD 3.6.1 applies only the first one that exists and silently drops the others.

    https://github.com/argoproj/argo-cd/blob/v3.6.1/util/kustomize/kustomize.go
    """
    source = yaml.safe_load((ROOT / "applicationsets" / name).read_text("utf-8"))["spec"]["template"]["spec"]["source"]

    assert len(source.get("kustomize", {}).get("components", [])) <= 1


def _indexed(preview: Rendered) -> dict[tuple[str, str], Any]:
    return {base_name(found): {**found, "spec": dict(found.get("spec", {}))} for found in preview.objects}
