"""Faults during which no Application may be deleted or recreated."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.e2e.cluster import argocd as argo
from tests.e2e.cluster.cluster import Cluster
from tests.e2e.cluster.processes import until
from tests.e2e.preview import Preview
from tests.e2e.times import Times


@contextmanager
def nothing_happens_to(preview: Preview) -> Iterator[None]:
    before = preview.wait().uid
    yield
    after = preview.application
    assert after
    assert after.uid == before
    assert not after.deleting


def test_while_github_answers_502_for_a_minute_nothing_ends(cluster: Cluster, shop: Preview) -> None:
    with nothing_happens_to(shop), cluster.developers.outage():
        known = snapshot(cluster)["age_seconds"]
        cluster.developers.label(shop.repository, shop.number)  # the label is removed, and nobody can read it
        until("the plugin has read nothing for a minute", lambda: snapshot(cluster)["age_seconds"] >= known + 60)
        assert not snapshot(cluster)["complete"]
        cluster.argocd.refresh()
        until("Argo CD has asked the plugin", lambda: not cluster.argocd.refreshing(), 60)
        cluster.developers.label(shop.repository, shop.number, "preview")


def snapshot(cluster: Cluster) -> dict[str, Any]:
    """Return how old what the plugin knows is, and whether it is complete."""
    found: dict[str, Any] = until("the plugin answers", lambda: cluster.plugin.answer, 30)["snapshot"]
    return found


def test_controllers_that_are_killed_in_the_middle_of_a_sync_finish_it(
    cluster: Cluster, shop: Preview, times: Times
) -> None:
    preview = syncing(cluster, 32)
    with nothing_happens_to(shop):
        stopwatch = times.stopwatch("Argo CD's controllers killed in the middle of a sync")
        cluster.argocd.kill_controllers()
        preview.wait(300)
        stopwatch.lap("healthy, smoke test passed")
    preview.close()


def test_an_api_server_that_restarts_in_the_middle_of_a_sync_finishes_it(cluster: Cluster, shop: Preview) -> None:
    preview = syncing(cluster, 33)
    with nothing_happens_to(shop):
        cluster.control_plane.restart()
        preview.wait(300)
    preview.close()
    argo.wait(cluster.kubernetes)


def test_while_the_plugin_is_killed_nothing_ends(cluster: Cluster, shop: Preview) -> None:
    until("the plugin has read all of GitHub since the outage", lambda: snapshot(cluster)["complete"], 60)
    with nothing_happens_to(shop):
        cluster.plugin.kill()
        cluster.argocd.refresh()
        until("Argo CD could not ask the plugin", cluster.argocd.problem, 60, every=0.1)
        until("the plugin answers again", lambda: cluster.plugin.answer, 60)
        cluster.argocd.refresh()  # by itself it asks again three minutes after an error
        until("Argo CD has no problem", lambda: not cluster.argocd.problem(), 60)


def syncing(cluster: Cluster, number: int) -> Preview:
    """Return a preview in the middle of its first sync."""
    preview = Preview(cluster, "shop", number)
    preview.open()
    until("the sync runs", lambda: (app := preview.application) and app.phase == "Running", 60, every=0.1)
    return preview
