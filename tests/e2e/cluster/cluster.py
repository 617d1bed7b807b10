"""The whole cluster, in the order in which it is brought up."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.e2e.cluster import argocd, github, node, product, services, world
from tests.e2e.cluster.argocd import ArgoCD
from tests.e2e.cluster.certificates import Authority
from tests.e2e.cluster.control_plane import ControlPlane
from tests.e2e.cluster.diagnosis import diagnose
from tests.e2e.cluster.github import TOKEN, Developers
from tests.e2e.cluster.images import publish_cluster
from tests.e2e.cluster.kubernetes import Kubernetes
from tests.e2e.cluster.processes import Processes, until
from tests.e2e.cluster.product import Plugin
from tests.e2e.images import Image, Registry, build_all
from tests.e2e.layout import AUTHORITY, DOMAIN, GITHUB_PORT, REGISTRY_PORT
from tests.fakes.github import GitHub


@dataclass(frozen=True)
class Cluster:
    """Everything that a story needs."""

    processes: Processes
    control_plane: ControlPlane
    kubernetes: Kubernetes
    argocd: ArgoCD
    plugin: Plugin
    developers: Developers
    github: GitHub
    registry: Registry
    images: dict[str, Image]
    authority: Authority  # of the certificates of public URLs


@contextmanager
def start(done: Callable[[str, float], None]) -> Iterator[Cluster]:
    """Bring up the cluster with Argo CD and the plugin; `done` is called with each step and its seconds.

    Argo CD's server answers then, but its Service may not lead there yet: see argocd.wait.
    """
    steps = _Steps(done)
    authority = Authority(AUTHORITY)
    images = build_all()
    with (
        Registry(REGISTRY_PORT) as registry,
        GitHub(github.organisation(), token=TOKEN, port=GITHUB_PORT) as fake,
        Processes() as processes,
    ):
        publish_cluster(registry, images, authority.certificate)
        product.publish()
        world.start(authority, GITHUB_PORT, product.REPOSITORIES)
        steps.done("registry, GitHub")

        control_plane = ControlPlane(processes, authority)
        control_plane.start()
        kubernetes = Kubernetes(control_plane.tokens["admin"], authority.certificate, control_plane.kubeconfig("admin"))
        steps.done("control plane")
        try:
            plugin = _install(processes, control_plane, kubernetes, authority, steps)
        except Exception as error:
            error.add_note(diagnose(kubernetes))
            raise
        yield Cluster(
            processes,
            control_plane,
            kubernetes,
            ArgoCD(kubernetes),
            plugin,
            Developers(fake, authority.certificate),
            fake,
            registry,
            images,
            authority,
        )


def _install(
    processes: Processes, control_plane: ControlPlane, kubernetes: Kubernetes, authority: Authority, steps: "_Steps"
) -> Plugin:
    """Add a node, what every cluster has, Argo CD and the plugin."""
    node.start(processes, control_plane)
    tls = authority.server("wildcard", [f"*.{DOMAIN}"])
    services.start(processes, control_plane, kubernetes, tls)
    argocd.install_first(kubernetes, authority)
    tokens = product.prepare(kubernetes)
    control_plane.schedule()  # Argo CD finds its settings when it starts
    until("the node is ready", lambda: _ready(kubernetes, processes))
    node.enforce_policies(processes, control_plane)
    services.wait(kubernetes)
    steps.done("node, DNS, ingress controller")

    argocd.wait_for_server(kubernetes)
    steps.done("Argo CD's server")
    plugin = product.install(kubernetes, tokens, authority.certificate)
    argocd.wait(kubernetes, *argocd.ALL_BUT_SERVER)
    steps.done("the plugin, Argo CD's controllers")
    return plugin


def _ready(kubernetes: Kubernetes, processes: Processes) -> bool:
    processes.check()
    conditions = (kubernetes.get("/api/v1/nodes/node") or {}).get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


class _Steps:
    def __init__(self, done: Callable[[str, float], None]) -> None:
        self._done = done
        self._began = time.monotonic()

    def done(self, what: str) -> None:
        now = time.monotonic()
        self._done(what, now - self._began)
        self._began = now
