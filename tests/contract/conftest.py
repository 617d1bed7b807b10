import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from plugin.app import Parts
from plugin.core.config.threshold import Threshold
from plugin.core.decision.preview import Preview
from plugin.core.facts.model import Snapshot
from plugin.mirror.answers import Answers
from plugin.mirror.catalog import WatchedCatalog
from plugin.mirror.refresh import Refresher, RefreshReport
from plugin.sources import Source
from plugin.sources.file import Organisation, PullRequestEntry, RepositoryEntry
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.limiter import LimiterClock
from plugin.sources.github.pygithub import Token
from plugin.sources.github.reader import GitHubSource
from plugin.state import OpenedState
from plugin.state.memory import LocalBoard, LocalLease, MemoryStore
from tests import acme
from tests.acme import CATALOG
from tests.fakes.github import GitHub
from tests.outside import ScriptedMeter, ScriptedRegistry

ACME = Path("examples/acme")
EVERYTHING = {"acme/backoffice", "acme/orders", "acme/payments", "acme/shop", "acme/users"}


class Time:
    """The real time, plus what a test adds to it."""

    def __init__(self) -> None:
        self._passed = 0.0

    def passes(self, seconds: float) -> None:
        self._passed += seconds

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        return time.monotonic() + self._passed

    @property
    def clock(self) -> LimiterClock:
        return LimiterClock(self.monotonic, self.passes, self.now)


@dataclass
class Plugin:
    """The plugin without its HTTP side, reading a fake GitHub."""

    refresher: Refresher
    answers: Answers
    time: Time

    def refresh(self) -> RefreshReport:
        return self.refresher.refresh()

    def list_again(self) -> RefreshReport:
        """List everything without probing first, as after webhooks."""
        return self.refresher.refresh(EVERYTHING)

    def answer(self) -> bytes:
        return self.answers.parameters({"origin": "any"})

    def previews(self) -> tuple[Preview, ...]:
        return tuple(self.answers.current().previews)

    def preview(self, service: str, number: int) -> Preview:
        (found,) = (p for p in self.previews() if (p.service.name, p.pull_request.number) == (service, number))
        return found

    def snapshot(self) -> Snapshot:
        return self.answers.current().known.snapshot


def make_plugin(client: GitHubClient, catalog: Path = CATALOG) -> Plugin:
    return plugin_of(GitHubSource(client), catalog)


def plugin_of(source: Source, catalog: Path = CATALOG, passing: Time | None = None) -> Plugin:
    passing = passing or Time()
    state = OpenedState(MemoryStore(), LocalBoard(), LocalLease(), lambda: None)
    parts = Parts(
        source=source,
        registry=ScriptedRegistry(),
        meter=ScriptedMeter(),
        catalog=WatchedCatalog(catalog),
        state=state,
        breaker=Threshold(5, 20),
        max_stale=timedelta(hours=1),
        clock=passing.now,
    ).together()
    return Plugin(parts.refresher, parts.answers, passing)


@pytest.fixture(name="organisation")
def _organisation() -> Organisation:
    return acme.organisation()


@pytest.fixture(name="github")
def _github(organisation: Organisation) -> Iterator[GitHub]:
    with GitHub(organisation) as github:
        yield github


@pytest.fixture(name="plugin")
def _plugin(github: GitHub, monkeypatch: pytest.MonkeyPatch) -> Plugin:
    """Return a plugin that shares its clock with GitHub."""
    monkeypatch.setattr("plugin.mirror.answers.FIRST_ANSWER", 0.0)
    passing = Time()
    github.now = passing.now
    source = GitHubSource(GitHubClient(github.url, Token(github.token), passing.clock))
    return plugin_of(source, passing=passing)


def doubts(report: RefreshReport) -> Mapping[str, str]:
    return report.current.known.snapshot.doubts


EditedCatalog = Callable[[str, str], Path]


@pytest.fixture(name="edited_catalog")
def _edited_catalog(tmp_path: Path) -> EditedCatalog:
    """Return a function that writes the demo organisation's catalog with one string replaced by another."""

    def write(old: str, new: str) -> Path:
        text = CATALOG.read_text("utf-8")
        assert old in text
        path = tmp_path / "catalog.yaml"
        path.write_text(text.replace(old, new), "utf-8")
        return path

    return write


def changed(organisation: Organisation, repository: str, number: int, **changes: Any) -> Organisation:
    """Return the organisation with one pull request changed."""
    return with_pull_requests(
        organisation,
        repository,
        *(
            entry.model_copy(update=changes) if entry.number == number else entry
            for entry in organisation.repositories[repository].pull_requests
        ),
    )


def with_pull_requests(organisation: Organisation, repository: str, *entries: PullRequestEntry) -> Organisation:
    """Return the organisation with other pull requests in one repository."""
    repositories = organisation.repositories | {repository: RepositoryEntry(pull_requests=entries)}
    return Organisation(repositories=repositories)


def pull_request(number: int, **content: Any) -> PullRequestEntry:
    defaults = {"number": number, "branch": f"branch-{number}", "head_sha": f"{number:040x}", "labels": ("preview",)}
    return PullRequestEntry.model_validate(defaults | content)


def operations(github: GitHub) -> list[str]:
    """Return the names of the queries since the last call."""
    found = [call.operation for call in github.log]
    github.log.clear()
    return found
