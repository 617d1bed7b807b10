"""GitHub as the tests' fake: changed as people change it, with webhook deliveries as GitHub sends them."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
import yaml

from plugin.sources.file import Organisation, PullRequestEntry, RepositoryEntry
from plugin.sources.github.deliveries import signature
from tests.e2e.layout import DOMAIN
from tests.fakes.github import GitHub
from tests.fakes.github.faults import server_error
from tools.rendering import ROOT

TOKEN = "github-token"
WEBHOOK_SECRET = "secret-of-the-webhook"
WEBHOOK = f"https://hooks.{DOMAIN}/webhooks/github"


def organisation() -> Organisation:
    """Return the demo organisation's repositories, without a pull request."""
    catalog = yaml.safe_load((ROOT / "tests/acme/catalog.yaml").read_text("utf-8"))
    names = {service["repository"] for service in catalog["services"].values()}
    return Organisation(repositories={name: RepositoryEntry() for name in sorted(names)})


class Developers:
    """What people do on GitHub."""

    def __init__(self, github: GitHub, authority: Path) -> None:
        self._github = github
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(authority)

    def open(self, repository: str, number: int, *, head_sha: str, deliver: bool = True, **entry: Any) -> None:
        """Open a pull request; `entry` as in examples/acme/organisation.yaml."""
        content = {"number": number, "branch": f"branch-{number}", "author": "dev", "updated_at": _now()}
        content |= {"head_sha": head_sha, **entry}
        entries = (*self._entries(repository), PullRequestEntry.model_validate(content))
        self._store(repository, *entries)
        if deliver:
            self._deliver(repository, "opened")

    def label(self, repository: str, number: int, *labels: str, deliver: bool = True) -> None:
        self._change(repository, number, labels=labels)
        if deliver:
            self._deliver(repository, "labeled" if labels else "unlabeled")

    def push(self, repository: str, number: int, head_sha: str, config: str | None = None) -> None:
        """Push a commit, with another `.preview.yaml` unless it is None."""
        self._change(repository, number, head_sha=head_sha, **({} if config is None else {"config": config}))
        self._deliver(repository, "synchronize")

    def close(self, repository: str, number: int, state: str = "closed") -> None:
        """Close it; `state` is `closed` or `merged`."""
        self._change(repository, number, state=state)
        self._deliver(repository, "closed")

    def is_open(self, repository: str, number: int) -> bool:
        return any(entry.number == number and entry.state == "open" for entry in self._entries(repository))

    def status(self, repository: str, head_sha: str, context: str) -> tuple[str, str]:
        """Return what a commit status says and where it leads; ("", "") without one."""
        found = self._github.written.status(repository, head_sha, context)
        return (found.state, found.url) if found else ("", "")

    def deployments(self, repository: str, task: str) -> dict[str, str]:
        """Return the commits that were deployed for a task and are not inactive, and what GitHub shows of each."""
        found = self._github.written.deployments
        of_task = [each for each in found if (each.repository, each.task) == (repository, task)]
        return {each.sha: each.state for each in of_task if each.state != "inactive"}

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Let GitHub answer each request with 502."""
        self._github.intercept = server_error(502)
        try:
            yield
        finally:
            self._github.intercept = None

    def _entries(self, repository: str) -> tuple[PullRequestEntry, ...]:
        found = self._github.organisation.repositories.get(repository)
        return found.pull_requests if found else ()

    def _change(self, repository: str, number: int, **changes: Any) -> None:
        entries = self._entries(repository)
        (entry,) = (entry for entry in entries if entry.number == number)
        other = entry.model_copy(update={**changes, "updated_at": datetime.now(UTC)})
        self._store(repository, *(other if entry.number == number else entry for entry in entries))

    def _store(self, repository: str, *entries: PullRequestEntry) -> None:
        repositories = self._github.organisation.repositories | {repository: RepositoryEntry(pull_requests=entries)}
        self._github.organisation = Organisation(repositories=repositories)

    def _deliver(self, repository: str, action: str) -> None:
        """Deliver as GitHub does, once; whoever sees GitHub's list of deliveries sees that it was taken."""
        body = json.dumps({"action": action, "repository": {"full_name": repository}}).encode()
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": "pull_request",
            "X-GitHub-Delivery": str(uuid.uuid4()),
            "X-Hub-Signature-256": signature(WEBHOOK_SECRET, body),
        }
        self._session.post(WEBHOOK, body, headers=headers, timeout=10).raise_for_status()


def _now() -> str:
    return datetime.now(UTC).isoformat()
