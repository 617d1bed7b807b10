"""Installing twice, and upgrades of Argo CD before and after ours."""

from tests.e2e.cluster import argocd, product
from tests.e2e.cluster.cluster import Cluster
from tests.e2e.preview import Preview

SETTINGS = "/api/v1/namespaces/argocd/configmaps"
THEIRS = ("argocd-cm", "kustomize.buildOptions", "--enable-helm")
OURS = {
    "argocd-cm": "resource.customizations.health.PersistentVolumeClaim",
    "argocd-cmd-params-cm": "controller.sync.timeout.seconds",
}


def test_installing_twice_changes_nothing(cluster: Cluster) -> None:
    assert cluster.kubernetes.kubectl("diff", "--kustomize", product.WRAPPER) == ""
    before = generation(cluster)
    product.deploy(cluster.kubernetes, cluster.authority.certificate)
    product.apply_settings(cluster.kubernetes)
    assert generation(cluster) == before


def generation(cluster: Cluster) -> int:
    """Return a number that grows with each change of the plugin's Deployment."""
    path = f"/apis/apps/v1/namespaces/{product.NAMESPACE}/deployments/preview-plugin"
    return int((cluster.kubernetes.get(path) or {})["metadata"]["generation"])


def test_settings_of_users_and_ours_survive_each_others_upgrades(cluster: Cluster, shop: Preview) -> None:
    before = shop.wait().uid
    name, key, value = THEIRS
    cluster.kubernetes.patch(f"{SETTINGS}/{name}", {"data": {key: value}})
    product.apply_settings(cluster.kubernetes)
    assert theirs(cluster) == value
    assert all(ours(cluster).values())

    argocd.install(cluster.kubernetes)
    assert theirs(cluster) == value
    assert all(ours(cluster).values())
    argocd.wait(cluster.kubernetes)
    after = shop.wait()
    assert after.uid == before


def theirs(cluster: Cluster) -> str:
    name, key, _ = THEIRS
    return str((cluster.kubernetes.get(f"{SETTINGS}/{name}") or {})["data"].get(key, ""))


def ours(cluster: Cluster) -> dict[str, str]:
    found = {name: cluster.kubernetes.get(f"{SETTINGS}/{name}") or {} for name in OURS}
    return {name: str(found[name]["data"].get(key, "")) for name, key in OURS.items()}
