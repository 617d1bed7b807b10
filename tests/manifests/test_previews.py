"""One preview: from the plugin's parameters through the ApplicationSet to objects."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests.conftest import Acme, Rendered, base_name, by_name, copy_of_the_tree, render_all
from tests.manifests.pods import containers, initial, owners, pod
from tools.rendering import ROOT, Objects

HOOK = "preview.example.com/hook"
WAVE, OPTIONS = "argocd.argoproj.io/sync-wave", "argocd.argoproj.io/sync-options"


def test_every_preview_of_the_demo_renders_and_is_admitted(previews: dict[str, Rendered], acme: Acme) -> None:
    assert len(previews) == len(acme.live()) > 10
    for name, preview in previews.items():
        assert (preview.error, preview.refused) == ("", []), name
        assert preview.application["metadata"]["name"] == name
        assert preview.objects


def test_optional_components_render_and_are_admitted(complete: dict[str, Rendered]) -> None:
    for preview in complete.values():
        assert (preview.error, preview.refused) == ("", [])
        assert {found["metadata"]["name"] for found in preview.all("ExternalSecret")} == {"external", "registry"}


@pytest.mark.parametrize("name", ["preview-orders-12", "preview-shop-31"])
def test_a_pull_request_with_hostile_texts_renders_like_any_other(
    acme: Acme, previews: dict[str, Rendered], name: str
) -> None:
    (ugly,) = render_all("previews.yaml", [acme.ugly(name)])

    assert (ugly.error, ugly.refused) == ("", [])
    assert ugly.objects == previews[name].objects
    annotations = ugly.application["metadata"]["annotations"]
    assert json.loads(annotations["preview.example.com/title"]) == ugly.parameters["title"]
    assert json.loads(annotations["preview.example.com/config-error"]) == ugly.parameters["config_error"]


def test_every_object_is_in_the_namespace_and_has_the_labels(previews: dict[str, Rendered]) -> None:
    for name, preview in previews.items():
        for found in preview.objects:
            metadata = found["metadata"]
            assert (metadata["name"] if found["kind"] == "Namespace" else metadata["namespace"]) == name
            assert metadata["labels"]["preview.example.com/service"] == preview.parameters["service"]
            assert metadata["labels"]["preview.example.com/number"] == preview.parameters["number"]
            assert metadata["labels"]["preview.example.com/origin"] == "same-repository"
        for owner in owners(preview.objects):
            labels = owner["spec"]["template"]["metadata"]["labels"]
            assert labels["preview.example.com/service"] == preview.parameters["service"]


def test_what_runs_and_where_it_answers_comes_from_the_parameters(previews: dict[str, Rendered]) -> None:
    for preview in previews.values():
        given = preview.parameters
        app = pod(preview.one("Deployment", "app"))["containers"][0]
        assert app["image"] == given["image"]
        assert app["ports"] == [{"name": "http", "containerPort": int(given["port"])}]
        assert app["readinessProbe"]["httpGet"]["path"] == given["health_path"]
        ingress = preview.one("Ingress", "app")["spec"]
        assert [rule["host"] for rule in ingress["rules"]] == [given["host"]]
        assert ingress["tls"] == [{"hosts": [given["host"]]}], "no secretName: the controller's wildcard certificate"
        assert preview.one("ConfigMap", "environment")["data"] == given["environment"]
        (test,) = pod(preview.one("Job", "smoke-test"))["containers"]
        assert test["env"][0] == {"name": "HEALTH_PATH", "value": given["health_path"]}
        seeds = {
            container["image"]
            for owner in owners(preview.objects)
            for container in containers(owner)
            if container["name"] in {"seed", "wait-for-postgres", "postgres"}
        }
        assert seeds == ({given["seed_image"]} if given["profile"] == "backend" else set())


def test_the_profile_web_is_an_app_and_nothing_else(web: dict[str, Rendered]) -> None:
    for preview in web.values():
        assert (preview.error, preview.refused) == ("", [])
        (app,) = owners([found for found in preview.objects if found["metadata"]["name"] != "smoke-test"])
        (container,) = pod(app)["containers"]
        assert container["image"] == preview.parameters["image"]
        assert not {"command", "args"} & container.keys(), "any image that listens on its port"
        assert [next(iter(source.values()))["name"].rpartition("-")[0] for source in container["envFrom"]] == [
            "environment"
        ]
        assert not preview.all("PersistentVolumeClaim")
    assert {preview.parameters["state"] for preview in web.values()} == {"active", "paused"}


def test_without_a_port_or_an_image_the_catalog_harms_nobody(web: dict[str, Rendered]) -> None:
    given = web["preview-orders-15"].parameters | {"port": "", "image": "", "image_name": "", "image_tag": ""}

    (preview,) = render_all("previews.yaml", [given])

    assert (preview.error, preview.refused) == ("", [])
    (container,) = pod(preview.one("Deployment", "app"))["containers"]
    assert container["image"] == "image-unset.invalid/app:none", "never Docker Hub's image of that name"
    assert container["ports"] == [{"name": "http", "containerPort": 8000}], "as in the profile"
    assert preview.one("NetworkPolicy", "previews-in")["spec"]["ingress"][0]["ports"] == [{"port": "http"}]


def test_a_gateway_takes_the_place_of_the_ingress(gateway: dict[str, Rendered]) -> None:
    for preview in gateway.values():
        assert (preview.error, preview.refused) == ("", [])
        assert preview.all("Ingress") == []
        spec = preview.one("HTTPRoute", "app")["spec"]
        assert spec["hostnames"] == [preview.parameters["host"]]
        (rule,) = spec["rules"]
        (port,) = preview.one("Service", "app")["spec"]["ports"]
        assert rule["backendRefs"] == [{"name": "app", "port": port["port"]}]


def test_every_process_of_a_backend_knows_its_data_stores(previews: dict[str, Rendered]) -> None:
    preview = previews["preview-orders-15"]
    made = {found["metadata"]["name"] for found in preview.objects if found["kind"] in {"ConfigMap", "Secret"}}
    for name in ("app", "worker"):
        for container in _its_own(preview, name):
            sources = [next(iter(source.values()))["name"] for source in container["envFrom"]]
            present = [source.rpartition("-")[0] for source in sources if source in made]
            assert present == ["environment", "postgres", "redis", "mongodb"], container["name"]


def test_a_commit_to_the_manifests_repository_changes_no_object(previews: dict[str, Rendered]) -> None:
    for preview in previews.values():
        metadata, source = preview.application["metadata"], preview.application["spec"]["source"]
        watched = metadata["annotations"]["argocd.argoproj.io/manifest-generate-paths"].split(";")
        assert f"/{source['path']}".startswith(watched[0])
        assert watched[1] == "/manifests/components"


def test_a_login_leaves_the_health_path_and_preflight_open(complete: dict[str, Rendered]) -> None:
    for preview in complete.values():
        guarded, opened = preview.one("Ingress", "app"), preview.one("Ingress", "app-open")
        annotations = guarded["metadata"]["annotations"]
        assert annotations["nginx.ingress.kubernetes.io/auth-url"]
        assert annotations["nginx.ingress.kubernetes.io/enable-cors"] == "true"
        domain = preview.parameters["host"].partition(".")[2]
        assert annotations["nginx.ingress.kubernetes.io/cors-allow-origin"] == f"https://*.{domain}"
        login = f"https://login.{domain}/oauth2/start?rd=https://$host$escaped_request_uri"
        assert annotations["nginx.ingress.kubernetes.io/auth-signin"] == login
        assert not [key for key in opened["metadata"].get("annotations", {}) if "auth" in key]
        (rule,) = opened["spec"]["rules"]
        assert rule["host"] == preview.parameters["host"]
        assert [(path["path"], path["pathType"]) for path in rule["http"]["paths"]] == [
            (preview.parameters["health_path"], "Exact")
        ]


def _its_own(preview: Rendered, name: str) -> list[dict[str, Any]]:
    """Return the containers of a Deployment that run the service's own image."""
    image = preview.parameters["image"]
    found = [container for container in containers(preview.one("Deployment", name)) if container["image"] == image]
    assert [container["name"] for container in found] == ["migrate", name]
    return found


