"""A push or a close gets through although a sync hangs: the plugin ends the sync through Argo CD's API.

By itself Argo CD ends it after four minutes (docs/adr/0011). The goal is 30 seconds; the table shows what it took.
"""

from tests.e2e.cluster.cluster import Cluster
from tests.e2e.cluster.processes import until
from tests.e2e.commits import build, commit
from tests.e2e.images import FAILING_MIGRATION, HANGING_MIGRATION
from tests.e2e.preview import Preview
from tests.e2e.times import Times

LIMIT = 120  # seconds: half of what Argo CD needs by itself, on a machine however busy


def hanging(cluster: Cluster, number: int) -> Preview:
    """Return a preview whose migration never ends."""
    preview = Preview(cluster, "users", number)
    head = build(cluster, "users", commit(), HANGING_MIGRATION)
    cluster.developers.open("acme/users", number, head_sha=head, labels=["preview"])
    until("the migration runs", lambda: migration(cluster, preview) == "running", 120)
    return preview


def migration(cluster: Cluster, preview: Preview) -> str:
    """Return what the container that migrates does, or ""."""
    selector = "labelSelector=app.kubernetes.io/name%3Dapp"
    pods = cluster.kubernetes.list(f"/api/v1/namespaces/{preview.name}/pods?{selector}")
    containers = pods[0]["status"].get("initContainerStatuses", []) if pods else []
    if not containers:
        return ""
    ((state, details),) = containers[0]["state"].items()
    return str(details.get("reason", state))  # running has no reason


def test_closing_while_a_migration_hangs(cluster: Cluster, times: Times) -> None:
    preview = hanging(cluster, 41)
    stopwatch = times.stopwatch("closed while a migration hangs")
    cluster.developers.close("acme/users", 41)
    preview.wait_until_gone(300)
    assert stopwatch.lap("nothing is left") < LIMIT


def test_pushing_while_a_migration_hangs(cluster: Cluster, times: Times) -> None:
    preview = hanging(cluster, 42)
    fixed = build(cluster, "users", commit())
    stopwatch = times.stopwatch("a fix is pushed while a migration hangs")
    cluster.developers.push("acme/users", 42, fixed)
    preview.wait_for_version(fixed, 300)
    assert stopwatch.lap("the public URL answers from the new commit") < LIMIT
    cluster.developers.close("acme/users", 42)


def test_pushing_while_an_image_is_missing(cluster: Cluster, times: Times) -> None:
    preview = Preview(cluster, "users", 43)
    cluster.developers.open("acme/users", 43, head_sha=commit(), labels=["preview"])
    until("the image is missing", lambda: migration(cluster, preview) in {"ErrImagePull", "ImagePullBackOff"}, 120)
    built = build(cluster, "users", commit())
    stopwatch = times.stopwatch("an image that exists is pushed while one is missing")
    cluster.developers.push("acme/users", 43, built)
    preview.wait_for_version(built, 300)
    assert stopwatch.lap("the public URL answers from the new commit") < LIMIT
    cluster.developers.close("acme/users", 43)


def test_a_migration_that_fails_is_mended_by_a_push(cluster: Cluster, times: Times) -> None:
    preview = Preview(cluster, "users", 44)
    head = build(cluster, "users", commit(), FAILING_MIGRATION)
    cluster.developers.open("acme/users", 44, head_sha=head, labels=["preview"])
    until("the migration has failed", lambda: migration(cluster, preview) in {"Error", "CrashLoopBackOff"}, 120)
    fixed = build(cluster, "users", commit())
    stopwatch = times.stopwatch("a fix is pushed after a migration has failed")
    cluster.developers.push("acme/users", 44, fixed)
    preview.wait_for_version(fixed, 300)
    stopwatch.lap("the public URL answers from the new commit")
    cluster.developers.close("acme/users", 44)
