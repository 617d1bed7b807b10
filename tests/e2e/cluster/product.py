"""The product, installed as docs/install.md says."""

import json
import os
import shutil
import subprocess
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import requests
import yaml

from tests.e2e.cluster import argocd
from tests.e2e.cluster.certificates import Authority
from tests.e2e.cluster.github import TOKEN, WEBHOOK_SECRET
from tests.e2e.cluster.kubernetes import Kubernetes
from tests.e2e.cluster.processes import until
from tests.e2e.layout import RUN
from tools.rendering import ROOT

NAMESPACE = "previews-system"
REPOSITORY = "acme/previews.git"  # on github.com; what applicationsets/ and manifests/argocd/ name
REPOSITORIES = RUN / "git"
WRAPPER = RUN / "wrapper"
COMPONENTS = ROOT / "manifests/plugin/components"


def publish() -> None:
    """Push this repository's manifests to where Argo CD reads them."""
    work = RUN / "work"
    shutil.rmtree(work, ignore_errors=True)
    for folder in ("manifests", "applicationsets"):
        shutil.copytree(ROOT / folder, work / folder)
    bare = REPOSITORIES / REPOSITORY
    _git(RUN, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    _git(work, "init", "--quiet", "--initial-branch=main")
    _git(work, "add", "--all")
    _git(work, "-c", "user.name=e2e", "-c", "user.email=e2e@example.com", "commit", "--quiet", "--message=manifests")
    _git(work, "push", "--quiet", str(bare), "main")


@dataclass(frozen=True)
class Tokens:
    """What callers of the plugin show it; each may do something else."""

    argocd: str
    read: str
    notifications: str


def prepare(kubernetes: Kubernetes) -> Tokens:
    """Create the plugin's secrets, and tell Argo CD about it. Its pods read some settings only when they start."""
    tokens = Tokens(token_hex(32), token_hex(32), token_hex(32))
    kubernetes.kubectl("apply", "--filename", ROOT / "manifests/plugin/base/namespace.yaml")
    keys = {"token": tokens.argocd, "read-token": tokens.read, "notifications-token": tokens.notifications}
    _secret(kubernetes, NAMESPACE, "preview-plugin", **keys)
    _secret(kubernetes, NAMESPACE, "preview-plugin-github", token=TOKEN)
    _secret(kubernetes, NAMESPACE, "preview-plugin-webhook", secret=WEBHOOK_SECRET)
    _secret(kubernetes, argocd.NAMESPACE, "preview-plugin", token=tokens.argocd)
    apply_settings(kubernetes)
    _notifications(kubernetes, tokens.notifications)
    return tokens


def install(kubernetes: Kubernetes, tokens: Tokens, authority: Path) -> "Plugin":
    """Install the plugin, and apply the ApplicationSets. Argo CD's server must run: it makes the plugin's account."""
    _account(kubernetes)
    deploy(kubernetes, authority)
    wait(kubernetes)
    # GitHub delivers only once, and Argo CD asks again after three minutes.
    kubernetes.wait_for_service(NAMESPACE, "preview-plugin")
    apply_sets(kubernetes)
    return Plugin(kubernetes, tokens)


class Plugin:
    """The running plugin, seen through its routes and its pods."""

    def __init__(self, kubernetes: Kubernetes, tokens: Tokens) -> None:
        self._token = tokens.argocd
        self._kubernetes = kubernetes
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {tokens.read}"

    @property
    def answer(self) -> dict[str, Any] | None:
        """Return what GET /api/v1/previews says, or None while it does not answer."""
        try:
            answer = self._session.get(f"{self._url}/api/v1/previews", timeout=5)
        except requests.RequestException:
            return None
        found: dict[str, Any] = answer.json()
        return found if answer.ok else None

    @property
    def responds(self) -> bool:
        """Tell whether it answers on a new connection, whichever of its pods that leads to."""
        with requests.Session() as session:
            session.trust_env = False
            try:
                return session.get(f"{self._url}/healthz", timeout=5).ok
            except requests.RequestException:
                return False

    def parameters(self) -> list[dict[str, Any]]:
        """Return what Argo CD would get."""
        answer = self._session.post(
            f"{self._url}/api/v1/getparams.execute",
            json={"applicationSetName": "previews", "input": {}},
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=5,
        )
        answer.raise_for_status()
        return list(answer.json()["output"]["parameters"])

    @property
    def _url(self) -> str:
        service = self._kubernetes.get(f"/api/v1/namespaces/{NAMESPACE}/services/preview-plugin") or {}
        return f"http://{service['spec']['clusterIP']}"

    def preview(self, locator: str) -> dict[str, Any]:
        """Return what it says about one pull request; {} if it does not know it."""
        previews = (self.answer or {"previews": []})["previews"]
        return next((one for one in previews if one["locator"] == locator), {})

    def tell(self, command: str, locator: str) -> None:
        """Run one of its commands for a preview, as docs/lifecycle.md says; raise RuntimeError with what it refuses."""
        plugin = "deployment/preview-plugin"
        self._kubernetes.execute(NAMESPACE, plugin, "preview-plugin", command, locator)

    def pods(self) -> list[dict[str, Any]]:
        selector = "labelSelector=app.kubernetes.io/name%3Dpreview-plugin"
        return self._kubernetes.list(f"/api/v1/namespaces/{NAMESPACE}/pods?{selector}")

    def leader(self) -> str:
        """Return the name of the pod that polls, once there is one."""

        def polls() -> str:
            for pod in self.pods():
                try:
                    metrics = self._session.get(f"http://{pod['status'].get('podIP')}:8080/metrics", timeout=5).text
                except requests.RequestException:
                    continue
                if "\npreview_polls 1.0\n" in metrics and "deletionTimestamp" not in pod["metadata"]:
                    return str(pod["metadata"]["name"])
            return ""

        return until("one replica polls", polls, 60)

    def kill(self) -> None:
        """End all its processes at once, as when memory runs out: the node sees the processes of its pods."""
        subprocess.run(["pkill", "-KILL", "--full", "plugin[.]wsgi"], check=True)


def apply_sets(kubernetes: Kubernetes) -> None:
    """Apply the ApplicationSets."""
    for file in ("previews.yaml", "forks.yaml"):
        kubernetes.kubectl("apply", "--filename", ROOT / "applicationsets" / file)


def apply_settings(kubernetes: Kubernetes) -> None:
    """Tell Argo CD what it must know about previews."""
    kubernetes.kubectl("apply", "--kustomize", ROOT / "manifests/argocd")
    for name in ("argocd-cm", "argocd-cmd-params-cm"):
        _patch(kubernetes, name, ROOT / f"manifests/argocd/settings/{name}.yaml")


def _notifications(kubernetes: Kubernetes, token: str) -> None:
    """Let Argo CD tell the plugin what became of each preview."""
    folder, namespace = ROOT / "manifests/argocd/notifications", argocd.NAMESPACE
    content = json.dumps({"stringData": {"preview-plugin-token": token}})
    kubernetes.kubectl("patch", "secret", "argocd-notifications-secret", "-n", namespace, f"--patch={content}")
    for file in (
        folder / "service.yaml",
        *sorted(folder.glob("templates/*.yaml")),
        *sorted(folder.glob("triggers/*.yaml")),
    ):
        _patch(kubernetes, "argocd-notifications-cm", file)
    _patch(kubernetes, "argocd-notifications-cm", folder / "plugin/subscriptions.yaml", kind="json")


def deploy(kubernetes: Kubernetes, authority: Path, overlay: str = "base", *, ending_syncs: bool = True) -> None:
    """Apply the plugin's manifests through a wrapper with the demo organisation's catalog."""
    WRAPPER.mkdir(exist_ok=True)
    catalog = (ROOT / "tests/acme/catalog.yaml").read_text("utf-8")
    (WRAPPER / "catalog.yaml").write_text(f"{catalog}\nreport: {{deployments: true, status: true}}\n", "utf-8")
    shutil.copytree(COMPONENTS / "private-ca", WRAPPER / "private-ca", dirs_exist_ok=True)
    shutil.copy(authority, WRAPPER / "private-ca/ca.crt")
    up = os.path.relpath(ROOT, WRAPPER.resolve())  # kustomize follows links: .cache may be one
    content = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": NAMESPACE,
        "resources": [f"{up}/manifests/plugin/{overlay}"],
        "components": ["private-ca", *([f"{up}/manifests/plugin/components/argocd-api"] if ending_syncs else [])],
        "configMapGenerator": [{"name": "preview-catalog", "behavior": "replace", "files": ["catalog.yaml"]}],
    }
    (WRAPPER / "kustomization.yaml").write_text(yaml.safe_dump(content), "utf-8")
    kubernetes.kubectl("apply", "--kustomize", WRAPPER)


