"""etcd and Kubernetes' control plane as processes on the node's address."""

import json
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from secrets import token_hex

import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.e2e.cluster.certificates import Authority, write_key
from tests.e2e.cluster.processes import Processes, until
from tests.e2e.layout import API, API_SERVICE, NODE, PODS, PROGRAMS, RUN, SERVICES

KUBERNETES = PROGRAMS / "kubernetes"
ETCD = "http://127.0.0.1:2379"
FOLDER = RUN / "control-plane"
USERS = {  # name: its groups
    "admin": "system:masters",
    # Two groups: as a node alone it may not read what a new pod names before the API server's authorizer has seen that
    # pod. On a busy machine that comes late, and the kubelet tries the pod again ten seconds later.
    "system:node:node": '"system:nodes,system:masters"',
    "system:kube-proxy": "system:masters",
    "network-policies": "system:masters",
}


class ControlPlane:
    """etcd, API server, controllers and scheduler."""

    def __init__(self, processes: Processes, authority: Authority) -> None:
        self._processes = processes
        self._authority = authority
        self.tokens = {user: token_hex(16) for user in USERS}

    def start(self) -> None:
        """Start all but the scheduler: pods wait for `schedule`."""
        FOLDER.mkdir(parents=True)
        for name in ("etcd", "kube-apiserver"):
            self._start(name)
        self.wait()
        self._start("kube-controller-manager")

    def schedule(self) -> None:
        """Let the pods have their node."""
        self._start("kube-scheduler")

    def wait(self) -> None:
        """Wait until the API server is ready."""
        until("the API server is ready", self._ready)

    def restart(self) -> None:
        """End the API server as a crash does, and start it again."""
        self._processes.stop("kube-apiserver", signal.SIGKILL)
        self._start("kube-apiserver")
        self.wait()

    def _start(self, name: str) -> None:
        self._processes.start(name, KUBERNETES, *self._commands()[name])

    def kubeconfig(self, user: str) -> Path:
        """Write a kubeconfig for one of USERS, and return its path. YAML is a superset of JSON."""
        file = FOLDER / f"{user.replace(':', '-')}.kubeconfig"
        if file.exists():  # and a process that starts may be reading it
            return file
        server = {"server": API, "certificate-authority": str(self._authority.certificate)}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "e2e", "cluster": server}],
            "users": [{"name": user, "user": {"token": self.tokens[user]}}],
            "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": user}}],
            "current-context": "e2e",
        }
        file.write_text(json.dumps(content), "utf-8")
        return file

    def _ready(self) -> bool:
        self._processes.check()
        try:
            return requests.get(f"{API}/readyz", verify=str(self._authority.certificate), timeout=5).ok
        except requests.RequestException:
            return False

    def _commands(self) -> Mapping[str, list[str]]:
        """Return the programs and their arguments."""
        admin = self.kubeconfig("admin")
        return {
            "etcd": [
                "etcd",
                f"--data-dir={FOLDER / 'etcd'}",
                "--unsafe-no-fsync",
                f"--listen-client-urls={ETCD}",
                f"--advertise-client-urls={ETCD}",
                "--listen-peer-urls=http://127.0.0.1:2380",
                "--log-level=warn",
            ],
            "kube-apiserver": ["kube-apiserver", *self._api_server_flags()],
            "kube-controller-manager": [
                "kube-controller-manager",
                f"--kubeconfig={admin}",
                "--leader-elect=false",
                "--use-service-account-credentials=true",
                f"--service-account-private-key-file={self._service_account_key()[0]}",
                f"--root-ca-file={self._authority.certificate}",
                "--allocate-node-cidrs",
                f"--cluster-cidr={PODS}",
                "--node-cidr-mask-size=24",
            ],
            "kube-scheduler": ["kube-scheduler", f"--kubeconfig={admin}", "--leader-elect=false"],
        }

    def _api_server_flags(self) -> Iterator[str]:
        private, public = self._service_account_key()
        certificate, key = self._certificate()
        tokens = FOLDER / "tokens.csv"
        tokens.write_text("".join(f"{self.tokens[user]},{user},{user},{USERS[user]}\n" for user in USERS), "utf-8")
        yield f"--etcd-servers={ETCD}"
        yield f"--advertise-address={NODE}"
        yield f"--tls-cert-file={certificate}"
        yield f"--tls-private-key-file={key}"
        yield f"--token-auth-file={tokens}"
        yield "--authorization-mode=Node,RBAC"
        yield "--enable-admission-plugins=NodeRestriction"
        yield "--allow-privileged"
        yield f"--service-cluster-ip-range={SERVICES}"
        yield f"--service-account-key-file={public}"
        yield f"--service-account-signing-key-file={private}"
        yield "--service-account-issuer=https://kubernetes.default.svc"
        yield "--kubelet-preferred-address-types=InternalIP"

    def _certificate(self) -> tuple[Path, Path]:
        certificate = FOLDER / "kube-apiserver.crt"
        if certificate.exists():
            return certificate, certificate.with_suffix(".key")
        hosts = [NODE, API_SERVICE, "kubernetes", "kubernetes.default", "kubernetes.default.svc"]
        made, key = self._authority.server("kube-apiserver", hosts)
        return made.rename(certificate), key.rename(certificate.with_suffix(".key"))

    def _service_account_key(self) -> tuple[Path, Path]:
        private, public = FOLDER / "service-accounts.key", FOLDER / "service-accounts.pub"
        if not private.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            write_key(private, key)
            public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        return private, public