def test_external_secrets_belong_to_one_service_and_reach_all_its_pods(complete: dict[str, Rendered]) -> None:
    preview = complete["preview-orders-15"]

    assert preview.one("ExternalSecret", "external")["spec"]["dataFrom"] == [{"extract": {"key": "preview/orders"}}]
    for name in ("app", "worker"):
        for container in _its_own(preview, name):
            names = [source["secretRef"]["name"] for source in container["envFrom"] if "secretRef" in source]
            assert "external" in names, container["name"]
    for owner in owners(preview.objects):
        assert pod(owner)["imagePullSecrets"] == [{"name": "registry"}]


def test_staging_and_previews_have_a_secret_store_and_a_role_each(
    complete: dict[str, Rendered], staging: dict[str, Objects], once: dict[str, Objects]
) -> None:
    stores = {
        found["metadata"]["name"]: found
        for found in once["manifests/secret-store"]
        if found["kind"] == "ClusterSecretStore"
    }
    roles = set()
    for group, environment, prefix in (
        ([preview.objects for preview in complete.values()], "preview", "preview/"),
        (staging.values(), "staging", "staging/"),
    ):
        secrets = [found for objects in group for found in objects if found["kind"] == "ExternalSecret"]
        (store,) = {found["spec"]["secretStoreRef"]["name"] for found in secrets}
        keys = [entry["extract"]["key"] for found in secrets for entry in found["spec"].get("dataFrom", [])]
        assert keys
        assert all(key.startswith(prefix) for key in keys)
        (condition,) = stores[store]["spec"]["conditions"]
        assert condition["namespaceSelector"]["matchLabels"] == {"preview.example.com/environment": environment}
        account = stores[store]["spec"]["provider"]["aws"]["auth"]["jwt"]["serviceAccountRef"]
        roles.add(_role(once["manifests/secret-store"], account))
    assert len(roles) == 2


