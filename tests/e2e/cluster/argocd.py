"""Argo CD, installed by its own manifests, and how tests see what it does."""

import subprocess
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from tests.e2e.cluster.certificates import Authority
from tests.e2e.cluster.kubernetes import Kubernetes, Object, listens
from tests.e2e.cluster.processes import until
from tests.e2e.layout import ARGOCD

NAMESPACE = "argocd"
APPLICATIONS = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/applications"
APPLICATION_SETS = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/applicationsets"
REFRESH = "argocd.argoproj.io/application-set-refresh"
SERVER, SERVER_PORT = "deployment/argocd-server", 8080
ALL_BUT_SERVER = (
    "deployment/argocd-repo-server",
    "deployment/argocd-applicationset-controller",
    "deployment/argocd-redis",
    "statefulset/argocd-application-controller",
)


MANIFESTS = ARGOCD / "manifests/install.yaml"  # what Argo CD's documentation tells people to apply


def install(kubernetes: Kubernetes, manifests: Path = MANIFESTS) -> None:
    """Install Argo CD as https://argo-cd.readthedocs.io/en/stable/getting_started/ says, or upgrade it."""
    kubernetes.kubectl("apply", "-n", NAMESPACE, "--server-side", "--force-conflicts", "-f", manifests)
    # Logins through other systems: nothing here needs them, and there is no image for them.
    kubernetes.kubectl("scale", "-n", NAMESPACE, "deployment/argocd-dex-server", "--replicas=0")


def install_first(kubernetes: Kubernetes, authority: Authority) -> None:
    """Install it into a cluster that has never had it, and may have no node yet."""
    names = ["argocd-server", f"argocd-server.{NAMESPACE}.svc.cluster.local", "localhost"]
    certificate, key = authority.server("argocd-server", names)
    kubernetes.kubectl("create", "namespace", NAMESPACE)
    create = ("create", "secret", "-n", NAMESPACE)
    # https://argo-cd.readthedocs.io/en/stable/operator-manual/tls/: argocd-server takes this certificate at once.
    kubernetes.kubectl(*create, "tls", "argocd-server-tls", f"--cert={certificate}", f"--key={key}")
    # Argo CD makes this password itself, but its other pods do not wait for that, and try again ten seconds later.
    kubernetes.kubectl(*create, "generic", "argocd-redis", f"--from-literal=auth={token_hex(16)}")
    install(kubernetes)


def wait_for_server(kubernetes: Kubernetes) -> None:
    """Wait until its server answers, then restart its ApplicationSet controller.

    That one often starts before argocd-server has made its key, says "server.secretkey is missing", and serves no
    webhook until it is restarted.

    The server's pod is ready up to half a minute later: its probe runs every 30 seconds, and a kubelet that has just
    started waits for a random part of that before the first one
    (https://github.com/kubernetes/kubernetes/blob/v1.36.1/pkg/kubelet/prober/worker.go).
    """
    pods = f"/api/v1/namespaces/{NAMESPACE}/pods?labelSelector=app.kubernetes.io/name%3Dargocd-server"

    def answers() -> bool:
        addresses = [pod["status"].get("podIP") for pod in kubernetes.list(pods)]
        return any(address and listens(address, SERVER_PORT) for address in addresses)

    until("argocd-server answers", answers, 240)
    kubernetes.kubectl("rollout", "restart", "-n", NAMESPACE, "deployment/argocd-applicationset-controller")


def account_token(kubernetes: Kubernetes, account: str) -> str:
    """Return a new token of an account, made by the administrator: `argocd account generate-token`."""
    secret = kubernetes.get(f"/api/v1/namespaces/{NAMESPACE}/secrets/argocd-initial-admin-secret") or {}
    password = b64decode(secret["data"]["password"]).decode()
    script = (
        f"argocd login localhost:{SERVER_PORT} --username admin --password {password} >&2 && "
        f"argocd account generate-token --account {account}"
    )
    # Its home folder cannot be written to, and the command line keeps its session there.
    command = ["env", "HOME=/tmp", "sh", "-c", script]
    return kubernetes.execute(NAMESPACE, SERVER, *command).strip()


