"""The life of a pull request: each step changes its Application, and no field of any other."""

from typing import Any

import pytest
import yaml

from tests.conformance.argocd import Object, Reconciled
from tests.conformance.conftest import MakeStage
from tests.conformance.stage import Stage, differences
from tests.contract.conftest import pull_request
from tools.rendering import ROOT

NAME = "preview-orders-20"
STAGING = "http://app.staging-payments.svc.cluster.local"
PREVIEW = "http://app.preview-payments-130.svc.cluster.local"
LINKED = "version: 1\ndependencies: {payments: pr:130, users: pr:7}\n"
SET = yaml.safe_load((ROOT / "applicationsets/previews.yaml").read_text("utf-8"))
PATCHES = {
    f"spec.source.kustomize.patches[{index}].patch": patch
    for index, patch in enumerate(SET["spec"]["template"]["spec"]["source"]["kustomize"]["patches"])
}
PUSHED = {
    "metadata.annotations.preview.example.com/deploy-sha",
    "metadata.annotations.link.argocd.argoproj.io/commit",
    "spec.source.kustomize.images[0]",
    *(path for path, patch in PATCHES.items() if "preview.example.com/deploy-sha" in patch["patch"]),
}
# The environment, and the previews that the network policy lets it reach.
REWIRED = {
    path
    for path, patch in PATCHES.items()
    if patch["patch"] == "{{ .environment_patch }}" or patch.get("target", {}).get("name") == "previews-out"
}
NOTICE = "metadata.annotations.notice.argocd.argoproj.io/content"


class Life:
    """Takes one step at a time and compares all Applications after each."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def step(self, **expected: set[str]) -> Reconciled:
        """Refresh and reconcile: exactly these Applications change, and the next reconcile changes none."""
        before = self.stage.argocd.applications()
        done = self.stage.settle()
        assert done.fine
        found = {"created": {*done.created}, "updated": {*done.updated}, "deleted": {*done.deleted}}
        assert {kind: names for kind, names in found.items() if names} == expected
        after = self.stage.argocd.applications()
        for name in before.keys() - done.touched:
            assert after[name] == before[name]
        assert self.stage.reconcile().touched == set()
        assert self.stage.argocd.applications() == after
        return done

    def push(self, sha: str, **changes: Any) -> set[str]:
        """Push a commit, and return the paths at which the Application has changed."""
        self.stage.change("acme/orders", 20, head_sha=sha * 40, **changes)
        (change,) = self.step(updated={NAME}).updated.values()
        return set(differences(*change))

    def notice(self) -> str:
        """Return what Argo CD's UI says above the Application."""
        annotations = self.stage.argocd.applications()[NAME]["metadata"]["annotations"]
        return str(annotations["notice.argocd.argoproj.io/content"])

    def environment(self) -> dict[str, str]:
        """Return what the pods see, and the name of the ConfigMap, which makes them roll."""
        objects = self.stage.rendered(self.stage.argocd.applications()[NAME])
        (found,) = (one for one in objects if one["kind"] == "ConfigMap" and "environment" in one["metadata"]["name"])
        (app,) = (one for one in objects if (one["kind"], one["metadata"]["name"]) == ("Deployment", "app"))
        (container,) = app["spec"]["template"]["spec"]["containers"]
        assert {"configMapRef": {"name": found["metadata"]["name"]}} in container["envFrom"]
        return {**found["data"], "ConfigMap": found["metadata"]["name"]}


@pytest.fixture(name="life")
def _life(make_stage: MakeStage) -> Life:
    stage = make_stage()
    assert len(stage.settle().created) == 12
    return Life(stage)


def test_the_life_of_a_pull_request_changes_only_its_application(life: Life) -> None:
    stage = life.stage

    # Opened, without a label.
    stage.open("acme/orders", pull_request(20, head_sha="a" * 40, labels=()))
    life.step()

    # Labelled.
    stage.change("acme/orders", 20, labels=("preview",))
    created = life.step(created={NAME}).created[NAME]
    assert created["spec"]["source"]["kustomize"]["images"][0] == f"app=ghcr.io/acme/orders:{'a' * 40}"
    first = life.environment()
    assert first["PAYMENTS_URL"] == STAGING

    # Pushed: only the image differs, so only the app's pods roll.
    assert life.push("b") == PUSHED
    assert life.environment() == first

    # A dependency changed: the name of the ConfigMap differs, so the pods roll.
    assert life.push("c", config="version: 1\ndependencies: {users: pr:7}\n") == PUSHED | REWIRED
    second = life.environment()
    assert second["USERS_URL"] == "http://app.preview-users-7.svc.cluster.local"
    assert second["ConfigMap"] != first["ConfigMap"]

    # Linked to a pull request without a preview: staging until it gets one.
    stage.open("acme/payments", pull_request(130, labels=()))
    assert life.push("d", config=LINKED) == PUSHED | {NOTICE}
    assert "Calls to payments go to staging" in life.notice()
    stage.change("acme/payments", 130, labels=("preview",))
    life.step(created={"preview-payments-130"}, updated={NAME})
    assert life.environment() == {**second, "PAYMENTS_URL": PREVIEW, "ConfigMap": life.environment()["ConfigMap"]}
    assert life.notice() == ""

    # The target is merged: the link falls back to staging.
    stage.change("acme/payments", 130, state="merged")
    life.step(deleted={"preview-payments-130"}, updated={NAME})
    assert life.environment() == second
    assert "acme/payments#130 was merged" in life.notice()

    # The config is broken: the last valid one stays in force, and the Application says what is wrong.
    error = "metadata.annotations.preview.example.com/config-error"
    severity = NOTICE.replace("content", "severity")
    changed = life.push("e", config="version: 1\ndependencies: {paymints: pr:130}\n")
    assert changed == PUSHED | {error, NOTICE, severity}
    assert "dependencies.paymints: is not a dependency of orders" in life.notice()
    assert life.environment() == second

    # Closed.
    stage.change("acme/orders", 20, state="closed")
    life.step(deleted={NAME})
    assert len(stage.argocd.applications()) == 12


def test_removing_the_label_ends_a_preview_and_other_labels_do_not_matter(life: Life) -> None:
    life.stage.change("acme/users", 11, labels=("preview", "ready", "kind/✓"))
    life.step()
    life.stage.change("acme/users", 11, labels=("ready",))
    life.step(deleted={"preview-users-11"})


def test_a_repository_with_two_services_gives_two_applications(life: Life) -> None:
    life.stage.open("acme/backoffice", pull_request(5))
    life.step(created={"preview-admin-5", "preview-reports-5"})
    life.stage.change("acme/backoffice", 5, state="closed")
    life.step(deleted={"preview-admin-5", "preview-reports-5"})


def test_fields_that_argocd_writes_into_applications_are_kept(life: Life) -> None:
    application: Object = life.stage.argocd.applications()["preview-orders-12"]
    application["metadata"]["annotations"]["argocd.argoproj.io/refresh"] = "normal"
    application["metadata"]["annotations"]["notified.notifications.argoproj.io"] = "{}"
    application["status"] = {"sync": {"status": "Synced"}}
    life.stage.argocd.apply({"kind": "Application", "apiVersion": "argoproj.io/v1alpha1", **application})
    life.step()
