"""Installing twice, and upgrades of Argo CD before and after ours."""

from pathlib import Path

from tests.e2e.cluster import argocd, product
from tests.e2e.cluster.cluster import Cluster
from tests.e2e.cluster.processes import until
from tests.e2e.preview import Preview
from tools.rendering import ROOT

THEIRS = ("argocd-cm", "kustomize.buildOptions", "--enable-helm")
NEWER = ("argocd-cm", "resource.respectRBAC", "normal")  # what a newer Argo CD could bring
OURS = (
    ("argocd-cm", "resource.customizations.health.PersistentVolumeClaim"),
    ("argocd-cm", "accounts.preview-plugin"),
    ("argocd-rbac-cm", "policy.preview-plugin.csv"),
    ("argocd-cmd-params-cm", "controller.sync.timeout.seconds"),
    ("argocd-notifications-cm", "subscriptions"),
)


def test_installing_twice_changes_nothing(cluster: Cluster, shop: Preview) -> None:
    before, settings = shop.wait(), {one: setting(cluster, *one) for one in OURS}
    for folder in (product.WRAPPER, ROOT / "manifests/argocd"):
        said = cluster.kubernetes.kubectl("apply", "--kustomize", folder).splitlines()
        assert said
        assert [line for line in said if not line.endswith(" unchanged")] == []
    product.apply_settings(cluster.kubernetes)
    assert {one: setting(cluster, *one) for one in OURS} == settings

    # Argo CD leaves out of ApplicationSets what is false, so these are written again.
    product.apply_sets(cluster.kubernetes)
    cluster.argocd.refresh()
    until("Argo CD has asked the plugin", lambda: not cluster.argocd.refreshing(), 60)
    after = shop.wait()
    assert (after.uid, after.source) == (before.uid, before.source)


def test_settings_of_users_and_ours_survive_each_others_upgrades(
    cluster: Cluster, shop: Preview, tmp_path: Path
) -> None:
    before = shop.wait().uid
    name, key, value = THEIRS
    cluster.kubernetes.patch(path(name), {"data": {key: value}})
    product.apply_settings(cluster.kubernetes)
    assert setting(cluster, name, key) == value
    assert all(setting(cluster, *one) for one in OURS)

    argocd.install(cluster.kubernetes, newer(tmp_path))
    assert setting(cluster, *NEWER[:2]) == NEWER[2]
    assert setting(cluster, name, key) == value
    assert all(setting(cluster, *one) for one in OURS)
    argocd.wait(cluster.kubernetes)
    after = shop.wait()
    assert after.uid == before


def newer(folder: Path) -> Path:
    """Write Argo CD's manifests with one more setting in a ConfigMap of which we have keys, and return the file."""
    name, key, value = NEWER
    text, end = argocd.MANIFESTS.read_text("utf-8"), f"\n  name: {name}\n---\n"
    assert text.count(end) == 1
    file = folder / "install.yaml"
    file.write_text(text.replace(end, f"\n  name: {name}\ndata:\n  {key}: {value}\n---\n"), "utf-8")
    return file


def path(name: str) -> str:
    return f"/api/v1/namespaces/{argocd.NAMESPACE}/configmaps/{name}"


def setting(cluster: Cluster, name: str, key: str) -> str:
    return str((cluster.kubernetes.get(path(name)) or {})["data"].get(key, ""))
