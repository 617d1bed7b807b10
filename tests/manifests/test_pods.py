import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.manifests.conftest import Rendered, copy_of_the_tree
from tests.manifests.pods import OTHER_OWNERS, containers, everywhere, owners, pod
from tools.rendering import ROOT, Objects, build, refused

Environments = dict[str, Objects]
LONGEST = 600  # seconds that anything may take to start or to run


def test_no_pod_has_an_owner_whose_failure_argocd_never_reports(environments: Environments) -> None:
    kinds = {found["kind"] for objects in environments.values() for found in objects}

    assert "Deployment" in kinds
    assert not kinds & OTHER_OWNERS


def test_every_pod_owner_has_a_deadline(environments: Environments) -> None:
    for where, owner in everywhere(environments):
        if owner["kind"] == "Job":
            assert owner["spec"]["activeDeadlineSeconds"] <= LONGEST, where
            assert owner["spec"]["backoffLimit"] <= 2, where
        else:
            assert owner["spec"]["progressDeadlineSeconds"] <= LONGEST, where


def test_pod_security_restricted_holds_and_the_namespace_enforces_it(environments: Environments) -> None:
    for where, objects in environments.items():
        assert refused(objects) == [], where
        (namespace,) = (found for found in objects if found["kind"] == "Namespace")
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted", where


def test_every_container_has_requests_and_limits(environments: Environments) -> None:
    for where, owner in everywhere(environments):
        for container in containers(owner):
            for part in ("requests", "limits"):
                assert set(container["resources"][part]) >= {"cpu", "memory"}, f"{where} {container['name']}"


def test_every_container_has_a_read_only_root(environments: Environments) -> None:
    for where, owner in everywhere(environments):
        for container in containers(owner):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, f"{where} {container['name']}"


def test_no_pod_gets_a_service_account_token(environments: Environments) -> None:
    for where, owner in everywhere(environments):
        assert pod(owner)["automountServiceAccountToken"] is False, where
        assert "serviceAccountName" not in pod(owner), where


def test_every_image_is_pinned(environments: Environments) -> None:
    for where, owner in everywhere(environments):
        for container in containers(owner):
            registry, _, tag = container["image"].rpartition(":")
            assert registry, f"{where}: {container['image']} has no tag"
            assert tag not in {"latest", "main", "master", "stable"}, f"{where}: {container['image']}"
            assert "." in registry.partition("/")[0], f"{where}: {container['image']} is looked for on Docker Hub"


def test_a_seed_image_is_always_pulled_because_its_tag_names_only_the_data(environments: Environments) -> None:
    policies = {
        (where, container["name"]): container.get("imagePullPolicy")
        for where, owner in everywhere(environments)
        for container in containers(owner)
        if "/seed" in container["image"]
    }

    assert policies
    assert {place for place, policy in policies.items() if policy != "Always"} == set()


def test_whatever_migrates_waits_for_postgresql_first(environments: Environments) -> None:
    seen = set()
    for where, objects in environments.items():
        deployments = {owner["metadata"]["name"]: owner for owner in owners(objects)}
        for name, owner in deployments.items():
            before = [container["name"] for container in pod(owner).get("initContainers", [])]
            if "postgres" in deployments and "migrate" in before:
                assert before == ["wait-for-postgres", "migrate"], f"{where}: {name}"
                seen.add((where.partition(" ")[0], name))

    assert seen == set(product(("previews", "paused", "forks", "complete", "gateway"), ("app", "worker")))