def _role(objects: Objects, account: dict[str, str]) -> str:
    (found,) = (
        found for found in objects if found["kind"] == "ServiceAccount" and found["metadata"].items() >= account.items()
    )
    role: str = found["metadata"]["annotations"]["eks.amazonaws.com/role-arn"]
    return role


def test_what_protects_a_preview_is_there_before_its_pods_and_goes_after_them(
    previews: dict[str, Rendered], forks: dict[str, Rendered]
) -> None:
    """Argo CD waits two seconds between two waves, so there is one.

    In it, namespace, policies, quota and limits are applied first, by their kinds. When the preview ends, Argo CD
    leaves the policies to the namespace, whose pods Kubernetes deletes first; tests/e2e/test_networks.py watches it.
    https://github.com/argoproj/argo-cd/blob/v3.5.1/gitops-engine/pkg/sync/sync_tasks.go
    https://www.kubernetes.dev/resources/keps/5080/
    """
    for preview in (*previews.values(), *forks.values()):
        for found in preview.objects:
            annotations = found["metadata"].get("annotations", {})
            assert WAVE not in annotations, found["metadata"]["name"]
            left = "Delete=false" if found["kind"] == "NetworkPolicy" else None
            assert annotations.get(OPTIONS) == left, found["metadata"]["name"]


def test_external_secrets_are_ready_before_pods(complete: dict[str, Rendered]) -> None:
    waves = {"Namespace": "-10", "ExternalSecret": "-6"}
    for preview in complete.values():
        for found in preview.objects:
            wave = found["metadata"].get("annotations", {}).get(WAVE)
            assert wave == waves.get(found["kind"]), found["metadata"]["name"]


def test_hooks_are_marked_so_that_a_pause_finds_them(previews: dict[str, Rendered]) -> None:
    for preview in previews.values():
        for found in preview.objects:
            hook = "argocd.argoproj.io/hook" in found["metadata"].get("annotations", {})
            assert hook == (found["metadata"]["labels"].get(HOOK) == "true") == (found["kind"] == "Job")


# Effects of changed parameters


def test_a_changed_dependency_rolls_the_pods_that_read_it(acme: Acme, previews: dict[str, Rendered]) -> None:
    changed = _rendered(acme, "preview-orders-15", _move_payments)

    for name in ("app", "worker"):
        assert changed.one("Deployment", name)["spec"] != previews["preview-orders-15"].one("Deployment", name)["spec"]
    for name in ("postgres", "redis", "mongodb"):
        assert changed.one("Deployment", name) == previews["preview-orders-15"].one("Deployment", name)


def test_a_changed_dependency_rolls_a_single_page_app(acme: Acme, previews: dict[str, Rendered]) -> None:
    changed = _rendered(acme, "preview-shop-33", _move_payments)

    assert changed.one("Deployment", "app")["spec"] != previews["preview-shop-33"].one("Deployment", "app")["spec"]


def test_a_push_leaves_the_databases_alone(acme: Acme, previews: dict[str, Rendered]) -> None:
    def push(given: dict[str, Any]) -> None:
        for key in ("head_sha", "deploy_sha", "image_tag"):
            given[key] = "f" * 40
        given |= {"head_short_sha": "f" * 8, "head_short_sha_7": "f" * 7, "image": f"{given['image_name']}:{'f' * 40}"}

    before, after = previews["preview-orders-15"], _rendered(acme, "preview-orders-15", push)

    changed = {base_name(new) for old, new in zip(before.objects, after.objects, strict=True) if old != new}
    assert changed == {("Deployment", "app"), ("Deployment", "worker")}


def test_another_dataset_keeps_the_volume_and_the_password(acme: Acme, previews: dict[str, Rendered]) -> None:
    before, after = previews["preview-orders-15"], _rendered(acme, "preview-orders-15", _switch_dataset)

    assert before.parameters["seed_image"] != after.parameters["seed_image"]
    changed = {base_name(new) for old, new in zip(before.objects, after.objects, strict=True) if old != new}
    databases, processes = {"postgres", "redis", "mongodb"}, {"app", "worker"}
    assert changed == {("Deployment", name) for name in databases | processes}


