"""Pauses, ends, gates and queues: each is one change of one Application, and no field of any other changes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugin.sources.file import Organisation, RepositoryEntry
from tests import acme
from tests.conformance.argocd import Object
from tests.conformance.stage import ORDERS, Stage, differences, stage
from tests.conformance.test_life import NOTICE, Life
from tests.conformance.test_life import PUSHED as DEPLOYED
from tests.contract.conftest import pull_request

CHECK = "preview / Image"
PLAN = {
    "ready_when": {"check": CHECK},
    "pause_after": "12h",
    "expire_after": "7d",
    "warn": "10m",
    "keep": "preview/keep",
}
PULL_REQUESTS = 11  # of the demo organisation that have previews; one of them has two
NAME, OPENED = "preview-orders-12", "preview-orders-20"
STATE = {
    "metadata.annotations.preview.example.com/state",
    "metadata.labels.preview.example.com/state",
    "spec.source.kustomize.components[0]",
    NOTICE,
}
END = {"metadata.annotations.preview.example.com/expires-at", NOTICE}
COMMAND = ("python", "-m", "tests.conformance.jumping")


class Days(Life):
    """Lets time pass for GitHub and the plugin, and takes one step at a time."""

    def __init__(self, staged: Stage, clock: Path) -> None:
        super().__init__(staged)
        self._clock, self._passed = clock, timedelta(0)

    def pass_by(self, **time: float) -> None:
        self._passed += timedelta(**time)
        passed = self._passed
        self.stage.github.now = lambda: datetime.now(UTC) + passed
        new = self._clock.with_suffix(".new")
        new.write_text(str(int(passed.total_seconds())), "utf-8")
        new.replace(self._clock)  # at once, because the plugin may be reading it

    def build(self, sha: str, conclusion: str = "SUCCESS") -> None:
        """Let the workflow end that builds the image of a commit."""
        self.stage.github.check(ORDERS, sha, CHECK, conclusion)

    def push_built(self) -> str:
        """Push a commit whose image exists already, so that no refresh sees one without the other."""
        entries = self.stage.github.organisation.repositories[ORDERS].pull_requests
        (entry,) = (one for one in entries if one.number == 12)
        self.build(f"{int(entry.head_sha, 16) + 1:040x}")
        return self.stage.push()

    def tell(self, *words: str) -> None:
        result = self.stage.run(*words)
        assert result.returncode == 0, result.stderr

    def update(self, name: str = NAME) -> tuple[set[str], Object]:
        """Take a step that changes only this Application; return where it has changed, and what it is now."""
        (change,) = self.step(updated={name}).updated.values()
        return set(differences(*change)), change[1]

    def edit(self, **changes: Any) -> None:
        """Edit the catalog."""
        content = yaml.safe_load(self.stage.catalog.read_text("utf-8"))
        self.stage.catalog.write_text(yaml.safe_dump(content | changes), "utf-8")

    def reason(self, name: str) -> tuple[str, str]:
        """Return the state and the reason that the plugin reports."""
        service, number = name.removeprefix("preview-").rsplit("-", 1)
        (found,) = (
            one
            for one in self.stage.reported()["previews"]
            if one["service"] == service and one["locator"].endswith(f"#{number}")
        )
        return found["state"], found["reason"]


def organisation(opened: datetime) -> Organisation:
    """Return the demo organisation, opened at one time; only one of its previews pauses and ends."""
    made = acme.organisation()
    repositories = {
        name: RepositoryEntry(
            pull_requests=tuple(
                each.model_copy(update={"created_at": opened, "labels": (*each.labels, *_keep(name, each.number))})
                for each in entry.pull_requests
            )
        )
        for name, entry in made.repositories.items()
    }
    return Organisation(repositories=repositories)


def _keep(repository: str, number: int) -> tuple[str, ...]:
    return () if (repository, number) == (ORDERS, 12) else ("preview/keep",)


@pytest.fixture(name="make_days")
def _make_days(tmp_path: Path) -> Iterator[Callable[..., Days]]:
    """Return a function that starts everything with a plan for the life of previews, and keys of the catalog."""
    with ExitStack() as running:

        def make(**catalog: Any) -> Days:
            content = yaml.safe_load(acme.CATALOG.read_text("utf-8"))
            content["defaults"]["lifecycle"] = PLAN
            file, clock = tmp_path / "catalog.yaml", tmp_path / "clock"
            file.write_text(yaml.safe_dump(content | catalog), "utf-8")
            clock.write_text("0", "utf-8")
            opened = datetime.now(UTC) - timedelta(hours=1)
            staged = running.enter_context(
                stage(tmp_path, organisation(opened), command=COMMAND, PREVIEW_CATALOG=str(file), CLOCK=str(clock))
            )
            staged.ready()
            assert len(staged.settle().created) == PULL_REQUESTS + 1
            return Days(staged, clock)

        yield make


def test_a_pause_and_a_resume_change_the_state_of_one_application_and_nothing_else(
    make_days: Callable[..., Days],
) -> None:
    days = make_days()
    before = days.stage.argocd.applications()[NAME]

    days.tell("pause", "orders-12")
    changed, paused = days.update()

    assert changed == STATE
    assert paused["metadata"]["labels"]["preview.example.com/state"] == "paused"
    pods = [one for one in days.stage.rendered(paused) if one["kind"] in {"Deployment", "Job"}]
    assert {one["spec"]["replicas"] for one in pods} == {0}
    assert "paused it at" in days.reason(NAME)[1]

    days.tell("resume", "orders-12")
    changed, resumed = days.update()

    assert changed == STATE
    assert differences(before, resumed) == {}
    assert days.stage.rendered(resumed) == days.stage.rendered(before)


def test_a_preview_that_nobody_uses_sleeps_and_ends_and_a_push_brings_it_back(make_days: Callable[..., Days]) -> None:
    days = make_days()

    days.pass_by(hours=12)
    assert days.update()[0] == STATE

    # A push wakes it, and its end is a week later.
    head = days.push_built()
    changed, awake = days.update()
    assert changed == STATE | DEPLOYED | END
    assert awake["spec"]["source"]["kustomize"]["images"][0].endswith(f":{head}")

    # Its end is announced for ten minutes before it comes.
    days.pass_by(days=6, hours=23, minutes=55)
    changed, asleep = days.update()
    assert STATE <= changed <= STATE | END
    state, reason = days.reason(NAME)
    assert state == "paused"
    assert f"ends at {asleep['metadata']['annotations']['preview.example.com/expires-at']}" in reason
    days.pass_by(minutes=4)
    days.step()
    days.pass_by(minutes=9)
    days.step(deleted={NAME})
    assert days.reason(NAME)[0] == "expired"

    # A restart does not bring it back, but a push does.
    days.stage.start_plugin(remembers=True)
    days.step()
    days.push_built()
    days.step(created={NAME})


def test_nothing_sleeps_or_ends_while_the_clocks_disagree(make_days: Callable[..., Days]) -> None:
    days = make_days()

    days.pass_by(days=30)
    days.stage.github.now = lambda: datetime.now(UTC)
    days.step()

    assert days.reason(NAME)[0] == "active"


def test_an_application_appears_only_once_its_check_has_succeeded(make_days: Callable[..., Days]) -> None:
    days = make_days()
    first, second = "a" * 40, "b" * 40

    days.stage.open(ORDERS, pull_request(20, head_sha=first, created_at=datetime.now(UTC)))
    days.step()
    assert days.reason(OPENED)[0] == "waiting"
    days.build(first, "FAILURE")
    days.step()
    days.build(first)
    created = days.step(created={OPENED}).created[OPENED]
    assert created["spec"]["source"]["kustomize"]["images"][0] == f"app=ghcr.io/acme/orders:{first}"

    # The commit before goes on running until the newer one is ready. The push is an activity, so the end moves.
    days.stage.change(ORDERS, 20, head_sha=second)
    assert days.update(OPENED)[0] == END
    assert days.reason(OPENED)[0] == "active"
    days.build(second)
    changed, updated = days.update(OPENED)
    assert changed == DEPLOYED
    assert updated["spec"]["source"]["kustomize"]["images"][0] == f"app=ghcr.io/acme/orders:{second}"

    # Back to the first commit, which was ready once.
    days.stage.change(ORDERS, 20, head_sha=first)
    changed, updated = days.update(OPENED)
    assert changed == DEPLOYED | END
    assert updated["metadata"]["annotations"]["preview.example.com/deploy-sha"] == first


def test_an_application_appears_once_a_place_is_free_and_a_lower_limit_removes_none(
    make_days: Callable[..., Days],
) -> None:
    days = make_days(limits={"total": PULL_REQUESTS})

    days.stage.open(ORDERS, pull_request(20, created_at=datetime.now(UTC)))
    days.build(f"{20:040x}")
    days.step()
    state, reason = days.reason(OPENED)
    assert (state, "limits.total" in reason) == ("queued", True)

    days.edit(limits={"total": 1})
    days.step()
    days.edit(limits={"total": PULL_REQUESTS})
    days.stage.change("acme/payments", 125, state="closed")
    days.step(deleted={"preview-payments-125"}, created={OPENED})
