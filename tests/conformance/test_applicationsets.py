"""The demo organisation: its exact Applications, what they render, and what their projects permit."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conformance.argocd import ArgoCD, Object
from tests.conformance.canned import canned_plugin
from tests.conformance.stage import Stage, stage
from tools.rendering import ROOT, render, render_applications

EXPECTED = Path(__file__).parent / "expected"
SETS = ("previews", "forks", "helm-example")
NO_SEED = "image-unset.invalid/seed:none"
# Name, profile, image and seed of every live preview, by hand from examples/acme.
LIVE = """
preview-admin-4      frontend backoffice-admin:0404040404040404040404040404040404040404        -
preview-orders-12    backend  orders:0a4be4a1c1a5e7e6f5c9d3b1a2f4c6d8e0f1a3b5                  seed-db:2026.11
preview-orders-15    backend  orders:15c0ffee15c0ffee15c0ffee15c0ffee15c0ffee                  seed-db:2026.11-min
preview-orders-17    backend  orders:17d00d1e17d00d1e17d00d1e17d00d1e17d00d1e                  seed-db:2026.11
preview-orders-18    backend  orders:18badbad18badbad18badbad18badbad18badbad                  seed-db:2026.11
preview-payments-123 backend  payments:123abc00123abc00123abc00123abc00123abc00                seed-db:2026.11
preview-payments-125 backend  payments:125c125c125c125c125c125c125c125c125c125c                seed-db:2026.11
preview-reports-4    backend  backoffice-reports:pr-4-0404040404040404040404040404040404040404 seed-db:2026.11
preview-shop-31      frontend shop:31a31a31a31a31a31a31a31a31a31a31a31a31a3                    -
preview-shop-33      frontend shop:33b33b33b33b33b33b33b33b33b33b33b33b33b3                    -
preview-users-11     backend  users:11b011b011b011b011b011b011b011b011b011b0                   seed-db:2026.11
preview-users-7      backend  users:07a07a07a07a07a07a07a07a07a07a07a07a07a0                   seed-db:2026.11
"""
TABLE = [tuple(line.split()) for line in LIVE.strip().splitlines()]
HOSTILE: dict[str, dict[str, Any]] = {
    "ClusterRole": {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "everything"}, "rules": []},
    "RoleBinding": {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "metadata": {"name": "everything"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
    },
    "PriorityClass": {"apiVersion": "scheduling.k8s.io/v1", "metadata": {"name": "first"}, "value": 1000000},
    "Application": {"apiVersion": "argoproj.io/v1alpha1", "metadata": {"name": "another"}, "spec": {}},
}


def as_fork(given: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that the plugin will emit for an approved fork."""
    name = f"fork-{given['name']}"
    return given | {"name": name, "namespace": name, "origin": "fork", "path": f"{given['path']}-fork"}


@pytest.fixture(name="staged", scope="module")
def _staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("stage"), sets=SETS) as staged:
        yield staged


@pytest.fixture(name="applications", scope="module")
def _applications(staged: Stage) -> dict[str, Object]:
    staged.server.refreshed()
    reconciled = staged.reconcile("previews")
    assert reconciled.fine
    assert not reconciled.updated
    assert not reconciled.deleted
    return staged.argocd.applications()


@pytest.fixture(name="rendered", scope="module")
def _rendered(applications: dict[str, Object]) -> dict[str, Any]:
    results = render_applications(list(applications.values()))
    return dict(zip(applications, results, strict=True))


def content(application: Object) -> Object:
    """Leave out what the API server adds."""
    metadata = {
        key: value
        for key, value in application["metadata"].items()
        if key not in {"resourceVersion", "ownerReferences"}
    }
    return {"metadata": metadata, "spec": application["spec"]}


def test_every_live_preview_becomes_an_application(applications: dict[str, Object]) -> None:
    images = {name: application["spec"]["source"]["kustomize"]["images"] for name, application in applications.items()}

    assert images == {
        name: [f"app=ghcr.io/acme/{image}", f"seed={NO_SEED if seed == '-' else f'ghcr.io/acme/{seed}'}"]
        for name, _, image, seed in TABLE
    }
    for name, profile, *_ in TABLE:
        application = applications[name]
        _, service, number = name.split("-")
        assert application["metadata"]["labels"] == {
            f"preview.example.com/{key}": value
            for key, value in {
                "service": service,
                "number": number,
                "profile": profile,
                "origin": "same-repository",
                "state": "active",
            }.items()
        }
        assert application["spec"]["source"]["path"] == f"manifests/apps/{profile}/overlays/preview"
        assert application["spec"]["source"]["kustomize"]["namespace"] == name
        assert application["spec"]["destination"]["namespace"] == name
        assert application["metadata"]["annotations"]["preview.example.com/url"] == (
            f"https://{service}-{number}.preview.example.com"
        )
        assert application["metadata"]["ownerReferences"][0]["name"] == "previews"


@pytest.mark.parametrize("name", ["preview-orders-15", "preview-shop-33", "preview-users-11"])
def test_an_application_matches_the_expected_file(applications: dict[str, Object], name: str) -> None:
    expected = yaml.safe_load((EXPECTED / f"{name}.yaml").read_text("utf-8"))

    assert content(applications[name]) == expected


