"""What happens to a preview between its label and its end; test_peers.py measures these two."""

import pytest

from tests.e2e.cluster.cluster import Cluster
from tests.e2e.cluster.processes import until
from tests.e2e.preview import Preview
from tests.e2e.times import Times

SHARED = pytest.mark.preview("users", 15, config="version: 1\ndataset: minimal\n")


@pytest.mark.usefixtures("opened")  # the previews of the other stories come up meanwhile
def test_a_preview_without_room_waits_for_it_in_a_namespace_that_was_there_before(cluster: Cluster) -> None:
    preview = Preview(cluster, "shop", 17)
    cluster.kubernetes.kubectl("create", "namespace", preview.name)
    cluster.kubernetes.kubectl("create", "quota", "full", "--hard=pods=0", "-n", preview.name)
    preview.open()
    until("Kubernetes says that the quota is exceeded", lambda: "exceeded quota" in preview.events, 60)
    cluster.kubernetes.kubectl("delete", "quota", "full", "-n", preview.name)
    preview.wait()
    preview.close()
    preview.wait_until_gone()


@pytest.mark.preview("shop", 14)
def test_a_frontend_learns_at_its_start_where_it_is(preview: Preview) -> None:
    preview.wait()
    assert '<div id="app">' in preview.page("/")
    assert preview.url in preview.page("/config.js")


@SHARED
def test_a_push_brings_the_new_image_keeps_the_rows_and_is_told_to_github(preview: Preview, times: Times) -> None:
    preview.wait()
    preview.post("/notes", "written before the push")
    until("the worker has answered the note", lambda: len(preview.ask("/notes")["notes"]) == 2, 30)

    pushed = preview.build()
    stopwatch = times.stopwatch("push, with webhook")
    preview.push(pushed)
    preview.wait_for_version(pushed)
    stopwatch.lap("the public URL answers from the new commit")
    preview.wait()
    stopwatch.lap("healthy, smoke test passed")
    until("the commit's status leads to the preview", lambda: preview.status(pushed) == ("success", preview.url))
    stopwatch.lap("the commit's status leads to the preview (Argo CD's notifications)")
    until("only this commit's deployment is open", lambda: preview.deployments == {pushed: "success"})
    texts = [note["text"] for note in preview.ask("/notes")["notes"]]
    assert "written before the push" in texts


@SHARED
def test_a_broken_config_changes_nothing_and_says_where(preview: Preview) -> None:
    before = preview.wait()

    pushed = preview.build()
    preview.push(pushed, config="version: 1\ndataset: [\n")
    preview.wait_for_version(pushed)
    after = preview.wait()
    assert ".preview.yaml" in after.annotations["preview.example.com/config-error"]
    assert after.images["seed"] == before.images["seed"], "the last good file still chooses the dataset"
    assert after.images["seed"].endswith("-min")


@SHARED
def test_another_dataset_is_seeded_and_migrated(preview: Preview) -> None:
    preview.wait()
    few = preview.ask()["rows"]["users"]

    pushed = preview.build()
    preview.push(pushed, config="version: 1\n")
    new = until(f"an answer from {pushed}", lambda: (found := preview.ask()) and found["version"] == pushed and found)
    assert new["rows"]["users"] > few, "the app's new pod has begun with the new data"
    assert new["rows"]["notes_note"] == 0, "and has made its own table there"
    assert not preview.wait().images["seed"].endswith("-min")


@SHARED
def test_a_pause_ends_the_pods_and_a_resume_brings_them_back_with_the_rows(preview: Preview, times: Times) -> None:
    preview.wait()
    preview.post("/notes", "written before the pause")

    stopwatch = times.stopwatch("paused by command")
    preview.pause()
    until("its pods have ended", lambda: not preview.running)
    stopwatch.lap("its pods have ended")
    paused = preview.wait()
    stopwatch.lap("Synced and Healthy")
    assert paused.labels["preview.example.com/state"] == "paused"
    assert preview.ask() is None, "nothing runs behind its public URL"
    assert not preview.running

    stopwatch = times.stopwatch("resumed by command")
    preview.resume()
    until("its public URL answers", preview.ask)
    stopwatch.lap("the public URL answers")
    resumed = preview.wait()
    stopwatch.lap("healthy, smoke test passed")
    assert resumed.labels["preview.example.com/state"] == "active"
    assert "written before the pause" in [note["text"] for note in preview.ask("/notes")["notes"]]


@SHARED
def test_removing_the_label_removes_everything(preview: Preview, times: Times) -> None:
    preview.wait()
    stopwatch = times.stopwatch("label removed, with webhook")
    preview.cluster.developers.label(preview.repository, preview.number)
    preview.timed_end(stopwatch)
    until("no deployment is open", lambda: not preview.deployments)
