"""Commits of the demo organisation's services, with an image for each as their workflow would have built it."""

from collections.abc import Mapping
from itertools import count

from tests.e2e.cluster.cluster import Cluster

IMAGES = {"orders": "backend", "payments": "backend", "users": "backend", "shop": "frontend"}
PORTS = {"users": "8080"}  # as in the catalog; a backend listens on 8000 unless PORT says otherwise
_NUMBERS = count(1)


def commit() -> str:
    """Return a SHA that no image has yet."""
    return f"{next(_NUMBERS):08x}{'c0ffee' * 6}"[:40]


def build(cluster: Cluster, service: str, sha: str, files: Mapping[str, bytes] | None = None) -> str:
    """Publish the image of a commit, with these files changed in it, and return the commit."""
    variables = {"PORT": PORTS[service]} if service in PORTS else {}
    cluster.registry.publish(f"ghcr.io/acme/{service}:{sha}", cluster.images[IMAGES[service]], files, variables)
    return sha