def test_an_overlay_with_all_of_it_in_the_documented_order_waits_before_it_migrates(tmp_path: Path) -> None:
    overlay = copy_of_the_tree(tmp_path) / "manifests/apps/web/overlays/preview/kustomization.yaml"
    text = overlay.read_text("utf-8")
    (order,) = re.findall(r"^  # What the app needs comes first, in this order: (.*?)\.", text, re.MULTILINE)
    (path,) = re.findall(r"`replace` at `(\S+)`", (ROOT / "manifests/README.md").read_text("utf-8"))
    needed = "".join(f"  - ../../../../components/{component}\n" for component in order.split(", "))
    operation = f"- {{op: replace, path: {path}, value: rails db:migrate}}"
    patch = f"  - target: {{kind: Deployment, name: app|worker}}\n    patch: '{operation}'\n"
    overlay.write_text(text.replace("components:\n", f"components:\n{needed}") + f"patches:\n{patch}", "utf-8")

    processes = [owner for owner in owners(build(overlay.parent)) if owner["metadata"]["name"] in {"app", "worker"}]

    assert len(processes) == 2
    for owner in processes:
        wait, migrate = pod(owner)["initContainers"]
        assert (wait["name"], migrate["name"], migrate["args"]) == (
            "wait-for-postgres",
            "migrate",
            ["rails db:migrate"],
        )
        sources = [name for source in pod(owner)["containers"][0]["envFrom"] for name in source]
        assert sources == ["configMapRef", "secretRef", "configMapRef", "configMapRef"], "and knows its data stores"


def test_selectors_match_only_their_pods(environments: Environments) -> None:
    for where, objects in environments.items():
        labels = {
            owner["metadata"]["name"]: owner["spec"]["template"]["metadata"]["labels"] for owner in owners(objects)
        }
        for found in objects:
            selector = found["spec"]["selector"] if found["kind"] in {"Service", "Deployment"} else None
            if selector is None:
                continue
            wanted = selector.get("matchLabels", selector)
            assert set(wanted) == {"app.kubernetes.io/name"}, "a Deployment's selector can never change"
            matched = [name for name, its in labels.items() if wanted.items() <= its.items()]
            assert matched == [found["metadata"]["name"]], f"{where}: {found['kind']} {found['metadata']['name']}"


def test_every_name_that_a_pod_refers_to_exists(environments: Environments) -> None:
    for where, objects in environments.items():
        generated = {(found["kind"], found["metadata"]["name"]) for found in objects}
        generated |= {
            ("Secret", found["spec"]["target"]["name"]) for found in objects if found["kind"] == "ExternalSecret"
        }
        references = [reference for owner in owners(objects) for reference in _references(owner)]
        assert references
        for reference in references:
            assert reference in generated, f"{where}: {reference}"


def test_only_databases_avoid_spot_nodes_and_never_run_twice(complete: dict[str, Rendered]) -> None:
    clouds = {"karpenter.sh/capacity-type", "cloud.google.com/gke-spot", "kubernetes.azure.com/scalesetpriority"}
    seen = set()
    for deployment in (found for preview in complete.values() for found in preview.all("Deployment")):
        spec, component = pod(deployment), deployment["metadata"]["labels"]["app.kubernetes.io/component"]
        seen.add(component)
        if component == "database":
            (term,) = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
                "nodeSelectorTerms"
            ]
            assert clouds <= {rule["key"] for rule in term["matchExpressions"] if rule["operator"] == "NotIn"}
            assert "tolerations" not in spec
            assert deployment["spec"]["strategy"] == {"type": "Recreate"}, "never two servers on one volume"
        else:
            assert {toleration["key"] for toleration in spec["tolerations"]} == clouds
            assert "requiredDuringSchedulingIgnoredDuringExecution" not in spec["affinity"]["nodeAffinity"]
    assert seen == {"database", "web", "worker"}


def test_previews_have_the_lowest_priority(previews: dict[str, Rendered], staging: Environments) -> None:
    for preview in previews.values():
        for owner in owners(preview.objects):
            assert pod(owner)["priorityClassName"] == "preview"
    for _, owner in everywhere(staging):
        assert "priorityClassName" not in pod(owner)


def test_no_pod_keeps_the_end_of_a_preview_waiting(previews: dict[str, Rendered], forks: dict[str, Rendered]) -> None:
    for preview in (*previews.values(), *forks.values()):
        for owner in owners(preview.objects):
            assert pod(owner)["terminationGracePeriodSeconds"] == 10


