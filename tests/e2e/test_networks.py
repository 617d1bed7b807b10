"""Previews that call each other, and who reaches whom, measured with packets from inside pods.

The stories go on with the same previews, in this order.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.e2e import forks, staging
from tests.e2e.cluster import argocd, product, services
from tests.e2e.cluster.cluster import Cluster
from tests.e2e.cluster.kubernetes import Object
from tests.e2e.cluster.processes import until
from tests.e2e.layout import API_SERVICE, DNS, INTERNET, METADATA, NODE
from tests.e2e.packets import Place, reached
from tests.e2e.preview import Preview
from tests.e2e.times import Times

CALLER, CALLEE, STRANGER, FORK = "preview-payments-71", "preview-users-72", "preview-shop-31", "fork-preview-users-74"
PREVIEW = {"DNS", "staging: app", "internet: 443", "ingress controller: 443", "ingress controller: 80"}
OF_CALLER = (CALLER, f"{CALLER}: worker", f"{CALLER}: database")  # all pods of a preview have the same policies
PROMISED = {  # who: whom it reaches; it reaches nothing else
    **dict.fromkeys(
        OF_CALLER, PREVIEW | {f"{CALLER}: app", f"{CALLER}: database", f"{CALLER}: Redis", f"{CALLEE}: app"}
    ),
    CALLEE: PREVIEW | {f"{CALLEE}: app", f"{CALLEE}: database", f"{CALLEE}: Redis"},
    STRANGER: PREVIEW | {f"{STRANGER}: app"},  # a frontend has no database
    FORK: {"DNS", f"{FORK}: app", f"{FORK}: database", f"{FORK}: Redis"},
    # HTTPS to any address, because a GitHub Enterprise Server is a private one; its own pod; Argo CD to end syncs.
    "plugin": {"DNS", "Argo CD: webhook", "Argo CD: server", "internet: 443", "ingress controller: 443", "plugin"},
    # These have no policies of ours for what they send: previews and the plugin refuse them.
    "Argo CD: ApplicationSet controller": {"plugin"},
    "Argo CD: repository server": set[str](),
    "staging": set[str](),
}
OURS = [
    *(f"{name}: app" for name in (CALLER, CALLEE, STRANGER, FORK)),
    *(f"{name}: {store}" for name in (CALLER, CALLEE, FORK) for store in ("database", "Redis")),
    "plugin",
]


SOURCES = {
    **{name: Place(name, "app") for name in (CALLER, CALLEE, STRANGER, FORK)},
    f"{CALLER}: worker": Place(CALLER, "worker"),
    f"{CALLER}: database": Place(CALLER, "postgres"),
    "plugin": Place(product.NAMESPACE, "preview-plugin"),
    "Argo CD: ApplicationSet controller": Place(argocd.NAMESPACE, "argocd-applicationset-controller"),
    "Argo CD: repository server": Place(argocd.NAMESPACE, "argocd-repo-server"),
    "staging": Place(staging.NAMESPACE, "app"),
}
PODS = {
    **{
        f"{name}: app": Place(name, "app", 8000 if "payments" in name else 8080)
        for name in (CALLER, CALLEE, STRANGER, FORK)
    },
    **{f"{name}: database": Place(name, "postgres", 5432) for name in (CALLER, CALLEE, FORK)},
    **{f"{name}: Redis": Place(name, "redis", 6379) for name in (CALLER, CALLEE, FORK)},
    "plugin": Place(product.NAMESPACE, "preview-plugin", 8080),
    "Argo CD: webhook": Place(argocd.NAMESPACE, "argocd-applicationset-controller", 7000),
    "Argo CD: server": Place(argocd.NAMESPACE, "argocd-server", 8080),
    "Argo CD: Redis": Place(argocd.NAMESPACE, "argocd-redis", 6379),
    "Argo CD: repository server": Place(argocd.NAMESPACE, "argocd-repo-server", 8081),
    "staging: app": Place(staging.NAMESPACE, "app", 8080),
    "ingress controller: 443": Place(services.INGRESS_NAMESPACE, "ingress-nginx", 443),
    "ingress controller: 80": Place(services.INGRESS_NAMESPACE, "ingress-nginx", 80),
    "ingress controller: 10254": Place(services.INGRESS_NAMESPACE, "ingress-nginx", 10254),
}
HOSTS = {
    "API server": f"{NODE}:6443",
    "API server's Service": f"{API_SERVICE}:443",
    "kubelet": f"{NODE}:10250",
    "metadata": f"{METADATA}:80",
    "internet: 443": f"{INTERNET}:443",
    "internet: 80": f"{INTERNET}:80",
    "DNS": f"{DNS}:53",
}


@dataclass(frozen=True)
class Neighbours:
    caller: Preview
    callee: Preview


@pytest.fixture(scope="module")
def neighbours(cluster: Cluster, shop: Preview) -> Iterator[Neighbours]:
    """A caller whose callee has no label yet, and a stranger. The fork comes with a story."""
    assert shop.name == STRANGER
    caller, callee = Preview(cluster, "payments", 71), Preview(cluster, "users", 72)
    caller.open(config="version: 1\ndependencies:\n  users: pr:72\n")
    staging.deploy(cluster)
    caller.wait()
    yield Neighbours(caller, callee)
    for preview in (caller, callee):
        if preview.is_open:
            preview.close()
    cluster.kubernetes.delete(f"{argocd.APPLICATION_SETS}/forks-by-list")


def test_a_link_leads_to_the_other_preview(cluster: Cluster, neighbours: Neighbours, times: Times) -> None:
    caller, callee = neighbours.caller, neighbours.callee
    assert called(caller) == staging.VERSION, "users#72 does not exist yet"
    version = callee.build()
    cluster.developers.open(callee.repository, callee.number, head_sha=version)
    stopwatch = times.stopwatch("a dependency gets its label")
    cluster.developers.label(callee.repository, callee.number, "preview")
    until("payments calls the preview of users", lambda: called(caller) == version)
    stopwatch.lap("its caller answers with its data")
    callee.wait()
    caller.wait()
    assert caller.ask("/call/users")["answer"]["rows"] == callee.ask()["rows"]


def called(caller: Preview) -> str:
    """Return the version of users that answers its caller, or "" while nothing does."""
    answer = caller.ask("/call/users")
    return str(answer["answer"]["version"]) if answer else ""


def test_a_fork_runs_without_secrets(cluster: Cluster, neighbours: Neighbours) -> None:
    cluster.kubernetes.apply(forks.application_set(forks.parameters(cluster, neighbours.callee, 74)))
    application = cluster.argocd.wait_for(FORK)
    pods = cluster.kubernetes.list(f"/api/v1/namespaces/{FORK}/pods")
    assert {pod["metadata"]["labels"]["app.kubernetes.io/name"] for pod in pods} >= {"app", "postgres", "redis"}
    kinds = {resource["kind"] for resource in application.content["status"]["resources"]}
    assert "ExternalSecret" not in kinds


@pytest.mark.usefixtures("neighbours")
def test_everybody_reaches_what_the_manifests_promise_and_nothing_else(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    targets = {name: place.address(cluster) for name, place in PODS.items()} | HOSTS
    with ThreadPoolExecutor(len(SOURCES)) as pool:
        found = pool.map(lambda source: reached(cluster, source, targets), SOURCES.values())
        measured = dict(zip(SOURCES, found, strict=True))
    with capsys.disabled():
        print()
        for source, names in measured.items():
            print(f"{source} reaches {', '.join(sorted(names)) or 'nothing'}")
    for source in (*OF_CALLER, CALLEE, STRANGER, FORK, "plugin"):
        assert measured[source] == PROMISED[source], source
    for source in ("Argo CD: ApplicationSet controller", "Argo CD: repository server", "staging"):
        assert measured[source] & set(OURS) == PROMISED[source], source


def test_a_merged_callee_is_followed_by_staging_and_keeps_its_policies_until_its_last_pod_has_ended(
    cluster: Cluster, neighbours: Neighbours, times: Times
) -> None:
    caller, callee = neighbours.caller, neighbours.callee
    policies = f"/apis/networking.k8s.io/v1/namespaces/{CALLEE}/networkpolicies"
    pods = f"/api/v1/namespaces/{CALLEE}/pods"
    cluster.kubernetes.apply(stubborn(cluster, CALLEE))
    cluster.kubernetes.kubectl("wait", "-n", CALLEE, "pod/stubborn", "--for=condition=Ready", "--timeout=60s")

    def ended() -> bool:
        denied = {policy["metadata"]["name"] for policy in cluster.kubernetes.list(policies)} >= {"default-deny", "dns"}
        left = [pod["metadata"]["name"] for pod in cluster.kubernetes.list(pods)]
        assert denied or not left, f"{', '.join(left)} had no policies"
        return not callee.remains

    def rewired() -> bool:
        ended()
        return called(caller) == staging.VERSION

    stopwatch = times.stopwatch("a dependency is merged")
    callee.close("merged")
    until("payments calls users on staging", rewired)
    stopwatch.lap("its caller answers with staging's data")
    (dependency,) = cluster.plugin.preview(caller.locator)["dependencies"]
    assert dependency["reason"] == "acme/users#72 was merged"
    until(f"nothing is left of {CALLEE}", ended)


def stubborn(cluster: Cluster, namespace: str) -> Object:
    """Return a pod that does not end before it is killed."""
    (app,) = cluster.kubernetes.list(f"/api/v1/namespaces/{namespace}/pods?labelSelector=app.kubernetes.io/name%3Dapp")
    container = app["spec"]["containers"][0]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "stubborn", "namespace": namespace},
        "spec": {
            "terminationGracePeriodSeconds": 8,
            "securityContext": app["spec"]["securityContext"],
            "containers": [
                {
                    "name": "stubborn",
                    "image": container["image"],
                    "command": ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"],
                    "securityContext": container["securityContext"],
                }
            ],
        },
    }
