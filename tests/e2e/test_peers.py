"""From the label to a working preview and from its end until nothing is left, beside Argo CD's own generator.

That is its Pull Request generator, on the same cluster, with the same overlay and webhook.
"""

import json
from typing import Any

import requests

from tests.e2e.cluster import argocd
from tests.e2e.cluster.cluster import Cluster
from tests.e2e.cluster.github import TOKEN
from tests.e2e.cluster.kubernetes import Object
from tests.e2e.cluster.processes import until
from tests.e2e.commits import build, commit
from tests.e2e.layout import DOMAIN
from tests.e2e.preview import Preview
from tests.e2e.times import Times

LABEL = "own"
NAME = "preview-own-{{.number}}"


def test_a_label_and_a_close_are_measured_beside_argo_cds_own_generator(cluster: Cluster, times: Times) -> None:
    """Ours first: the images that both need are on the node already."""
    cluster.kubernetes.apply(secret(), application_set())
    until("the generator has asked GitHub", lambda: reconciled(cluster), 60)
    until("the previews of earlier stories have gone", lambda: not ending(cluster), 180)
    ours(cluster, times, 11)
    theirs(cluster, times, 81)
    cluster.kubernetes.delete(f"{argocd.APPLICATION_SETS}/own")


def ending(cluster: Cluster) -> list[str]:
    """Return the namespaces that are being deleted."""
    namespaces = [each["metadata"] for each in cluster.kubernetes.list("/api/v1/namespaces")]
    return [each["name"] for each in namespaces if "deletionTimestamp" in each]


def ours(cluster: Cluster, times: Times, number: int) -> None:
    preview = Preview(cluster, "users", number)
    version = preview.build()
    # A delivery just before would make the next one wait two seconds.
    cluster.developers.open(preview.repository, number, head_sha=version, deliver=False)
    stopwatch = times.stopwatch("label, with webhook")
    cluster.developers.label(preview.repository, number, "preview")
    preview.timed_rise(stopwatch)
    assert preview.ask()["version"] == version
    assert preview.ask()["rows"]["users"] > 0, "the database is seeded"

    stopwatch = times.stopwatch("close, with webhook")
    preview.close()
    preview.timed_end(stopwatch)


def theirs(cluster: Cluster, times: Times, number: int) -> None:
    # The name of its Application is like one of ours, so that the same code can watch it.
    preview = Preview(cluster, "own", number)
    cluster.developers.open("acme/users", number, head_sha=build(cluster, "users", commit()), deliver=False)
    stopwatch = times.stopwatch("Argo CD's own generator: label, with webhook")
    cluster.developers.label("acme/users", number, LABEL, deliver=False)
    deliver(cluster, number, "labeled")
    preview.timed_rise(stopwatch)

    stopwatch = times.stopwatch("Argo CD's own generator: close, with webhook")
    cluster.developers.close("acme/users", number)
    deliver(cluster, number, "closed")
    preview.timed_end(stopwatch)


def secret() -> Object:
    metadata = {"name": "own", "namespace": argocd.NAMESPACE, "labels": {"argocd.argoproj.io/secret-type": "scm-creds"}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"token": TOKEN}}


def application_set() -> Object:
    """Return a set like applicationsets/previews.yaml, as far as its generator's parameters go."""
    host = f"own-{{{{.number}}}}.{DOMAIN}"
    environment = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "environment"},
        "data": {"PUBLIC_URL": f"https://{host}"},
    }
    source = {
        "repoURL": "https://github.com/acme/previews.git",
        "targetRevision": "main",
        "path": "manifests/apps/backend/overlays/preview",
        "kustomize": {
            "namespace": NAME,
            "images": ["app=ghcr.io/acme/users:{{.head_sha}}", "seed=ghcr.io/acme/seed-db:2026.11"],
            "patches": [
                {"patch": json.dumps(environment)},
                replace("Ingress", "app", ("/spec/rules/0/host", host), ("/spec/tls/0/hosts/0", host)),
                replace(
                    "Deployment",
                    "app",
                    ("/spec/template/spec/containers/0/ports/0/containerPort", 8080),
                    ("/spec/template/spec/containers/0/readinessProbe/httpGet/path", "/healthz"),
                ),
                replace("Job", "smoke-test", ("/spec/template/spec/containers/0/env/0/value", "/healthz")),
                replace("NetworkPolicy", "ingress-controller|previews-in", ("/spec/ingress/0/ports/0/port", 8080)),
            ],
        },
    }
    github = {
        "owner": "acme",
        "repo": "users",
        "api": "https://api.github.com/",
        "labels": [LABEL],
        "tokenRef": {"secretName": "own", "key": "token"},
    }
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {"name": "own", "namespace": argocd.NAMESPACE},
        "spec": {
            "goTemplate": True,
            "generators": [{"pullRequest": {"github": github, "requeueAfterSeconds": 60}}],
            "template": {
                "metadata": {"name": NAME, "finalizers": ["resources-finalizer.argocd.argoproj.io/foreground"]},
                "spec": {
                    "project": "previews",
                    "source": source,
                    "destination": {"server": "https://kubernetes.default.svc", "namespace": NAME},
                    "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
                },
            },
        },
    }


def replace(kind: str, name: str, *values: tuple[str, Any]) -> dict[str, Any]:
    operations = [{"op": "replace", "path": path, "value": value} for path, value in values]
    return {"target": {"kind": kind, "name": name}, "patch": json.dumps(operations)}


def reconciled(cluster: Cluster) -> bool:
    content = cluster.kubernetes.get(f"{argocd.APPLICATION_SETS}/own") or {}
    conditions = content.get("status", {}).get("conditions", [])
    return any(one["type"] == "ResourcesUpToDate" and one["status"] == "True" for one in conditions)


def deliver(cluster: Cluster, number: int, action: str) -> None:
    """Deliver GitHub's webhook to Argo CD, which reads the number, the action and the repository."""
    path = f"/api/v1/namespaces/{argocd.NAMESPACE}/services/argocd-applicationset-controller"
    address = (cluster.kubernetes.get(path) or {})["spec"]["clusterIP"]
    body = {
        "action": action,
        "number": number,
        "pull_request": {"number": number},
        "repository": {
            "name": "users",
            "full_name": "acme/users",
            "url": "https://api.github.com/repos/acme/users",
            "owner": {"login": "acme"},
        },
    }
    with requests.Session() as session:
        session.trust_env = False
        headers = {"X-GitHub-Event": "pull_request"}
        session.post(f"http://{address}:7000/api/webhook", json=body, headers=headers, timeout=10).raise_for_status()