@pytest.mark.parametrize("name", ["preview-orders-15", "preview-shop-31"])
def test_a_preview_fits_into_its_quota_while_it_rolls(complete: dict[str, Rendered], name: str) -> None:
    preview = complete[name]
    hard = preview.one("ResourceQuota", "preview")["spec"]["hard"]
    pods = [
        (pod(owner), 1 if owner["kind"] == "Job" or owner["spec"].get("strategy", {}).get("type") == "Recreate" else 2)
        for owner in owners(preview.objects)
    ]

    assert sum(copies for _, copies in pods) <= int(hard["pods"])
    for part, resource in product(("requests", "limits"), ("cpu", "memory", "ephemeral-storage")):
        needed = sum(_needs(spec, part, resource, _defaults(preview, part)) * copies for spec, copies in pods)
        assert needed <= quantity(hard[f"{part}.{resource}"]), f"{part}.{resource}"
    storage = [claim["spec"]["resources"]["requests"]["storage"] for claim in preview.all("PersistentVolumeClaim")]
    assert sum(map(quantity, storage)) <= quantity(hard["requests.storage"])
    assert len(storage) <= int(hard["persistentvolumeclaims"])


def test_a_limit_range_sets_all_resources_that_the_quota_requires(complete: dict[str, Rendered]) -> None:
    for preview in complete.values():
        hard = preview.one("ResourceQuota", "preview")["spec"]["hard"]
        (limits,) = preview.one("LimitRange", "preview")["spec"]["limits"]
        for part in ("requests", "limits"):
            asked = {key.removeprefix(f"{part}.") for key in hard if key.startswith(f"{part}.")} - {"storage"}
            assert asked == set(_defaults(preview, part)) == {"cpu", "memory", "ephemeral-storage"}
            for resource, default in _defaults(preview, part).items():
                assert quantity(default) <= quantity(limits["max"][resource])


def test_the_ephemeral_storage_limit_holds_a_pods_volumes_and_logs(complete: dict[str, Rendered]) -> None:
    for preview in complete.values():
        for owner in owners(preview.objects):
            sizes = [
                quantity(volume["emptyDir"]["sizeLimit"])
                for volume in pod(owner).get("volumes", [])
                if "emptyDir" in volume
            ]
            limit = _needs(pod(owner), "limits", "ephemeral-storage", _defaults(preview, "limits"))
            assert sum(sizes) + quantity("100Mi") <= limit, f"{owner['metadata']['name']}: logs count too"


def _defaults(preview: Rendered, part: str) -> dict[str, str]:
    """Return the defaults for a container without resources."""
    (limits,) = preview.one("LimitRange", "preview")["spec"]["limits"]
    defaults: dict[str, str] = limits[{"requests": "defaultRequest", "limits": "default"}[part]]
    return defaults


def _needs(spec: dict[str, Any], part: str, resource: str, defaults: dict[str, str]) -> float:
    """Return what a pod needs as Kubernetes counts it: the sum of its containers or the largest init container."""
    initial, running = (
        [quantity((defaults | container["resources"][part])[resource]) for container in spec.get(kind, [])]
        for kind in ("initContainers", "containers")
    )
    return max([sum(running), *initial])


def quantity(text: str) -> float:
    units = {"Gi": 2**30, "Mi": 2**20, "m": 1 / 1000}
    for unit, factor in units.items():
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    return float(text)


def _references(owner: dict[str, Any]) -> list[tuple[str, str]]:
    found = []
    for container in containers(owner):
        sources = [*container.get("envFrom", []), *(entry.get("valueFrom", {}) for entry in container.get("env", []))]
        for source in sources:
            for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
                if key in source and not source[key].get("optional", False):
                    found.append((kind, source[key]["name"]))
    for volume in pod(owner).get("volumes", []):
        if "configMap" in volume:
            found.append(("ConfigMap", volume["configMap"]["name"]))
        if "persistentVolumeClaim" in volume:
            found.append(("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]))
    found += [("Secret", secret["name"]) for secret in pod(owner).get("imagePullSecrets", [])]
    return found