def test_the_set_is_requeued_as_often_as_it_says(staged: Stage, applications: dict[str, Object]) -> None:
    again = staged.reconcile("previews")

    assert again.fine
    assert again.requeue_after.total_seconds() == 60
    assert again.touched == set()
    assert staged.argocd.applications() == applications


def test_a_label_alone_gives_no_fork_a_preview(staged: Stage) -> None:
    reconciled = staged.reconcile("previews-forks")

    assert reconciled.fine
    assert reconciled.touched == set()


def test_a_service_without_a_profile_belongs_to_the_set_for_helm_alone(staged: Stage, controller: ArgoCD) -> None:
    """Both sets are in the cluster: an Application in two would stop all deletions of one of them."""
    given = [
        one | ({"profile": "", "path": ""} if one["name"] == "preview-orders-15" else {})
        for one in staged.server.ask().json["output"]["parameters"]
    ]
    with canned_plugin() as plugin:
        plugin.answer(given)
        controller.point_at(plugin.url)
        made = {}
        for file, name in (("previews", "previews"), ("helm-example", "previews-helm")):
            controller.apply_file(f"applicationsets/{file}.yaml")
            reconciled = controller.reconcile(name)
            assert reconciled.fine
            made[name] = reconciled.created

    assert made["previews"].keys() == {name for name, *_ in TABLE} - {"preview-orders-15"}
    assert made["previews-helm"].keys() == {"preview-orders-15"}
    expected = yaml.safe_load((EXPECTED / "helm-preview-orders-15.yaml").read_text("utf-8"))
    found = content(made["previews-helm"]["preview-orders-15"])
    values = yaml.safe_load(found["spec"]["source"]["helm"].pop("values"))
    assert {**found, "values": values} == expected
    (result,) = render_applications([made["previews-helm"]["preview-orders-15"]])
    assert (result["error"], result["refused"] or []) == ("", [])


def test_everything_renders_and_nothing_is_refused(rendered: dict[str, Any]) -> None:
    assert {name: result["error"] for name, result in rendered.items() if result["error"]} == {}
    assert {name: result["refused"] for name, result in rendered.items() if result["refused"]} == {}
    for name, _, image, seed in TABLE:
        images = {
            container["image"]
            for found in rendered[name]["objects"]
            if found["kind"] in {"Deployment", "Job"}
            for container in found["spec"]["template"]["spec"]["containers"]
        }
        assert f"ghcr.io/acme/{image}" in images
        assert (f"ghcr.io/acme/{seed}" in images) == (seed != "-")
        assert NO_SEED not in images


@pytest.mark.parametrize("kind", HOSTILE)
def test_an_object_that_the_project_does_not_permit_is_refused(
    applications: dict[str, Object], rendered: dict[str, Any], tmp_path: Path, kind: str
) -> None:
    shutil.copytree(ROOT / "manifests", tmp_path / "manifests")
    component = tmp_path / "manifests/components/active"  # what every active preview adds, if it is there
    component.mkdir()
    kustomization = {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component", "resources": ["extra.yaml"]}
    (component / "kustomization.yaml").write_text(json.dumps(kustomization), "utf-8")
    (component / "extra.yaml").write_text(json.dumps({"kind": kind, **HOSTILE[kind]}), "utf-8")
    (result,) = render_applications([applications["preview-orders-15"]], tmp_path)

    assert result["error"] == ""
    assert len(result["objects"]) == len(rendered["preview-orders-15"]["objects"]) + 1
    assert [message for message in result["refused"] if "the project does not permit it" in message] == [
        message for message in result["refused"] if message.startswith(f"{kind} ")
    ]
    assert any(message.startswith(f"{kind} ") for message in result["refused"])


def test_the_manifests_tests_render_as_the_controller_does(staged: Stage, applications: dict[str, Object]) -> None:
    given = staged.server.ask().json["output"]["parameters"]
    imitated = [result["application"] for result in render("previews.yaml", given)]

    for application in imitated:
        made = content(applications[application["metadata"]["name"]])
        del made["metadata"]["namespace"]
        del application["metadata"]["namespace"]
        assert made == content(application)


def test_an_approved_fork_renders_within_its_stricter_project(staged: Stage, controller: ArgoCD) -> None:
    live = {given["name"]: given for given in staged.server.ask().json["output"]["parameters"]}
    given = [as_fork(live["preview-payments-123"]), as_fork(live["preview-shop-31"])]
    with canned_plugin() as plugin:
        plugin.answer(given)
        controller.point_at(plugin.url)
        controller.apply_file("applicationsets/forks.yaml")
        reconciled = controller.reconcile("previews-forks")
    results = render_applications(list(reconciled.created.values()))

    assert reconciled.fine
    assert reconciled.created.keys() == {"fork-preview-payments-123", "fork-preview-shop-31"}
    for application in reconciled.created.values():
        assert application["spec"]["project"] == "previews-forks"
        assert application["spec"]["source"]["path"].endswith("/overlays/preview-fork")
    assert [result["error"] for result in results] == ["", ""]
    assert [result["refused"] or [] for result in results] == [[], []]