def wait(kubernetes: Kubernetes, *workloads: str) -> None:
    """Wait until all of Argo CD is ready, or only these workloads."""
    for workload in workloads or (*ALL_BUT_SERVER, SERVER):
        kubernetes.wait_for_rollout(NAMESPACE, workload)


@dataclass(frozen=True)
class Application:
    """An Application as Argo CD reports it."""

    content: Object

    @property
    def name(self) -> str:
        return str(self.content["metadata"]["name"])

    @property
    def uid(self) -> str:
        return str(self.content["metadata"]["uid"])

    @property
    def deleting(self) -> bool:
        return "deletionTimestamp" in self.content["metadata"]

    @property
    def sync(self) -> str:
        return str(self._status("sync", "status"))

    @property
    def health(self) -> str:
        return str(self._status("health", "status"))

    @property
    def phase(self) -> str:
        """Of the last operation: Running, Succeeded, Failed, Error, Terminating or ""."""
        return str(self._status("operationState", "phase"))

    @property
    def message(self) -> str:
        return str(self._status("operationState", "message"))

    @property
    def conditions(self) -> list[str]:
        """What Argo CD could not do, for example to render or to compare it."""
        return [f"{one['type']}: {one['message']}" for one in self._status("conditions") or []]

    @property
    def source(self) -> Object:
        """What the ApplicationSet wants."""
        found: Object = self.content["spec"]["source"]
        return found

    @property
    def images(self) -> dict[str, str]:
        """The images that the ApplicationSet wants, by their names in the manifests."""
        return dict(image.split("=", 1) for image in self.source["kustomize"]["images"])

    @property
    def annotations(self) -> dict[str, str]:
        found: dict[str, str] = self.content["metadata"].get("annotations", {})
        return found

    @property
    def labels(self) -> dict[str, str]:
        found: dict[str, str] = self.content["metadata"].get("labels", {})
        return found

    @property
    def done(self) -> bool:
        """Whether what the ApplicationSet wants is synced and healthy, and its hooks have ended."""
        state = (self.sync, self.health, self.phase) == ("Synced", "Healthy", "Succeeded")
        return state and self._status("operationState", "syncResult", "source") == self.source and not self.deleting

    def _status(self, *path: str) -> Any:
        found: Any = self.content.get("status", {})
        for key in path:
            found = (found or {}).get(key, "")
        return found


class ArgoCD:
    def __init__(self, kubernetes: Kubernetes) -> None:
        self._kubernetes = kubernetes

    def application(self, name: str) -> Application | None:
        content = self._kubernetes.get(f"{APPLICATIONS}/{name}")
        return Application(content) if content else None

    def applications(self) -> dict[str, Application]:
        found = (Application(content) for content in self._kubernetes.list(APPLICATIONS))
        return {application.name: application for application in found}

    def problem(self, application_set: str = "previews") -> str:
        """Return the message of an ApplicationSet that has a problem, or ""."""
        content = self._kubernetes.get(f"{APPLICATION_SETS}/{application_set}") or {}
        conditions = content.get("status", {}).get("conditions", [])
        return next(
            (str(c["message"]) for c in conditions if c["type"] == "ErrorOccurred" and c["status"] == "True"), ""
        )

    def refresh(self, application_set: str = "previews") -> None:
        """Ask for a reconcile now.

        After one that failed, the annotation is still there, and setting it again would be no change.
        """
        for value in (None, "true"):
            content = {"metadata": {"annotations": {REFRESH: value}}}
            self._kubernetes.patch(f"{APPLICATION_SETS}/{application_set}", content)

    def refreshing(self, application_set: str = "previews") -> bool:
        """Tell whether a reconcile that was asked for has not begun yet."""
        content = self._kubernetes.get(f"{APPLICATION_SETS}/{application_set}") or {"metadata": {}}
        return REFRESH in content["metadata"].get("annotations", {})

    def kill_controllers(self) -> None:
        """End the controllers at once, as when memory runs out: the node sees the processes of its pods."""
        subprocess.run(["pkill", "-KILL", "--full", "argocd-application(set)?-controller"], check=True)

    def wait_for(self, name: str, seconds: float = 180) -> Application:
        """Wait until a preview runs and its smoke test has passed."""

        def done() -> Application | None:
            application = self.application(name)
            return application if application and application.done else None

        return until(f"{name} is synced and healthy, and its smoke test has passed", done, seconds)
