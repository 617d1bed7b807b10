"""What a person would look at when a story fails."""

from tests.e2e.cluster.cluster import Cluster

LINES = 40


def diagnose(cluster: Cluster) -> str:
    """Return Applications, pods that are not well, the last events, and what the plugin says about its previews."""
    kubectl = cluster.kubernetes.kubectl
    pods = kubectl("get", "pods", "--all-namespaces", "-o", "wide", check=False).splitlines()
    events = kubectl("get", "events", "--all-namespaces", "--sort-by=.lastTimestamp", check=False).splitlines()
    plugin = kubectl("logs", "-n", "previews-system", "deployment/preview-plugin", f"--tail={LINES}", check=False)
    return "\n\n".join(
        [
            _applications(cluster),
            "\n".join(line for line in pods if " Running " not in line or " 0/" in line),
            "\n".join(events[-LINES:]),
            kubectl(
                "exec",
                "-n",
                "previews-system",
                "deployment/preview-plugin",
                "--",
                "preview-plugin",
                "params",
                check=False,
            )[:2000],
            plugin,
        ]
    )


def _applications(cluster: Cluster) -> str:
    lines = [f"ApplicationSet previews: {cluster.argocd.problem() or 'no problem'}"]
    for name, application in sorted(cluster.argocd.applications().items()):
        state = f"{application.sync}/{application.health}/{application.phase}"
        end = " being deleted" if application.deleting else ""
        lines.append(f"{name}: {state}{end} {application.message[:300]}")
    return "\n".join(lines)
