"""Two replicas with a real Redis: overlays/ha."""

import pytest

from tests.e2e.cluster import argocd, product
from tests.e2e.cluster.cluster import Cluster
from tests.e2e.cluster.kubernetes import Object
from tests.e2e.cluster.processes import until
from tests.e2e.packets import Place, reached
from tests.e2e.preview import Preview
from tests.e2e.times import Times


@pytest.fixture(scope="module")
def two_replicas(cluster: Cluster) -> None:
    """Nothing goes back to one: these are the last stories, and all of the others would be true with two as well."""
    product.redis_secrets(cluster.kubernetes, cluster.authority)
    product.deploy(cluster.kubernetes, cluster.authority.certificate, "overlays/ha")
    product.wait(cluster.kubernetes)
    # A container that is told to end in the moment in which it starts does not hear it: it ends with its grace period.
    until("the pods of before have ended", lambda: not any(map(deleting, cluster.plugin.pods())), 60)
    until("the plugin answers", lambda: cluster.plugin.answer, 60)


def deleting(pod: Object) -> bool:
    return "deletionTimestamp" in pod["metadata"]


@pytest.mark.usefixtures("two_replicas")
def test_a_leader_that_is_deleted_is_followed_by_the_other(cluster: Cluster, shop: Preview, times: Times) -> None:
    before = shop.wait().uid
    leader = cluster.plugin.leader()
    cluster.kubernetes.kubectl("delete", "pod", "-n", product.NAMESPACE, leader, "--wait=false")
    stopwatch = times.stopwatch("the leader of two replicas is deleted, then a label")
    other = Preview(cluster, "shop", 62)
    other.open(deliver=False)  # by a webhook: its delivery could meet the pod that ends, and GitHub delivers only once

    def ended() -> bool:
        assert cluster.plugin.responds, "a question of Argo CD would have failed, and it asks again three minutes later"
        return leader not in {pod["metadata"]["name"] for pod in cluster.plugin.pods()}

    until(f"{leader} has ended", ended, 60, every=0.01)
    other.wait()
    stopwatch.lap("healthy, smoke test passed")
    after = shop.wait()
    assert after.uid == before
    assert cluster.plugin.leader() != leader
    other.close()


@pytest.mark.usefixtures("two_replicas")
def test_only_the_plugin_reaches_its_redis(cluster: Cluster, shop: Preview) -> None:
    redis = {"Redis": Place(product.NAMESPACE, "preview-plugin-redis", 6379).address(cluster)}
    assert reached(cluster, Place(product.NAMESPACE, "preview-plugin"), redis)
    assert not reached(cluster, Place(shop.name, "app"), redis)
    assert not reached(cluster, Place(argocd.NAMESPACE, "argocd-repo-server"), redis), "which may send to everybody"
