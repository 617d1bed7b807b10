"""From the label to a working preview, and from its end until nothing is left."""

import pytest

from tests.e2e.cluster.cluster import Cluster
from tests.e2e.cluster.processes import until
from tests.e2e.commits import build, commit
from tests.e2e.preview import Preview
from tests.e2e.times import Times


@pytest.mark.parametrize("number", [11, 12, 13])
def test_a_label_brings_a_preview_and_closing_removes_everything(cluster: Cluster, times: Times, number: int) -> None:
    preview = Preview(cluster, "users", number)
    version = build(cluster, "users", commit())
    cluster.developers.open("acme/users", number, head_sha=version)
    stopwatch = times.stopwatch("label, with webhook")
    cluster.developers.label("acme/users", number, "preview")
    preview.timed_rise(stopwatch)
    assert preview.ask()["version"] == version
    assert preview.ask()["rows"]["users"] > 0, "the database is seeded"

    stopwatch = times.stopwatch("close, with webhook")
    cluster.developers.close("acme/users", number)
    preview.timed_end(stopwatch)


def test_without_a_webhook_the_next_refresh_sees_the_label(cluster: Cluster, times: Times) -> None:
    preview = Preview(cluster, "shop", 14)
    cluster.developers.open("acme/shop", 14, head_sha=build(cluster, "shop", commit()), deliver=False)
    stopwatch = times.stopwatch("label, without webhook (refresh every 30 s)")
    cluster.developers.label("acme/shop", 14, "preview", deliver=False)
    preview.timed_rise(stopwatch)
    cluster.developers.close("acme/shop", 14)


def test_a_push_brings_the_new_image_and_keeps_the_rows(cluster: Cluster, times: Times) -> None:
    preview = Preview(cluster, "users", 15)
    cluster.developers.open("acme/users", 15, head_sha=build(cluster, "users", commit()), labels=["preview"])
    preview.wait()
    preview.post("/notes", "written before the push")
    until("the worker has answered the note", lambda: len(preview.ask("/notes")["notes"]) == 2, 30)

    pushed = build(cluster, "users", commit())
    stopwatch = times.stopwatch("push, with webhook")
    cluster.developers.push("acme/users", 15, pushed)
    preview.wait_for_version(pushed)
    stopwatch.lap("the public URL answers from the new commit")
    preview.wait()
    stopwatch.lap("healthy, smoke test passed")
    texts = [note["text"] for note in preview.ask("/notes")["notes"]]
    assert "written before the push" in texts

    stopwatch = times.stopwatch("label removed, with webhook")
    cluster.developers.label("acme/users", 15)
    preview.timed_end(stopwatch)


def test_a_broken_config_changes_nothing_and_says_where(cluster: Cluster) -> None:
    preview = Preview(cluster, "users", 16)
    head = build(cluster, "users", commit())
    cluster.developers.open(
        "acme/users", 16, head_sha=head, labels=["preview"], config="version: 1\ndataset: minimal\n"
    )
    before = preview.wait()

    pushed = build(cluster, "users", commit())
    cluster.developers.push("acme/users", 16, pushed, config="version: 1\ndataset: [\n")
    preview.wait_for_version(pushed)
    after = preview.wait()
    assert ".preview.yaml" in after.annotations["preview.example.com/config-error"]
    assert after.images["seed"] == before.images["seed"], "the last good file still chooses the dataset"
    assert after.images["seed"].endswith("-min")
    cluster.developers.close("acme/users", 16)


def test_a_namespace_that_is_there_already_is_used_and_removed(cluster: Cluster) -> None:
    preview = Preview(cluster, "shop", 17)
    cluster.kubernetes.kubectl("create", "namespace", preview.name)
    cluster.developers.open("acme/shop", 17, head_sha=build(cluster, "shop", commit()), labels=["preview"])
    preview.wait()
    cluster.developers.close("acme/shop", 17)
    preview.wait_until_gone()


def test_a_preview_without_room_waits_for_it(cluster: Cluster) -> None:
    preview = Preview(cluster, "shop", 18)
    cluster.kubernetes.kubectl("create", "namespace", preview.name)
    cluster.kubernetes.kubectl("create", "quota", "full", "--hard=pods=0", "-n", preview.name)
    cluster.developers.open("acme/shop", 18, head_sha=build(cluster, "shop", commit()), labels=["preview"])
    until(
        "Kubernetes says that the quota is exceeded",
        lambda: "exceeded quota" in cluster.kubernetes.kubectl("get", "events", "-n", preview.name),
        60,
    )
    cluster.kubernetes.kubectl("delete", "quota", "full", "-n", preview.name)
    preview.wait()
    cluster.developers.close("acme/shop", 18)
    preview.wait_until_gone()