def wait(kubernetes: Kubernetes) -> None:
    """Wait until the plugin runs as it was applied last."""
    kubernetes.wait_for_rollout(NAMESPACE, "deployment/preview-plugin")


def redis_secrets(kubernetes: Kubernetes, authority: Authority) -> None:
    """Create what overlays/ha needs: see docs/operations.md."""
    certificate, key = authority.server("redis", ["preview-plugin-redis"])
    files = {"tls.crt": certificate, "tls.key": key, "ca.crt": authority.certificate}
    tls = {name: file.read_text("utf-8") for name, file in files.items()}
    _secret(kubernetes, NAMESPACE, "preview-plugin-redis", password=token_hex(32))
    _secret(kubernetes, NAMESPACE, "preview-plugin-redis-tls", **tls)


def _account(kubernetes: Kubernetes) -> None:
    """Make the account that may end syncs, as the component argocd-api says."""
    for name in ("argocd-cm", "argocd-rbac-cm"):
        _patch(kubernetes, name, COMPONENTS / f"argocd-api/{name}.yaml")
    token = argocd.account_token(kubernetes, "preview-plugin")
    _secret(kubernetes, NAMESPACE, "preview-plugin-argocd", token=token)


def _patch(kubernetes: Kubernetes, name: str, file: Path, kind: str = "merge") -> None:
    kubernetes.kubectl("patch", "configmap", name, "-n", argocd.NAMESPACE, f"--type={kind}", f"--patch-file={file}")


def _secret(kubernetes: Kubernetes, namespace: str, name: str, **values: str) -> None:
    metadata = {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/part-of": "argocd"}}
    data = {key: b64encode(value.encode()).decode() for key, value in values.items()}
    kubernetes.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True)
