"""A push or a close gets through although a sync hangs: the plugin ends the sync through Argo CD's API.

By itself Argo CD ends it after four minutes (docs/adr/0011). The goal is 30 seconds; the table shows what it took.
"""

import pytest

from tests.e2e.cluster.processes import until
from tests.e2e.images import FAILING_MIGRATION, HANGING_MIGRATION
from tests.e2e.preview import Preview
from tests.e2e.times import Times

LIMIT = 120  # seconds: half of what Argo CD needs by itself, on a machine however busy


@pytest.mark.preview("users", 41, files=HANGING_MIGRATION)
def test_closing_while_a_migration_hangs(preview: Preview, times: Times) -> None:
    wait_until_it_hangs(preview)
    stopwatch = times.stopwatch("closed while a migration hangs")
    preview.close()
    preview.wait_until_gone(300)
    assert stopwatch.lap("nothing is left") < LIMIT


@pytest.mark.preview("users", 42, files=HANGING_MIGRATION)
def test_pushing_while_a_migration_hangs(preview: Preview, times: Times) -> None:
    wait_until_it_hangs(preview)
    fixed = preview.build()
    stopwatch = times.stopwatch("a fix is pushed while a migration hangs")
    preview.push(fixed)
    preview.wait_for_version(fixed, 300)
    assert stopwatch.lap("the public URL answers from the new commit") < LIMIT


@pytest.mark.preview("users", 43, built=False)
def test_pushing_while_an_image_is_missing(preview: Preview, times: Times) -> None:
    until("the image is missing", lambda: migration(preview) in {"ErrImagePull", "ImagePullBackOff"}, 120)
    built = preview.build()
    stopwatch = times.stopwatch("an image that exists is pushed while one is missing")
    preview.push(built)
    preview.wait_for_version(built, 300)
    assert stopwatch.lap("the public URL answers from the new commit") < LIMIT


@pytest.mark.preview("users", 44, files=FAILING_MIGRATION)
def test_a_migration_that_fails_is_mended_by_a_push(preview: Preview, times: Times) -> None:
    until("the migration has failed", lambda: migration(preview) in {"Error", "CrashLoopBackOff"}, 120)
    fixed = preview.build()
    stopwatch = times.stopwatch("a fix is pushed after a migration has failed")
    preview.push(fixed)
    preview.wait_for_version(fixed, 300)
    stopwatch.lap("the public URL answers from the new commit")


def wait_until_it_hangs(preview: Preview) -> None:
    until(f"the migration of {preview.name} runs", lambda: migration(preview) == "running", 120)


def migration(preview: Preview) -> str:
    """Return what the container that migrates does, or ""."""
    selector = "labelSelector=app.kubernetes.io/name%3Dapp"
    pods = preview.cluster.kubernetes.list(f"/api/v1/namespaces/{preview.name}/pods?{selector}")
    containers = pods[0]["status"].get("initContainerStatuses", []) if pods else []
    if not containers:
        return ""
    ((state, details),) = containers[0]["state"].items()
    return str(details.get("reason", state))  # running has no reason
