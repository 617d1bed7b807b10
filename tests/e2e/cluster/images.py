"""Which images the cluster pulls under which names, besides those of commits."""

import re
from pathlib import Path

from tests.e2e.cluster.argocd import MANIFESTS
from tests.e2e.images import CERTIFICATES, Image, Registry, publish_fixed

OF_ARGOCD = {"argocd": "argocd", "redis": "argocd-redis"}  # the last part of the name: our image
OF_THE_CLUSTER = {
    "registry.k8s.io/coredns/coredns:e2e": "coredns",
    "registry.k8s.io/ingress-controller:e2e": "ingress-controller",
}


def publish_cluster(registry: Registry, images: dict[str, Image], authority: Path) -> None:
    """Publish them; what calls public URLs trusts the run's authority like a public one."""
    publish_fixed(registry, images, {CERTIFICATES: authority.read_bytes()})
    for reference, name in _of_argocd().items():
        registry.publish(reference, images[name], {CERTIFICATES: authority.read_bytes()})
    for reference, name in OF_THE_CLUSTER.items():
        registry.publish(reference, images[name])


def _of_argocd() -> dict[str, str]:
    references = set(re.findall(r"image: (\S+)", MANIFESTS.read_text("utf-8")))
    names = {reference: re.split("[/:]", reference)[-2] for reference in references}
    return {reference: OF_ARGOCD[name] for reference, name in names.items() if name in OF_ARGOCD}
