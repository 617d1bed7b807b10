"""Faults during which no Application may be deleted or recreated."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.cluster import argocd as argo
from tests.e2e.cluster.cluster import Cluster
from tests.e2e.cluster.processes import until
from tests.e2e.commits import build, commit
from tests.e2e.preview import Preview
from tests.e2e.times import Times


@pytest.fixture(scope="module")
def shop(cluster: Cluster) -> Iterator[Preview]:
    """A preview that runs during all these faults."""
    preview = Preview(cluster, "shop", 31)
    cluster.developers.open("acme/shop", 31, head_sha=build(cluster, "shop", commit()), labels=["preview"])
    preview.wait()
    yield preview
    cluster.developers.close("acme/shop", 31)


@contextmanager
def nothing_happens_to(preview: Preview) -> Iterator[None]:
    before = preview.wait().uid
    yield
    after = preview.application
    assert after
    assert after.uid == before
    assert not after.deleting


def test_while_github_answers_502_nothing_ends(cluster: Cluster, shop: Preview) -> None:
    with nothing_happens_to(shop), cluster.developers.outage():
        cluster.developers.label("acme/shop", 31)  # the label is removed, and nobody can read it
        requests = len(cluster.github.log)
        until("the plugin has tried to read GitHub again", lambda: len(cluster.github.log) > requests + 1, 120)
        cluster.argocd.refresh()
        until("Argo CD has asked the plugin", lambda: not cluster.argocd.refreshing(), 60)
        answer = cluster.plugin.answer
        assert answer
        assert not answer["snapshot"]["complete"]
        cluster.developers.label("acme/shop", 31, "preview")


def test_while_the_plugin_is_killed_nothing_ends(cluster: Cluster, shop: Preview) -> None:
    with nothing_happens_to(shop):
        cluster.plugin.kill()
        cluster.argocd.refresh()
        until("Argo CD could not ask the plugin", cluster.argocd.problem, 60, every=0.1)
        until("the plugin answers again", lambda: cluster.plugin.answer, 60)
        cluster.argocd.refresh()  # by itself it asks again three minutes after an error
        until("Argo CD has no problem", lambda: not cluster.argocd.problem(), 60)


def test_controllers_that_are_killed_in_the_middle_of_a_sync_finish_it(
    cluster: Cluster, shop: Preview, times: Times
) -> None:
    preview = Preview(cluster, "users", 32)
    cluster.developers.open("acme/users", 32, head_sha=build(cluster, "users", commit()), labels=["preview"])
    until("the sync runs", lambda: (app := preview.application) and app.phase == "Running", 60, every=0.1)
    with nothing_happens_to(shop):
        stopwatch = times.stopwatch("Argo CD's controllers killed in the middle of a sync")
        cluster.argocd.kill_controllers()
        preview.wait(300)
        stopwatch.lap("healthy, smoke test passed")
    cluster.developers.close("acme/users", 32)
    preview.wait_until_gone(300)


def test_an_api_server_that_restarts_in_the_middle_of_a_sync_finishes_it(cluster: Cluster, shop: Preview) -> None:
    preview = Preview(cluster, "users", 33)
    cluster.developers.open("acme/users", 33, head_sha=build(cluster, "users", commit()), labels=["preview"])
    until("the sync runs", lambda: (app := preview.application) and app.phase == "Running", 60, every=0.1)
    with nothing_happens_to(shop):
        cluster.control_plane.restart()
        preview.wait(300)
    cluster.developers.close("acme/users", 33)
    preview.wait_until_gone(300)
    argo.wait(cluster.kubernetes)
