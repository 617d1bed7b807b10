"""What developers see: everything together, with Argo CD's notifications, and what stands on GitHub and in Jira."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from plugin.sources.file import Organisation, RepositoryEntry
from tests import acme
from tests.conformance import notifications
from tests.conformance.notifications import Notifications
from tests.conformance.operations import Object
from tests.conformance.stage import Stage, stage
from tests.contract.conftest import pull_request
from tests.fakes.jira import Jira, serve_jira
from tests.server import wait_for

TOKEN = "notifications-token"
CHECK = "preview / Image"
PLAN = {"ready_when": {"check": CHECK}, "pause_after": "12h", "expire_after": "7d"}
BEGINS = datetime(2026, 12, 1, 9, 2, tzinfo=UTC)  # a Tuesday
ARGOCD = "https://argocd.example.com"
COMMAND = ("python", "-m", "tests.conformance.jumping")
PATIENCE = 60.0  # seconds; the plugin writes once a second


@dataclass
class Developers:
    """A company without pull requests, until somebody opens one."""

    stage: Stage
    argocd: Notifications
    jira: Jira
    _clock: Path
    _ahead: timedelta = field(default_factory=lambda: BEGINS - datetime.now(UTC))

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def pass_by(self, **time: float) -> None:
        """Let time pass for GitHub and the plugin."""
        self._ahead += timedelta(**time)
        ahead = self._ahead
        self.stage.github.now = lambda: datetime.now(UTC) + ahead
        new = self._clock.with_suffix(".new")
        new.write_text(str(int(ahead.total_seconds())), "utf-8")
        new.replace(self._clock)  # at once, because the plugin may be reading it

    def open(self, repository: str, number: int, **content: Any) -> None:
        """Open a pull request; its image is built already unless `built` is False."""
        content = {"created_at": self.now, "author": "ada", "title": f"Pull request {number}"} | content
        built = content.pop("built", True)
        entry = pull_request(number, **content)
        self.stage.open(repository, entry)
        if built:
            self.build(repository, entry.head_sha)

    def build(self, repository: str, sha: str) -> None:
        """Let the workflow end that builds the image of a commit."""
        self.stage.github.check(repository, sha, CHECK)

    def push(self, repository: str, number: int, sha: str, **changes: Any) -> None:
        """Push a commit whose image exists already."""
        self.build(repository, sha)
        self.stage.change(repository, number, head_sha=sha, **changes)

    def application(self, name: str) -> Object:
        """Return an Application as Argo CD's ApplicationSet controller has it."""
        return {**self.stage.argocd.applications()[name]}

    def told(self, application: Object) -> None:
        """Let Argo CD's notifications controller see what became of an Application."""
        outcome = self.argocd.process(application)
        assert (outcome.skipped, outcome.errors) == ("", [])

    # --- What stands outside

    def status(self, repository: str, sha: str) -> tuple[str, str, str] | None:
        """Return the commit status with its description and its address."""
        service = repository.partition("/")[2]
        note = self.stage.github.written.status(repository, sha, f"preview/{service}")
        return (note.state, note.description, note.url) if note else None

    def deployments(self, repository: str, number: int) -> list[tuple[str, str, str]]:
        """Return the commits that are deployed, with their state and address: what is not inactive."""
        task = f"preview:{repository.partition('/')[2]}:{number}"
        return [
            (each.sha, each.state, each.notes[-1].url)
            for each in list(self.stage.github.written.deployments)
            if each.task == task and each.state not in {"", "inactive"}
        ]

    def comments(self, repository: str, number: int) -> list[str]:
        """Return our comments on a pull request without the marker."""
        github = self.stage.github
        found = github.written.of(repository, number)
        return [each.body.partition("\n\n")[2].strip() for each in found if each.login == github.login]

    def said(self, repository: str, number: int) -> list[tuple[str, list[str]]]:
        """Return what people have commented, with the reactions to it."""
        github = self.stage.github
        found = github.written.of(repository, number)
        return [(each.body, github.written.reactions_to(each)) for each in found if each.login != github.login]

    def links(self, locator: str) -> list[tuple[str, str, str]]:
        """Return the issues that link to previews of a pull request, with title and summary."""
        identity = f"preview-plugin:{locator}:"
        return [
            (issue, link["object"]["title"], link["object"]["summary"])
            for issue, links in sorted(self.jira.links.items())
            for known, link in links.items()
            if known.startswith(identity)
        ]

    @property
    def writes(self) -> int:
        """How many requests have written something, on GitHub and in Jira."""
        calls = [each.operation for each in list(self.stage.github.log)]
        return sum(bool(re.match("(POST|PATCH|DELETE) /repos/", each)) for each in calls) + len(self.jira.log)

    @property
    def waiting(self) -> float:
        """At how many targets there is something to do."""
        return self.stage.server.metric("preview_reports_waiting")

    def until(self, stands: Any, expected: Any) -> None:
        """Wait until it stands there, and stays when everything may be written again; `stands` returns what stands."""
        with suppress(AssertionError):
            wait_for(lambda: stands() == expected, PATIENCE)
            self.pass_by(minutes=2)
            wait_for(lambda: stands() != expected or not self.waiting, PATIENCE)
        found, waiting = stands(), self.waiting
        assert (found, waiting) == (expected, 0), f"{found}\n\n({waiting} wait) instead of\n\n{expected}"


def catalog(folder: Path, jira: str) -> Path:
    """Write the tests' catalog with reports and a plan."""
    content = yaml.safe_load(acme.CATALOG.read_text("utf-8"))
    content["defaults"]["lifecycle"] = PLAN
    content["services"]["shop"]["lifecycle"] = {"expire_after": "2d"}  # so its calls do not move the end of another one
    content["report"] = {
        "deployments": True, "status": True, "comment": "auto", "jira": {"url": jira, "projects": ["PAY"]}
    }  # fmt: skip
    content["commands"] = True
    path = folder / "catalog.yaml"
    path.write_text(yaml.safe_dump(content), "utf-8")
    return path


@contextmanager
def developers(folder: Path) -> Iterator[Developers]:
    """Start GitHub, Jira, the plugin, and both of Argo CD's controllers."""
    empty = Organisation(repositories=dict.fromkeys(acme.organisation().repositories, RepositoryEntry()))
    clock = folder / "clock"
    clock.write_text(str(int((BEGINS - datetime.now(UTC)).total_seconds())), "utf-8")
    with (
        serve_jira(folder, "PAY") as jira,
        stage(
            folder,
            empty,
            command=COMMAND,
            PREVIEW_CATALOG=str(catalog(folder, jira.url)),
            PREVIEW_NOTIFICATIONS_TOKEN=TOKEN,
            PREVIEW_ARGOCD_URL=ARGOCD,
            CLOCK=str(clock),
            **jira.settings,
        ) as staged,
        notifications.start() as controller,
    ):
        controller.set_secrets(preview_plugin_token=TOKEN)
        controller.install()
        controller.point_at(staged.server.port)
        made = Developers(staged, controller, jira, clock)
        made.pass_by(seconds=0)
        staged.github.roles["ada"] = "write"
        staged.ready()
        yield made
