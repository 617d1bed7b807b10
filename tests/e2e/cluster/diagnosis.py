"""What a person would look at when a story fails, or the cluster does not come up."""

import re
from subprocess import SubprocessError

from tests.e2e.cluster.argocd import ArgoCD
from tests.e2e.cluster.kubernetes import Kubernetes
from tests.e2e.cluster.product import NAMESPACE

LINES = 40
WELL = re.compile(r" (\d+)/\1 +Running | Completed ")
PLUGIN = "deployment/preview-plugin"


def diagnose(kubernetes: Kubernetes) -> str:
    """Return Applications, pods that are not well, the last events, and what the plugin says about pull requests."""
    try:
        return _found(kubernetes)
    except (OSError, RuntimeError, SubprocessError) as error:  # the cluster may be what is broken
        return f"The cluster cannot be asked: {error}"


def _found(kubernetes: Kubernetes) -> str:
    kubectl = kubernetes.kubectl
    events = kubectl("get", "events", "--all-namespaces", "--sort-by=.lastTimestamp", check=False).splitlines()
    return "\n\n".join(
        [
            _applications(ArgoCD(kubernetes)),
            _pods(kubectl("get", "pods", "--all-namespaces", "-o", "wide", check=False)),
            "\n".join(events[-LINES:]),
            kubectl("exec", "-n", NAMESPACE, PLUGIN, "--", "preview-plugin", "list", check=False),
            kubectl("logs", "-n", NAMESPACE, PLUGIN, f"--tail={LINES}", check=False),
        ]
    )


def _applications(argocd: ArgoCD) -> str:
    lines = [f"ApplicationSet previews: {argocd.problem() or 'no problem'}"]
    for name, application in sorted(argocd.applications().items()):
        state = f"{application.sync}/{application.health}/{application.phase}"
        end = " being deleted" if application.deleting else ""
        lines.append(f"{name}: {state}{end} {application.message[:300]}")
        lines += [f"    {condition[:300]}" for condition in application.conditions]
    return "\n".join(lines)


def _pods(table: str) -> str:
    """Return the lines of pods that do not run, or not with all their containers."""
    return "\n".join(line for line in table.splitlines() if not WELL.search(line))
