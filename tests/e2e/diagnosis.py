"""What a person would look at when a story fails."""

import re

from tests.e2e.cluster.cluster import Cluster
from tests.e2e.cluster.product import NAMESPACE

LINES = 40
WELL = re.compile(r" (\d+)/\1 +Running | Completed ")
PLUGIN = "deployment/preview-plugin"


def diagnose(cluster: Cluster) -> str:
    """Return Applications, pods that are not well, the last events, and what the plugin says about pull requests."""
    kubectl = cluster.kubernetes.kubectl
    events = kubectl("get", "events", "--all-namespaces", "--sort-by=.lastTimestamp", check=False).splitlines()
    return "\n\n".join(
        [
            _applications(cluster),
            _pods(kubectl("get", "pods", "--all-namespaces", "-o", "wide", check=False)),
            "\n".join(events[-LINES:]),
            kubectl("exec", "-n", NAMESPACE, PLUGIN, "--", "preview-plugin", "list", check=False),
            kubectl("logs", "-n", NAMESPACE, PLUGIN, f"--tail={LINES}", check=False),
        ]
    )


def _applications(cluster: Cluster) -> str:
    lines = [f"ApplicationSet previews: {cluster.argocd.problem() or 'no problem'}"]
    for name, application in sorted(cluster.argocd.applications().items()):
        state = f"{application.sync}/{application.health}/{application.phase}"
        end = " being deleted" if application.deleting else ""
        lines.append(f"{name}: {state}{end} {application.message[:300]}")
        lines += [f"    {condition[:300]}" for condition in application.conditions]
    return "\n".join(lines)


def _pods(table: str) -> str:
    """Return the lines of pods that do not run, or not with all their containers."""
    return "\n".join(line for line in table.splitlines() if not WELL.search(line))
