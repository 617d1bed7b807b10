"""A mirror whose source says what the test wrote down."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from plugin.app import Parts
from plugin.core.config.catalog import Catalog
from plugin.core.config.references import Locator
from plugin.core.config.threshold import Threshold
from plugin.core.facts.acts import Act, ActKind
from plugin.core.facts.model import LookUp, PullRequest, Repository
from plugin.mirror.answers import Answers
from plugin.mirror.catalog import WatchedCatalog
from plugin.mirror.current import Current
from plugin.mirror.newest import Newest
from plugin.mirror.refresh import Refresher, RefreshReport
from plugin.sources import CheckQuestion, Doubt, Usage, Wanted
from plugin.state import Known, OpenedState, Store
from plugin.state.memory import LocalBoard, LocalLease, MemoryStore
from tests.builders import catalog_text, make_look_up, make_repository
from tests.outside import ScriptedMeter, ScriptedRegistry


@dataclass
class ScriptedSource:
    """Says what the test wrote down; every repository that is not in `listed` is doubtful."""

    listed: dict[str, list[PullRequest]] = field(default_factory=dict)
    elsewhere: dict[Locator, LookUp] = field(default_factory=dict)
    looked_up: list[Locator] = field(default_factory=list)
    asked: list[dict[str, set[str]]] = field(default_factory=list)
    newest: dict[Locator, tuple[str, ...]] = field(default_factory=dict)  # commits; those of others are unreadable
    succeeded: dict[str, bool] = field(default_factory=dict)  # checks, by commit; those of others are unreadable
    walked: list[Locator] = field(default_factory=list)
    questions: list[CheckQuestion] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    ahead: timedelta | None = timedelta(0)

    def read(self, wanted: Sequence[Wanted]) -> dict[str, Repository | Doubt]:
        self.asked.append({repository.name: set(repository.labels) for repository in wanted})
        self.usage.requests += 2
        self.usage.points += 1
        return {repository.name: self._reading(repository) for repository in wanted}

    def look_up(self, locators: Sequence[Locator], known: Mapping[str, Repository]) -> dict[Locator, LookUp]:
        assert {locator.repository for locator in locators} <= set(known)
        self.looked_up += locators
        return {locator: self.elsewhere[locator] for locator in locators if locator in self.elsewhere}

    def commits(
        self, locators: Sequence[Locator], known: Mapping[str, Repository]
    ) -> Mapping[Locator, tuple[str, ...]]:
        assert {locator.repository for locator in locators} <= set(known)
        self.walked += locators
        return {locator: self.newest[locator] for locator in locators if locator in self.newest}

    def checks(
        self, questions: Sequence[CheckQuestion], known: Mapping[str, Repository]
    ) -> Mapping[CheckQuestion, bool]:
        assert {question.repository for question in questions} <= set(known)
        self.questions += questions
        return {each: self.succeeded[each.sha] for each in questions if each.sha in self.succeeded}

    def close(self, repository: str, number: int, state: str = "closed") -> None:
        """Take a pull request out of the listing and say, if asked for it, that it is closed."""
        self.listed[repository] = [known for known in self.listed[repository] if known.number != number]
        self.elsewhere[Locator(repository, number)] = make_look_up(state)

    def _reading(self, wanted: Wanted) -> Repository | Doubt:
        if wanted.name not in self.listed:
            return Doubt("no answer")
        return make_repository(wanted.name, *self.listed[wanted.name], labels=wanted.labels)


class Clock:
    """One second passes between two looks at it, unless it is told otherwise."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 9, tzinfo=UTC)
        self.step = timedelta(seconds=1)

    def __call__(self) -> datetime:
        self.now += self.step
        return self.now


@dataclass
class Stage:
    """A mirror between a scripted source and a catalog that can be edited."""

    path: Path
    source: ScriptedSource
    refresher: Refresher
    answers: Answers
    newest: Newest
    state: OpenedState
    clock: Clock
    reports: list[RefreshReport]
    registry: ScriptedRegistry
    meter: ScriptedMeter

    def write_catalog(self, services: Mapping[str, Mapping[str, Any]]) -> None:
        self.path.write_text(catalog_text(services), "utf-8")

    def refresh(self, only: Collection[str] | None = None) -> RefreshReport:
        return self.refresher.refresh(only)

    def current(self) -> Current:
        """Return everything that is known, decided. Raises NotReady."""
        return self.answers.current()

    def catalog(self) -> Catalog:
        """Return the catalog in force. Raises NotReady."""
        catalog = self.current().known.catalog
        assert catalog
        return catalog

    def titles(self) -> dict[str, list[str]]:
        """Return what is known of each repository of the catalog in force."""
        repositories = self.known().snapshot.repositories
        return {
            name: [pull_request.title for pull_request in repositories[name].pull_requests]
            for name in self.catalog().repositories
        }

    def answer(self, **parameters: Any) -> list[str]:
        """Return the names that an input gets. Raises NotReady or InvalidRequest."""
        return [one["name"] for one in json.loads(self.answers.parameters(parameters))]

    def known(self) -> Known:
        """Return everything that is known."""
        return self.current().known

    def acknowledge(self, fingerprint: str) -> None:
        """Say that what a catalog removes is meant."""
        self.state.store.act(Act(ActKind.ACKNOWLEDGE, fingerprint, "ada", self.clock()))

    def restarted(self) -> "Stage":
        """A new process with the same state, source and catalog."""
        return _stage(self.path, self.source, self.state, self.clock)

    def beside(self, path: Path) -> "Stage":
        """Another replica, with a copy of the catalog's file."""
        path.write_text(self.path.read_text("utf-8"), "utf-8")
        return _stage(path, self.source, self.state, self.clock)


def make_stage(tmp_path: Path, store: Store | None = None) -> Stage:
    """Orders, which calls payments; nothing was read yet."""
    path = tmp_path / "catalog.yaml"
    path.write_text(catalog_text({"orders": {"depends_on": ["payments"]}, "payments": {}}), "utf-8")
    source = ScriptedSource({"acme/orders": [], "acme/payments": []})
    return _stage(path, source, OpenedState(store or MemoryStore(), LocalBoard(), LocalLease(), lambda: None), Clock())


def _stage(path: Path, source: ScriptedSource, state: OpenedState, clock: Clock) -> Stage:
    reports: list[RefreshReport] = []
    registry, meter = ScriptedRegistry(), ScriptedMeter()
    plugin = Parts(
        source=source,
        registry=registry,
        meter=meter,
        catalog=WatchedCatalog(path),
        state=state,
        breaker=Threshold(5, 20),
        max_stale=timedelta(hours=1),
        clock=clock,
        observers=[reports.append],
    ).together()
    plugin.refresher.refreshed_once.set()  # nobody waits for a refresh that no thread makes
    return Stage(path, source, plugin.refresher, plugin.answers, plugin.newest, state, clock, reports, registry, meter)
