"""A pause: nothing runs, everything else stays as it was, and Argo CD has nothing to wait for."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests.conftest import (
    OPTIONAL,
    PROFILES,
    Acme,
    Rendered,
    as_web,
    base_name,
    copy_of_the_tree,
    render_all,
    switch_on,
)
from tools.rendering import ROOT, Objects, build

SETS = [file for file in ROOT.glob("applicationsets/*.yaml") if file.name != "kustomization.yaml"]
HOOK = "argocd.argoproj.io/hook"

# A base of one's own, with everything that can start pods without this repository's manifests.
BASE = """
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../../manifests/apps/web/base, own.yaml]
patches:
  - target: {kind: Deployment, name: app}
    patch: |
      - {op: remove, path: /spec/replicas}
"""
OVERLAY = """
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../base]
components: [../../manifests/components/paused]
"""
OWN = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: app}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: app}, maxReplicas: 3}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: kafka}
spec: {serviceName: kafka}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: report}
spec: {schedule: "0 * * * *"}
"""


@pytest.fixture(name="pauses", scope="module")
def _pauses(acme: Acme, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Rendered, Rendered]]:
    """Each profile with each overlay, and previews with all optional components: awake and paused."""
    live = {given["name"]: given for given in acme.live()}
    own = [live["preview-orders-15"], live["preview-shop-31"], as_web(live["preview-payments-123"])]
    forks = [acme.fork("preview-orders-15"), acme.fork("preview-shop-31"), as_web(acme.fork("preview-payments-123"))]
    complete = copy_of_the_tree(tmp_path_factory.mktemp("complete"))
    for profile in PROFILES:
        switch_on(complete / f"manifests/apps/{profile}/overlays/preview/kustomization.yaml", OPTIONAL)
    found = {}
    for application_set, given, root in (
        ("previews.yaml", own, ROOT),
        ("forks.yaml", forks, ROOT),
        ("previews.yaml", own, complete),
    ):
        awake = render_all(application_set, given, root)
        asleep = render_all(application_set, [_paused(one) for one in given], root)
        for one, other in zip(awake, asleep, strict=True):
            found[f"{one.parameters['path']} of {root.name}"] = one, other
    return found


def test_every_profile_is_paused_with_every_overlay(pauses: dict[str, tuple[Rendered, Rendered]]) -> None:
    overlays = {str(path.parent.relative_to(ROOT)) for path in ROOT.glob("manifests/apps/*/overlays/preview*/*.yaml")}

    assert {key.partition(" ")[0] for key in pauses} == overlays
    assert len(pauses) == len(overlays) + len(PROFILES)


def test_nothing_runs_in_a_paused_preview(pauses: dict[str, tuple[Rendered, Rendered]]) -> None:
    """Migrations and seeds run in the same pods, so they do not run either."""
    for where, (_, preview) in pauses.items():
        assert (preview.error, preview.refused) == ("", []), where
        assert preview.application["metadata"]["labels"]["preview.example.com/state"] == "paused"
        runs = {base_name(found): found for found in preview.objects if "template" in found.get("spec", {})}
        assert ("Deployment", "app") in runs
        assert {found["kind"]: found["spec"]["replicas"] for found in runs.values()} == {"Deployment": 0}, where


def test_no_hook_is_left_that_could_fail_the_sync_of_a_pause(pauses: dict[str, tuple[Rendered, Rendered]]) -> None:
    for where, (_, preview) in pauses.items():
        assert [found for found in preview.objects if HOOK in found["metadata"].get("annotations", {})] == [], where


def test_a_pause_changes_nothing_but_replicas_and_hooks(pauses: dict[str, tuple[Rendered, Rendered]]) -> None:
    """So the namespace, the volumes, the address and the passwords stay, and a resumed preview is as it was."""
    for where, (awake, paused) in pauses.items():
        before, after = _indexed(awake.objects), _indexed(paused.objects)
        assert {identity[0] for identity in before if identity not in after} <= {"Job"}, where
        for identity, found in after.items():
            if identity[0] == "Deployment":
                before[identity]["spec"]["replicas"] = 0
            assert found == before[identity], where
        assert ("Namespace", paused.parameters["namespace"]) in after
        assert (("PersistentVolumeClaim", "postgres") in after) == (paused.parameters["profile"] == "backend"), where


def test_an_app_of_ones_own_sleeps_whatever_else_starts_pods(tmp_path: Path) -> None:
    root = copy_of_the_tree(tmp_path)
    for file, text in (
        ("base/kustomization.yaml", BASE),
        ("base/own.yaml", OWN),
        ("preview/kustomization.yaml", OVERLAY),
    ):
        (root / "own" / file).parent.mkdir(parents=True, exist_ok=True)
        (root / "own" / file).write_text(text, "utf-8")

    objects = _indexed(build(root / "own/preview"))

    assert objects["Deployment", "app"]["spec"]["replicas"] == 0
    assert objects["StatefulSet", "kafka"]["spec"]["replicas"] == 0
    assert objects["CronJob", "report"]["spec"]["suspend"] is True
    assert ("HorizontalPodAutoscaler", "app") in objects, "it leaves 0 replicas alone"


@pytest.mark.parametrize("name", [file.name for file in SETS])
def test_no_set_has_a_second_component(name: str) -> None:
    """Argo CD 3.6.1 applies only the first one that exists and silently drops the others.

    https://github.com/argoproj/argo-cd/blob/v3.6.1/util/kustomize/kustomize.go
    """
    source = yaml.safe_load((ROOT / "applicationsets" / name).read_text("utf-8"))["spec"]["template"]["spec"]["source"]

    assert len(source.get("kustomize", {}).get("components", [])) <= 1


def _paused(given: dict[str, Any]) -> dict[str, Any]:
    return given | {"state": "paused", "replicas": "0"}


def _indexed(objects: Objects) -> dict[tuple[str, str], Any]:
    return {base_name(found): {**found, "spec": dict(found.get("spec", {}))} for found in objects}
