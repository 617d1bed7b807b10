"""How long a sync may hang, from the files' own values: docs/adr/0011 says why.

A push or a close waits for the sync that runs. So each sync must end soon, and yet an ordinary slow start must succeed,
and a late image must be deployed although nothing syncs it again.
"""

from typing import Any

import pytest
import yaml

from plugin.core.config.durations import parse_duration
from tests.manifests.conftest import Rendered
from tests.manifests.pods import containers, owners
from tools.rendering import ROOT

GOAL = 300  # seconds from a push or a close to its effect, although a sync hangs
AFTERWARDS = 40  # seconds of the next sync, or of the deletion: the first run on a cluster took 27 and 14
SLOW_PULL = 120  # seconds in which an image still counts as ordinary
START = 30  # seconds for a seed, migrations, and an app to become ready
STEP = 8  # seconds that a retry needs until it has seen again what failed: a wave and the hooks
HOOK, WAVE = "argocd.argoproj.io/hook", "argocd.argoproj.io/sync-wave"
SETS = sorted(path.name for path in (ROOT / "applicationsets").glob("*.yaml") if path.name != "kustomization.yaml")


def whole() -> int:
    """Return how long Argo CD lets one sync take, retries included."""
    (path,) = (ROOT / "manifests/argocd").rglob("argocd-cmd-params-cm.yaml")
    return int(yaml.safe_load(path.read_text("utf-8"))["data"]["controller.sync.timeout.seconds"])


def pauses(application_set: str) -> list[float]:
    """Return the seconds before each retry.

    Argo CD counts a retry before it computes the pause, so the first one is already multiplied by the factor:
    https://github.com/argoproj/argo-cd/blob/v3.5.1/controller/appcontroller.go (processRequestedAppOperation)
    """
    template = yaml.safe_load((ROOT / "applicationsets" / application_set).read_text("utf-8"))["spec"]["template"]
    retry: dict[str, Any] = template["spec"]["syncPolicy"]["retry"]
    first, longest = (parse_duration(retry["backoff"][key]).total_seconds() for key in ("duration", "maxDuration"))
    return [min(longest, first * retry["backoff"]["factor"] ** count) for count in range(1, retry["limit"] + 1)]


@pytest.fixture(name="rendered", scope="module")
def _rendered(previews: dict[str, Rendered], forks: dict[str, Rendered]) -> list[Rendered]:
    return [*previews.values(), *forks.values()]


def deadlines(rendered: list[Rendered], kind: str, key: str) -> set[int]:
    return {found["spec"][key] for preview in rendered for found in preview.all(kind)}


def test_a_push_and_a_close_get_through_in_time_whatever_hangs() -> None:
    assert whole() + AFTERWARDS <= GOAL


@pytest.mark.parametrize("application_set", SETS)
def test_what_hangs_is_named_before_the_whole_sync_is_ended(rendered: list[Rendered], application_set: str) -> None:
    """A Deployment that has exceeded its deadline fails each retry at once, and says so."""
    waits = pauses(application_set)

    for deadline in deadlines(rendered, "Deployment", "progressDeadlineSeconds"):
        assert deadline + sum(waits) + STEP * (1 + len(waits)) <= whole()


def test_a_slow_start_succeeds(rendered: list[Rendered]) -> None:
    """Everything starts in one wave, so that slow images are pulled at the same time; then comes the smoke test."""
    (smoke,) = deadlines(rendered, "Job", "activeDeadlineSeconds")
    (deadline,) = deadlines(rendered, "Deployment", "progressDeadlineSeconds")

    assert deadline >= SLOW_PULL + START
    assert whole() >= SLOW_PULL + START + smoke


def test_a_late_image_is_deployed_although_the_sync_has_ended(rendered: list[Rendered]) -> None:
    """Ending a sync deletes its running hooks and applies no later wave, so nothing that may come late is either."""
    for preview in rendered:
        commit = preview.parameters["image"]
        waves = {_wave(found) for found in preview.all("Deployment")}
        assert len(waves) == 1, "each Deployment is applied before anything waits for an image"
        for owner in owners(preview.objects):
            needs_commit = any(container["image"] == commit for container in containers(owner))
            assert not (needs_commit and HOOK in owner["metadata"].get("annotations", {})), owner["metadata"]["name"]
        assert any(
            container["image"] == commit for found in preview.all("Deployment") for container in containers(found)
        )


def test_what_waits_for_other_pods_is_applied_with_them(rendered: list[Rendered]) -> None:
    """What the Deployments need must not come in a later wave, or they would wait for each other."""
    for preview in rendered:
        (wave,) = {_wave(found) for found in preview.all("Deployment")}
        for kind in ("ConfigMap", "Secret", "PersistentVolumeClaim", "Service"):
            for found in preview.all(kind):
                assert _wave(found) <= wave, found["metadata"]["name"]


def _wave(found: dict[str, Any]) -> int:
    return int(found["metadata"].get("annotations", {}).get(WAVE, "0"))
