"""Staging: the service `users`, which calls fall back to."""

from tests.e2e.cluster.cluster import Cluster

NAMESPACE = "staging-users"
VERSION = "staging"


def deploy(cluster: Cluster) -> None:
    """Deploy it as small as it can be. It answers with VERSION."""
    cluster.registry.publish(f"ghcr.io/acme/users:{VERSION}", cluster.images["staging"])
    labels = {"app.kubernetes.io/name": "app"}
    container = {
        "name": "app",
        "image": f"ghcr.io/acme/users:{VERSION}",
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"periodSeconds": 1, "httpGet": {"path": "/", "port": "http"}},
    }
    cluster.kubernetes.apply(
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": NAMESPACE, "labels": {"preview.example.com/environment": "staging"}},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "app", "namespace": NAMESPACE},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "app", "namespace": NAMESPACE},
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": "http"}]},
        },
    )
    cluster.kubernetes.wait_for_rollout(NAMESPACE, "deployment/app")
