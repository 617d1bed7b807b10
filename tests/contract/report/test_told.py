"""Argo CD tells the real server what became of a preview, and its developers read it on GitHub."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from plugin.core.config.messages import timestamp
from plugin.report.reporter import TICK
from plugin.sources.file import Organisation, RepositoryEntry
from plugin.state.sqlite import HEAD_MAX_AGE
from tests.builders import catalog_text
from tests.contract.conftest import changed
from tests.contract.report.stage import REPORT, entry, sha
from tests.contract.test_acts import Beside
from tests.fakes.github import GitHub
from tests.server import Server, serve, wait_for

TOKEN = "notifications-token"
URL = "https://orders-1.preview.example.com"
APPLICATION = "https://argocd.example.com/applications/preview-orders-1"
PHASES = {
    "deploying": ("Running", "Progressing"),
    "ready": ("Succeeded", "Healthy"),
    "failed": ("Failed", "Missing"),
    "degraded": ("Succeeded", "Degraded"),
    "gone": ("Deleting", "Healthy"),
}


@dataclass
class Told:
    """A server, the GitHub that it reads and writes, and Argo CD, which has begun some operations."""

    server: Server
    github: GitHub
    beside: Beside
    began: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30))

    def says(self, state: str, commit: str, message: str = "") -> None:
        """Let Argo CD report on an operation; each that deploys is a new one."""
        if state in ("deploying", "gone"):
            self.began += timedelta(minutes=1)
        self.repeats(state, commit, self.began, message)

    def repeats(self, state: str, commit: str, began: datetime, message: str = "") -> None:
        phase, health = PHASES[state]
        said = {"application": "preview-orders-1", "sha": commit, "started_at": timestamp(began), "sync": "Synced"}
        body = json.dumps(said | {"health": health, "phase": phase, "message": message}).encode()
        answer = self.server.ask("POST", "/webhooks/argocd", body, TOKEN)
        assert (answer.status, answer.json) == (202, {"message": "accepted"})

    def push(self, commit: str) -> None:
        self.github.organisation = changed(
            self.github.organisation, "acme/orders", 1, head_sha=commit, updated_at=datetime.now(UTC)
        )
        self.wait([*self.deployments(), (commit, "queued")])

    def deployments(self) -> list[tuple[str, str]]:
        """Each deployment that is not over, or has failed."""
        found = list(self.github.written.deployments)
        return [(each.sha, each.state) for each in found if each.state != "inactive"]

    def wait(self, deployments: list[tuple[str, str]], status: tuple[str, str, str] | None = None) -> None:
        """Wait until GitHub shows these deployments, and this status on the newest commit."""
        wait_for(lambda: self.deployments() == deployments)
        if status:
            wait_for(lambda: self.status(deployments[-1][0]) == status)

    def status(self, commit: str) -> tuple[str, str, str] | None:
        note = self.github.written.status("acme/orders", commit, "preview/orders")
        return (note.state, note.description, note.url) if note else None

    def writes(self) -> int:
        return len([call for call in list(self.github.log) if call.operation.startswith("POST /repos")])


@contextmanager
def told(folder: Path, **given: str) -> Iterator[Told]:
    (folder / "catalog.yaml").write_text(catalog_text({"orders": {}}, report=REPORT), "utf-8")
    times = dict.fromkeys(("created_at", "updated_at"), datetime.now(UTC) - timedelta(hours=1))
    pull_request = entry(1, **times)
    organisation = Organisation(repositories={"acme/orders": RepositoryEntry(pull_requests=(pull_request,))})
    with GitHub(organisation) as github:
        settings = {
            "PREVIEW_CATALOG": str(folder / "catalog.yaml"),
            "PREVIEW_GITHUB_URL": github.url,
            "PREVIEW_GITHUB_TOKEN": github.token,
            "PREVIEW_STATE": f"sqlite:{folder}/state.db",
            "PREVIEW_NOTIFICATIONS_TOKEN": TOKEN,
            "PREVIEW_ARGOCD_URL": "https://argocd.example.com",
            "PREVIEW_REFRESH": "1h",
        } | given
        with serve(folder, **settings) as server:
            story = Told(server, github, Beside(server, settings))
            story.wait([(sha(1), "queued")], ("pending", "This commit is not deployed yet", APPLICATION))
            yield story
        assert github.broken == []


def test_a_report_is_noticed_within_two_seconds() -> None:
    assert TICK + HEAD_MAX_AGE < 2


def test_a_newer_commit_that_fails_leaves_the_older_one_active(tmp_path: Path) -> None:
    with told(tmp_path, PREVIEW_REFRESH="1s") as story:
        story.says("deploying", sha(1))
        story.wait([(sha(1), "in_progress")])
        story.says("ready", sha(1))
        story.wait([(sha(1), "success")], ("success", "The preview works", URL))
        assert story.github.written.deployments[0].notes[-1].url == URL

        story.push(sha(2))
        story.says("failed", sha(2), "Job/migrate: it failed")
        why = "The sync failed: Job/migrate: it failed"
        story.wait([(sha(1), "success"), (sha(2), "failure")], ("failure", why, APPLICATION))

        story.says("deploying", sha(2))  # Argo CD tries again, and it works
        story.wait([(sha(1), "success"), (sha(2), "in_progress")])
        story.says("ready", sha(2))
        story.wait([(sha(2), "success")], ("success", "The preview works", URL))
        assert story.status(sha(1)) == ("success", "The preview works", URL)


def test_what_becomes_of_a_preview_is_told_without_a_refresh_and_nothing_else(tmp_path: Path) -> None:
    works = ("success", "The preview works", URL)
    with told(tmp_path) as story:
        refreshes = story.server.metric("preview_refresh_seconds_count")
        story.says("deploying", sha(1))
        story.says("ready", sha(1))
        story.wait([(sha(1), "success")], works)
        first = story.began

        story.says("degraded", sha(1), "Deployment/app: it crashes")
        why = "It is deployed, but unhealthy: Deployment/app: it crashes"
        story.wait([(sha(1), "failure")], ("failure", why, APPLICATION))
        story.says("ready", sha(1))
        story.wait([(sha(1), "success")], works)
        story.says("gone", sha(1))  # somebody deleted the Application, and Argo CD makes it anew
        story.wait([(sha(1), "queued")], ("pending", "This commit is not deployed yet", APPLICATION))
        story.says("deploying", sha(1))
        story.says("ready", sha(1))
        story.wait([(sha(1), "success")], works)

        written = story.writes()
        for state in ("failed", "degraded", "gone"):
            story.repeats(state, sha(1), first)  # late
            story.repeats(state, sha(9), first)  # of a commit that nobody has
        story.says("ready", sha(1))  # again
        for act in ("pause", "resume"):
            assert story.beside.run(act, "acme/orders#1").returncode == 0
            replicas = "0" if act == "pause" else "1"
            wait_for(lambda wanted=replicas: story.beside.parameters()["replicas"] == wanted)  # type: ignore[misc]
            story.says("deploying", sha(1))
            story.says("ready", sha(1))
        with pytest.raises(AssertionError, match="waited in vain"):
            wait_for(lambda: story.writes() > written, 3 * (TICK + HEAD_MAX_AGE))
        assert story.server.metric("preview_reports_waiting") == 0
        assert story.server.metric("preview_refresh_seconds_count") == refreshes


def test_what_was_first_deployed_asleep_is_a_success_once_it_was_woken(tmp_path: Path) -> None:
    with told(tmp_path) as story:
        assert story.beside.run("pause", "acme/orders#1").returncode == 0
        wait_for(lambda: story.beside.parameters()["replicas"] == "0")
        story.says("deploying", sha(1))
        story.says("ready", sha(1))
        asleep = "It was deployed while asleep; whether it works will show once it wakes up"
        story.wait([(sha(1), "queued")], ("pending", asleep, APPLICATION))

        assert story.beside.run("resume", "acme/orders#1").returncode == 0
        wait_for(lambda: story.beside.parameters()["replicas"] == "1")
        story.says("deploying", sha(1))
        story.says("ready", sha(1))
        story.wait([(sha(1), "success")], ("success", "The preview works", URL))
        assert story.server.metric("preview_request_to_ready_seconds_count") == 1


def test_without_the_token_a_warning_says_that_nobody_tells(tmp_path: Path) -> None:
    (tmp_path / "catalog.yaml").write_text(catalog_text({"orders": {}}, report=REPORT), "utf-8")
    organisation = Organisation(repositories={"acme/orders": RepositoryEntry(pull_requests=(entry(1),))})
    with GitHub(organisation) as github:
        settings = {"PREVIEW_CATALOG": str(tmp_path / "catalog.yaml"), "PREVIEW_GITHUB_URL": github.url}
        with serve(tmp_path, **settings, PREVIEW_GITHUB_TOKEN=github.token) as server:
            wait_for(lambda: len(github.written.deployments) == 1)

            def lines() -> list[str]:
                return [line for line in server.log.read_text("utf-8").splitlines() if "asks for reports" in line]

            (line,) = map(json.loads, lines())
            assert (
                line["event"]
                == "the catalog asks for reports, but Argo CD cannot tell the plugin that a preview is ready"
            )
            assert "PREVIEW_NOTIFICATIONS_TOKEN" in line["needs"]
