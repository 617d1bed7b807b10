"""The example for Helm: an ordinary chart, rendered by Argo CD's own code, under a project of its own."""

import json

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from tests.manifests.conftest import Acme, Rendered, by_name, render_all
from tests.manifests.pods import pod
from tools.rendering import PROJECTS, ROOT

ACTIVE, PAUSED = "preview-orders-15", "preview-shop-31"


@pytest.fixture(name="charts", scope="module")
def _charts(acme: Acme) -> dict[str, Rendered]:
    return by_name(render_all("helm-example.yaml", [acme.ugly(ACTIVE), acme.paused(PAUSED)]))


def test_the_chart_renders_and_is_admitted(charts: dict[str, Rendered]) -> None:
    for name, preview in charts.items():
        assert (preview.error, preview.refused) == ("", []), name
        for found in preview.objects:
            kubernetes_validate.validate(found, kubernetes_validate.latest_version(), strict=True)
    kinds = {found["kind"] for found in charts[ACTIVE].objects}
    assert kinds >= {"ServiceAccount", "HorizontalPodAutoscaler", "StatefulSet"}


def test_the_project_permits_what_the_chart_has_and_nothing_else(charts: dict[str, Rendered]) -> None:
    spec = yaml.safe_load((ROOT / PROJECTS["previews-helm"]).read_text("utf-8"))["spec"]
    permitted = {(entry["group"], entry["kind"]) for entry in spec["namespaceResourceWhitelist"]}
    has = {
        (found["apiVersion"].rpartition("/")[0].partition("/")[0], found["kind"]) for found in charts[ACTIVE].objects
    }

    assert has == permitted | {("", "Namespace")}
    assert spec["clusterResourceWhitelist"] == [{"group": "", "kind": "Namespace", "name": "preview-*"}]


def test_the_chart_gets_the_parameters(charts: dict[str, Rendered]) -> None:
    for preview in charts.values():
        given = preview.parameters
        values = yaml.safe_load(preview.application["spec"]["source"]["helm"]["values"])
        assert values == {
            "deploySha": given["deploy_sha"],
            "replicaCount": int(given["replicas"]),
            "autoscaling": {"enabled": given["replicas"] == "1"},
            "image": {"repository": given["image_name"], "tag": given["image_tag"]},
            "port": int(given["port"]),
            "healthPath": given["health_path"],
            "host": given["host"],
            "environment": given["environment"],
            "pullRequest": {"url": given["pull_request_url"], "title": given["title"]},
            "dependencies": given["dependencies"],
        }
        app = preview.one("Deployment", "app")
        assert json.loads(app["metadata"]["annotations"]["preview.example.com/title"]) == given["title"]
        assert pod(app)["containers"][0]["image"] == given["image"]
        assert preview.one("ConfigMap", "app")["data"].items() >= given["environment"].items()
        assert preview.one("Ingress", "app")["spec"]["rules"][0]["host"] == given["host"]


def test_a_pause_stops_every_pod_and_no_autoscaler_starts_them(charts: dict[str, Rendered]) -> None:
    assert charts[PAUSED].all("HorizontalPodAutoscaler") == []
    for kind in ("Deployment", "StatefulSet"):
        assert [found["spec"]["replicas"] for found in charts[PAUSED].all(kind)] == [0]
    # The autoscaler's number of replicas must not be the chart's, or Argo CD would undo it.
    assert "replicas" not in charts[ACTIVE].one("Deployment", "app")["spec"]
