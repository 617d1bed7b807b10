"""Staging and previews share one base: every difference is on a list here."""

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.manifests.conftest import Acme, Rendered, base_name
from tests.manifests.pods import pod
from tools.rendering import Objects

PREVIEW_OF = {"orders": "preview-orders-12", "shop": "preview-shop-31"}

# Objects that only one of them has.
ONLY_IN_PREVIEWS = {
    "data stores": {
        *((kind, name) for kind in ("Deployment", "Service") for name in ("postgres", "redis", "mongodb")),
        ("PersistentVolumeClaim", "postgres"),
        ("Secret", "postgres"),
        ("ConfigMap", "redis"),
        ("ConfigMap", "mongodb"),
    },
    "quotas": {("ResourceQuota", "preview"), ("LimitRange", "preview")},
    "network": {
        ("NetworkPolicy", name)
        for name in (
            "default-deny",
            "dns",
            "inside",
            "ingress-controller",
            "staging",
            "previews-in",
            "previews-out",
            "public-urls",
            "internet",
        )
    },
    "smoke test": {("Job", "smoke-test")},
    "spot": {("PodDisruptionBudget", "app")},
}
ONLY_IN_STAGING = {("ExternalSecret", "external")}  # addresses of the company's data stores

# Fields that differ in objects of both.
TEMPLATE = "*/spec/template"
DIFFERENT = {
    "namespace": ["*/metadata/namespace", "Namespace/*/metadata/name"],
    "whose it is": ["*/labels/preview.example.com~*"],
    "host": ["Ingress/app/spec/rules/0/host", "Ingress/app/spec/tls/0/hosts/0"],
    "DNS": ["Ingress/app/metadata/annotations/external-dns*", "Ingress/app/metadata/annotations/nginx*"],
    "commit": ["Deployment/app/metadata/annotations/preview.example.com~deploy-sha"],
    "image tag": [f"{TEMPLATE}/spec/containers/0/image", f"{TEMPLATE}/spec/initContainers/*/image"],
    "dependencies": ["ConfigMap/environment/data/*", "*/metadata/name:environment", "*/configMapRef/name:environment"],
    "replicas": ["Deployment/*/spec/replicas"],
    "data stores": [
        f"{TEMPLATE}/spec/containers/0/envFrom/[123]/*",
        f"{TEMPLATE}/spec/initContainers/migrate/envFrom/[123]/*",
        f"{TEMPLATE}/spec/initContainers/wait-for-postgres/*",
    ],
    "spot and priority": [
        f"{TEMPLATE}/spec/affinity/*",
        f"{TEMPLATE}/spec/tolerations",
        f"{TEMPLATE}/spec/priorityClassName",
        f"{TEMPLATE}/spec/terminationGracePeriodSeconds",
    ],
}
PATTERNS = [pattern for patterns in DIFFERENT.values() for pattern in patterns]


@pytest.mark.parametrize("service", PREVIEW_OF)
def test_staging_and_previews_differ_only_in_declared_fields(
    staging: dict[str, Objects], previews: dict[str, Rendered], service: str
) -> None:
    ours = {base_name(found): found for found in staging[service] if found["kind"] != "Namespace"}
    theirs = {
        base_name(found): found for found in previews[PREVIEW_OF[service]].objects if found["kind"] != "Namespace"
    }

    assert theirs.keys() - ours.keys() <= set.union(*ONLY_IN_PREVIEWS.values())
    assert ours.keys() - theirs.keys() <= ONLY_IN_STAGING
    both = ours.keys() & theirs.keys()
    assert both >= {("Deployment", "app"), ("Service", "app"), ("Ingress", "app"), ("ConfigMap", "environment")}
    undeclared = [
        path
        for kind, name in both
        for path in _differences(ours[kind, name], theirs[kind, name], f"{kind}/{name}")
        if not any(fnmatchcase(path, pattern) for pattern in PATTERNS)
    ]
    assert undeclared == []


def test_every_declared_difference_exists(staging: dict[str, Objects], previews: dict[str, Rendered]) -> None:
    """Without this the list would only grow, and allow everything in the end."""
    seen = set()
    extra = set()
    for service, name in PREVIEW_OF.items():
        ours = {base_name(found): found for found in staging[service]}
        theirs = {base_name(found): found for found in previews[name].objects}
        extra |= theirs.keys() - ours.keys()
        for identity in ours.keys() & theirs.keys():
            for path in _differences(ours[identity], theirs[identity], "/".join(identity)):
                seen |= {pattern for pattern in PATTERNS if fnmatchcase(path, pattern)}

    assert set(PATTERNS) - seen <= {"Namespace/*/metadata/name"}
    assert set.union(*ONLY_IN_PREVIEWS.values()) <= extra


def test_the_literals_of_staging_match_the_catalog(staging: dict[str, Objects], acme: Acme) -> None:
    assert staging.keys() == acme.catalog.services.keys()
    for name, service in acme.catalog.services.items():
        objects = {base_name(found): found for found in staging[name]}
        (namespace,) = (found for kind, found in objects if kind == "Namespace")
        assert service.staging["internal"] == f"http://app.{namespace}.svc.cluster.local"
        (rule,) = objects["Ingress", "app"]["spec"]["rules"]
        assert service.staging["public"] == f"https://{rule['host']}"
        app = pod(objects["Deployment", "app"])["containers"][0]
        assert app["image"].startswith(f"{service.image_name}:")
        assert app["ports"][0]["containerPort"] == service.port
        assert app["readinessProbe"]["httpGet"]["path"] == service.health_path
        expected = {"PUBLIC_URL": service.staging["public"]}
        for dependency in service.dependencies:
            expected[dependency.variable] = acme.catalog.services[dependency.service].staging[dependency.endpoint]
        assert objects["ConfigMap", "environment"]["data"] == expected, name


def _differences(ours: Any, theirs: Any, path: str) -> Iterator[str]:
    if path.endswith("/initContainers"):  # by their names, because one more moves the others
        ours, theirs = ({container["name"]: container for container in one or []} for one in (ours, theirs))
    if isinstance(ours or theirs, dict) and isinstance(theirs or ours, dict):
        ours, theirs = ours or {}, theirs or {}
        for key in ours.keys() | theirs.keys():
            yield from _differences(ours.get(key), theirs.get(key), f"{path}/{key.replace('/', '~')}")
    elif isinstance(ours, list) and isinstance(theirs, list):
        for index in range(max(len(ours), len(theirs))):
            our, their = (one[index] if index < len(one) else None for one in (ours, theirs))
            yield from _differences(our, their, f"{path}/{index}")
    elif json.dumps(ours) != json.dumps(theirs):
        generated = isinstance(ours, str) and ours.startswith("environment-")
        yield f"{path}:environment" if generated else path
