"""A push or a close gets through although a sync hangs: the plugin ends the sync through Argo CD's API.

By itself Argo CD ends it after four minutes (docs/adr/0011). The goal is 30 seconds; the table shows what it took.
"""

import pytest

from tests.e2e.cluster import argocd
from tests.e2e.cluster.cluster import Cluster
from tests.e2e.cluster.processes import until
from tests.e2e.commits import commit
from tests.e2e.images import FAILING_MIGRATION, HANGING_MIGRATION
from tests.e2e.preview import Preview
from tests.e2e.times import Stopwatch, Times

LIMIT = 60  # seconds: twice the goal, because the machine may be busy


@pytest.fixture(scope="module", autouse=True)
def server(cluster: Cluster) -> None:
    """The plugin ends syncs through Argo CD's server, which is ready later than the rest."""
    argocd.wait(cluster.kubernetes)


PUSHED = pytest.mark.preview("users", 42, files=HANGING_MIGRATION)


@pytest.mark.preview("users", 41, files=HANGING_MIGRATION)
def test_closing_while_a_migration_hangs(preview: Preview, times: Times) -> None:
    wait_until_it_hangs(preview)
    stopwatch = times.stopwatch("closed while a migration hangs")
    preview.close()
    preview.wait_until_gone(300)
    assert stopwatch.lap("nothing is left") < LIMIT


@PUSHED
def test_pushing_while_a_migration_hangs(preview: Preview, times: Times) -> None:
    wait_until_it_hangs(preview)
    push_what_works(preview, times.stopwatch("a fix is pushed while a migration hangs"))


@PUSHED
def test_pushing_while_an_image_is_missing(preview: Preview, times: Times) -> None:
    preview.wait()
    preview.push(commit())
    until("Kubernetes says that the image is missing", lambda: "ErrImagePull" in preview.events, 120)
    push_what_works(preview, times.stopwatch("an image that exists is pushed while one is missing"))


@PUSHED
def test_a_migration_that_fails_is_mended_by_a_push(preview: Preview, times: Times) -> None:
    preview.wait()
    preview.push(preview.build(FAILING_MIGRATION))
    until("the migration has failed", lambda: "division by zero" in logs(preview), 120, every=1)
    push_what_works(preview, times.stopwatch("a fix is pushed after a migration has failed"))


def push_what_works(preview: Preview, stopwatch: Stopwatch) -> None:
    fixed = preview.build()
    preview.push(fixed)
    preview.wait_for_version(fixed, 300)
    assert stopwatch.lap("the public URL answers from the new commit") < LIMIT


def wait_until_it_hangs(preview: Preview) -> None:
    until(f"the migration of {preview.name} runs", lambda: "running" in migrations(preview), 120)
    application = preview.application
    assert application
    assert application.phase == "Running", "Argo CD has ended the sync by itself"


def logs(preview: Preview) -> str:
    """Return what the containers that migrate have said last; the newest may have said nothing yet."""
    command = ["logs", "-n", preview.name, "-l", "app.kubernetes.io/name=app", "-c", "migrate", "--tail=20"]
    return preview.cluster.kubernetes.kubectl(*command, check=False)


def migrations(preview: Preview) -> set[str]:
    """Return the states of the containers that migrate: one in each of the app's pods."""
    selector = "labelSelector=app.kubernetes.io/name%3Dapp"
    pods = preview.cluster.kubernetes.list(f"/api/v1/namespaces/{preview.name}/pods?{selector}")
    containers = [one for pod in pods for one in pod["status"].get("initContainerStatuses", [])]
    return {state for one in containers if one["name"] == "migrate" for state in one["state"]}
