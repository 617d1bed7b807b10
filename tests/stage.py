"""A mirror whose source says what the test wrote down."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from plugin.core.model import Elsewhere, PullRequest, Repository
from plugin.core.references import Locator
from plugin.mirror.catalog import WatchedCatalog
from plugin.mirror.refresh import Mirror, RefreshReport
from plugin.sources import Doubt, Usage, Wanted
from plugin.state.memory import MemoryStore
from tests.builders import catalog_text, make_repository


@dataclass
class ScriptedSource:
    """Says what the test wrote down; every repository that is not in `listed` is doubtful."""

    listed: dict[str, list[PullRequest]] = field(default_factory=dict)
    elsewhere: dict[Locator, Elsewhere] = field(default_factory=dict)
    asked: list[dict[str, set[str]]] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)

    def read(self, wanted: Sequence[Wanted]) -> dict[str, Repository | Doubt]:
        self.asked.append({repository.name: set(repository.labels) for repository in wanted})
        self.usage.requests += 2
        self.usage.points += 1
        return {repository.name: self._reading(repository) for repository in wanted}

    def look_up(self, locators: Collection[Locator]) -> dict[Locator, Elsewhere]:
        return {locator: self.elsewhere[locator] for locator in locators if locator in self.elsewhere}

    def _reading(self, wanted: Wanted) -> Repository | Doubt:
        if wanted.name not in self.listed:
            return Doubt("no answer")
        return make_repository(wanted.name, *self.listed[wanted.name], labels=wanted.labels)


class Clock:
    """One second passes between two looks at it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@dataclass
class Stage:
    """A mirror between a scripted source and a catalog that can be edited."""

    path: Path
    source: ScriptedSource
    mirror: Mirror
    reports: list[RefreshReport]

    def write_catalog(self, services: Mapping[str, Mapping[str, Any]]) -> None:
        self.path.write_text(catalog_text(services), "utf-8")

    def titles(self) -> dict[str, list[str]]:
        """Answer what is known of each repository of the catalog in force."""
        catalog, known = self.mirror.known()
        return {
            name: [pull_request.title for pull_request in known.snapshot.repositories[name].pull_requests]
            for name in catalog.repositories
        }


def make_stage(tmp_path: Path) -> Stage:
    """Orders, which calls payments; nothing was read yet."""
    path = tmp_path / "catalog.yaml"
    path.write_text(catalog_text({"orders": {"depends_on": ["payments"]}, "payments": {}}), "utf-8")
    source = ScriptedSource({"acme/orders": [], "acme/payments": []})
    reports: list[RefreshReport] = []
    mirror = Mirror(source, MemoryStore(), WatchedCatalog(path), Clock(), reports.append)
    return Stage(path, source, mirror, reports)