def test_another_dataset_is_migrated_too(acme: Acme, previews: dict[str, Rendered]) -> None:
    """A pod migrates when it starts, so what runs before `migrate` must change with the dataset."""
    before, after = previews["preview-orders-15"], _rendered(acme, "preview-orders-15", _switch_dataset)

    for name in ("app", "worker"):
        old, new = (preview.one("Deployment", name) for preview in (before, after))
        assert initial(old, "migrate") == initial(new, "migrate")
        assert old["spec"]["template"] != new["spec"]["template"], f"Kubernetes replaces the pods of {name}"
        assert initial(new, "wait-for-postgres")["image"] == after.parameters["seed_image"]


# Errors that must not go unnoticed


def test_a_missing_environment_configmap_fails_the_build(acme: Acme, tmp_path: Path) -> None:
    root = copy_of_the_tree(tmp_path)
    shared = root / "manifests/apps/shared/kustomization.yaml"
    shared.write_text(shared.read_text("utf-8").replace("name: environment", "name: other"), "utf-8")

    (preview,) = render_all("previews.yaml", [acme.live()[0]], root)

    assert "environment" in preview.error


def test_a_missing_parameter_fails_the_whole_set(acme: Acme) -> None:
    given = acme.live()[0]
    for key in ("name", "namespace", "path", "image", "environment_patch", "state", "host", "deploy_sha"):
        (preview,) = render_all("previews.yaml", [{name: value for name, value in given.items() if name != key}])
        assert f'map has no entry for key "{key}"' in preview.error


def test_a_service_without_a_seed_asks_a_registry_that_does_not_exist(acme: Acme) -> None:
    given = next(given for given in acme.live() if given["profile"] == "backend") | {"seed_image": "", "dataset": ""}

    (preview,) = render_all("previews.yaml", [given])

    assert preview.error == ""
    (container,) = pod(preview.one("Deployment", "postgres"))["containers"]
    assert container["image"] == "image-unset.invalid/seed:none", "never Docker Hub's image of that name"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"namespace": "kube-system"}, "does not permit the destination kube-system"),
        ({"namespace": "fork-preview-orders-12"}, "Namespace fork-preview-orders-12: the project does not permit it"),
        ({"namespace": "previews-system"}, "Namespace previews-system: the project does not permit it"),
        ({"number": "bad label!"}, "metadata.labels"),
        ({"name": "Preview_12"}, "metadata.name"),
    ],
)
def test_objects_that_would_be_refused_are_noticed(acme: Acme, change: dict[str, str], reason: str) -> None:
    (preview,) = render_all("previews.yaml", [acme.live()[1] | change])

    assert any(reason in refusal for refusal in preview.refused), preview.refused


def _rendered(acme: Acme, name: str, change: Callable[[dict[str, Any]], None]) -> Rendered:
    (given,) = (given for given in acme.live() if given["name"] == name)
    change(given)
    return by_name(render_all("previews.yaml", [given]))[name]


def _switch_dataset(given: dict[str, Any]) -> None:
    given |= {"dataset": "default", "seed_image": "ghcr.io/acme/seed-db:2026.11"}


def _move_payments(given: dict[str, Any]) -> None:
    patch = json.loads(given["environment_patch"])
    for data in (patch["data"], given["environment"]):
        key = next(iter(data))
        data[key] = "http://app.staging-elsewhere.svc.cluster.local"
    given["environment_patch"] = json.dumps(patch)


# The ApplicationSet


def test_a_set_deletes_removed_previews_and_ends_failing_syncs() -> None:
    for name in ("previews.yaml", "forks.yaml", "helm-example.yaml"):
        application_set = yaml.safe_load((ROOT / "applicationsets" / name).read_text("utf-8"))
        spec, template = application_set["spec"], application_set["spec"]["template"]
        assert spec["goTemplate"] is True
        assert spec["goTemplateOptions"] == ["missingkey=error"]
        assert spec["syncPolicy"] == {"applicationsSync": "sync", "preserveResourcesOnDeletion": False}
        assert spec["generators"][0]["plugin"]["requeueAfterSeconds"] == 60
        assert template["metadata"]["finalizers"] == ["resources-finalizer.argocd.argoproj.io/foreground"]
        assert template["spec"]["syncPolicy"]["syncOptions"] == ["PruneLast=true"], "old ConfigMaps outlive the pods"
        assert template["spec"]["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}
        retry = template["spec"]["syncPolicy"]["retry"]  # test_deadlines.py judges the rest
        assert (retry["limit"], retry["refresh"]) == (2, True)
        annotations = application_set["metadata"]["annotations"]
        assert annotations["argocd.argoproj.io/sync-options"] == "Prune=false,Delete=false"
        assert "{{" not in template["spec"]["project"], "Argo CD does not want a templated project"
