"""What every cluster has before anybody installs something: DNS, an ingress controller, volumes."""

from base64 import b64encode
from pathlib import Path
from typing import Any

from tests.e2e.cluster.control_plane import ControlPlane
from tests.e2e.cluster.kubernetes import Kubernetes, Object
from tests.e2e.cluster.processes import Processes
from tests.e2e.layout import DNS, DOMAIN, INGRESS, PROGRAMS, RUN, WORLD

VOLUMES = RUN / "volumes"  # made by tests/e2e/cluster/isolate
INGRESS_NAMESPACE = "ingress-controller"
HOSTS = {f"(.+[.])?{DOMAIN}": INGRESS, "(api[.])?github[.]com": WORLD}
PATIENT = {"periodSeconds": 1, "timeoutSeconds": 10}  # on a busy machine nothing could be reached, were they not ready


def start(processes: Processes, control_plane: ControlPlane, kubernetes: Kubernetes, tls: tuple[Path, Path]) -> None:
    """Start them; `tls` is the ingress controller's wildcard certificate and its key."""
    kubeconfig = control_plane.kubeconfig("admin")
    processes.start("volumes", PROGRAMS / "volumes", f"--kubeconfig={kubeconfig}", f"--folder={VOLUMES}")
    kubernetes.apply(_storage_class(), *_dns(), *_ingress_controller(*tls))


def wait(kubernetes: Kubernetes) -> None:
    """Wait until names are resolved, and the ingress controller answers."""
    for namespace, name, service in (
        ("kube-system", "coredns", "kube-dns"),
        (INGRESS_NAMESPACE, "ingress-controller", "ingress-controller"),
    ):
        kubernetes.wait_for_rollout(namespace, f"deployment/{name}")
        kubernetes.wait_for_service(namespace, service)


def _storage_class() -> Object:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "folder", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "e2e/folder",
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def _dns() -> list[Object]:
    zones = "".join(
        f'    template IN A {{\n        match "^{host}[.]$"\n'
        f'        answer "{{{{ .Name }}}} 5 IN A {address}"\n        fallthrough\n    }}\n'
        for host, address in HOSTS.items()
    )
    corefile = f".:53 {{\n    errors\n    health\n    ready\n{zones}    kubernetes cluster.local\n}}\n"
    labels = {"k8s-app": "kube-dns"}
    configuration = {"name": "configuration", "mountPath": "/etc/coredns"}
    container = {
        "name": "coredns",
        "image": "registry.k8s.io/coredns/coredns:e2e",
        "args": ["-conf", "/etc/coredns/Corefile"],
        "readinessProbe": {**PATIENT, "httpGet": {"path": "/ready", "port": 8181}},
        "volumeMounts": [configuration],
    }
    pod = {
        "serviceAccountName": "coredns",
        "dnsPolicy": "Default",
        "containers": [container],
        "volumes": [{"name": "configuration", "configMap": {"name": "coredns"}}],
    }
    ports = [{"name": protocol.lower(), "protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    return [
        *_account(
            "kube-system",
            "coredns",
            [
                {"apiGroups": [""], "resources": ["*"], "verbs": ["get", "list", "watch"]},
                {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["get", "list", "watch"]},
            ],
        ),
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": _metadata("coredns", "kube-system"),
            "data": {"Corefile": corefile},
        },
        _deployment("coredns", "kube-system", labels, pod),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": _metadata("kube-dns", "kube-system"),
            "spec": {"clusterIP": DNS, "selector": labels, "ports": ports},
        },
    ]


def _ingress_controller(certificate: Path, key: Path) -> list[Object]:
    labels = {"app.kubernetes.io/name": "ingress-nginx"}  # what the previews' policies look for
    secret = {"tls.crt": certificate, "tls.key": key}
    container = {
        "name": "ingress-controller",
        "image": "registry.k8s.io/ingress-controller:e2e",
        "args": [f"--address={INGRESS}"],
        "ports": [{"name": "http", "containerPort": 80}, {"name": "https", "containerPort": 443}],
        "readinessProbe": {**PATIENT, "httpGet": {"path": "/", "port": 10254}},
        "volumeMounts": [{"name": "tls", "mountPath": "/tls"}],
    }
    pod = {
        "serviceAccountName": "ingress-controller",
        "containers": [container],
        "volumes": [{"name": "tls", "secret": {"secretName": "wildcard"}}],
    }
    namespace = INGRESS_NAMESPACE
    return [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": namespace, "labels": {"preview.example.com/ingress-controller": "true"}},
        },
        *_account(
            namespace,
            "ingress-controller",
            [
                {"apiGroups": [""], "resources": ["services"], "verbs": ["get", "list", "watch"]},
                {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses", "ingresses/status"], "verbs": ["*"]},
            ],
        ),
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": _metadata("wildcard", namespace),
            "data": {name: b64encode(file.read_bytes()).decode() for name, file in secret.items()},
        },
        _deployment("ingress-controller", namespace, labels, pod),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": _metadata("ingress-controller", namespace),
            "spec": {
                "clusterIP": INGRESS,
                "selector": labels,
                "ports": [
                    {"name": "http", "port": 80},
                    {"name": "https", "port": 443},
                    {"name": "health", "port": 10254},
                ],
            },
        },
    ]


def _account(namespace: str, name: str, rules: list[dict[str, Any]]) -> list[Object]:
    group = "rbac.authorization.k8s.io"
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _metadata(name, namespace)},
        {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules},
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        },
    ]


def _deployment(name: str, namespace: str, labels: dict[str, str], pod: Object) -> Object:
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _metadata(name, namespace), "spec": spec}


def _metadata(name: str, namespace: str) -> dict[str, str]:
    return {"name": name, "namespace": namespace}
