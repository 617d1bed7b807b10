"""The plugin without its HTTP side beside a fake GitHub, on whose pull requests people comment."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from plugin.app import Parts, Plugin
from plugin.core.config.threshold import Threshold
from plugin.core.facts.acts import Act, ActKind
from plugin.core.reports.content import Kind
from plugin.core.reports.said import Pages
from plugin.metrics import Metrics
from plugin.mirror.catalog import WatchedCatalog
from plugin.report.github import github_writer
from plugin.report.notebook import Notebook
from plugin.report.opening import open_commands
from plugin.report.reporter import Reporter
from plugin.sources.file import Organisation, PullRequestEntry, RepositoryEntry
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.limiter import LimiterClock
from plugin.sources.github.pygithub import App as Credentials
from plugin.sources.github.pygithub import Token
from plugin.sources.github.reader import GitHubSource
from plugin.sources.github.rest import GitHubRest
from plugin.state import OpenedState
from plugin.state.memory import LocalBoard, MemoryStore
from tests.builders import MONDAY, catalog_text
from tests.contract.report.stage import FatefulOutbox, Lease
from tests.fakes.github import App, GitHub
from tests.fakes.github.written import Comment
from tests.keys import PRIVATE_KEY
from tests.outside import ScriptedMeter, ScriptedRegistry

PLAN = {"expire_after": "7d", "max_age": "30d", "keep": "preview/keep"}
LABELLED, UNLABELLED, FORK = 1, 2, 3
ROLES = {"ada": "write", "grace": "admin", "mae": "maintain", "tri": "triage", "rea": "read"}


def organisation(**given: Any) -> Organisation:
    """Three pull requests of orders, all a day old, and one of payments."""
    ago = (MONDAY - timedelta(days=1)).isoformat()

    def entry(number: int, labels: tuple[str, ...] = ("preview",), **more: Any) -> PullRequestEntry:
        fields = {"number": number, "branch": f"b-{number}", "head_sha": f"{number:040x}", "author": "ada"}
        return PullRequestEntry.model_validate(fields | {"labels": labels, "created_at": ago, "updated_at": ago} | more)

    orders = (entry(LABELLED), entry(UNLABELLED, ()), entry(FORK, fork="eve/orders"))
    return Organisation(
        repositories={
            "acme/orders": RepositoryEntry(pull_requests=orders, **given),
            "acme/payments": RepositoryEntry(pull_requests=(entry(7),)),
        }
    )


@dataclass
class Stage:
    github: GitHub
    file: Path
    now: datetime = MONDAY
    credentials: Token | Credentials | None = None
    outbox: FatefulOutbox = field(default_factory=FatefulOutbox)
    store: MemoryStore = field(default_factory=MemoryStore)
    board: LocalBoard = field(default_factory=LocalBoard)

    def __post_init__(self) -> None:
        self.github.now = lambda: self.now
        self.github.now_of_apps = lambda: datetime.now(UTC)
        self.github.roles |= ROLES
        self.start()
        self.refresh()
        self.reporter.work()
        self.passes(1)  # what is written within the second of the first reading is not obeyed

    # --- The plugin

    def start(self) -> None:
        """Start another process with the same state."""
        credentials = self.credentials or Token(self.github.token)
        clock = LimiterClock(self._steady, self.passes, lambda: self.now)
        self.lease, self.metrics = Lease(), Metrics()
        state = OpenedState(self.store, self.board, self.lease, lambda: None, self.outbox)
        self.plugin: Plugin = Parts(
            source=GitHubSource(GitHubClient(self.github.url, credentials, clock)),
            registry=ScriptedRegistry(),
            meter=ScriptedMeter(),
            catalog=WatchedCatalog(self.file),
            state=state,
            breaker=Threshold(5, 20),
            max_stale=timedelta(hours=1),
            clock=lambda: self.now,
        ).together()
        notebook = Notebook(self.outbox, self.metrics, lambda: self.now, self._steady)
        rest = GitHubRest(self.github.url, credentials, "pull_requests")
        commands = open_commands(rest, state, notebook, Pages())
        writers = {Kind.COMMENT: github_writer(Kind.COMMENT, GitHubRest(self.github.url, credentials, "pull_requests"))}
        self.reporter = Reporter(
            self.plugin.newest.synchronised,
            self.lease,
            self.outbox,
            writers,
            self.metrics,
            lambda: self.now,
            _steady=self._steady,
            _commands=commands,
        )

    def _steady(self) -> float:
        return self.now.timestamp()

    def lose_the_state(self) -> None:
        self.store, self.board = MemoryStore(), LocalBoard()
        self.lose_the_outbox()

    def lose_the_outbox(self) -> None:
        self.outbox = FatefulOutbox()
        self.start()

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def refresh(self) -> None:
        self.plugin.refresher.refresh()

    def work(self) -> bool:
        """Let the reporter look once for something to do; tell whether there was something."""
        before = len(self.github.log), self.outbox.load()
        self.passes(self.reporter.work())
        return before != (len(self.github.log), self.outbox.load())

    def settle(self) -> None:
        """Let everything be read and answered that was said until now."""
        for _ in range(3):
            self.passes(10)
            self.refresh()
            while self.work():
                if self.board.take_hints():
                    self.refresh()
        self.refresh()

    # --- People

    def say(self, body: str, number: int = LABELLED, login: str = "ada") -> Comment:
        """Comment, and let it be answered."""
        found = self.github.comment("acme/orders", number, body, login)
        self.settle()
        return found

    # --- What became of it

    def labels(self, number: int = LABELLED) -> list[str]:
        entries = self.github.organisation.repositories["acme/orders"].pull_requests
        return list(next(each.labels for each in entries if each.number == number))

    def acts(self) -> list[Act]:
        return list(self.store.load().acts.values())

    def kinds(self) -> list[ActKind]:
        return [act.kind for act in self.acts()]

    def replies(self, number: int = LABELLED) -> list[str]:
        """What the plugin commented."""
        mine = {self.github.login, "preview[bot]"}
        return [each.body for each in self.github.written.of("acme/orders", number) if each.login in mine]

    def reactions(self, comment: Comment) -> list[str]:
        return self.github.written.reactions_to(comment)

    def asked(self, begins: str) -> list[str]:
        """Which requests GitHub got that begin like this."""
        return [call.operation for call in self.github.log if call.operation.startswith(begins)]

    def state(self, key: str = "orders/1") -> str:
        found = (each.verdict.state.value for each in self.plugin.newest.synchronised().previews if each.key == key)
        return next(found, "")


@contextmanager
def staged(folder: Path, app: App | None = None, **given: Any) -> Iterator[Stage]:
    """Set the stage; `given` are keys of the catalog, and of the repository acme/orders."""
    services = given.pop("services", {"orders": {"depends_on": ["payments"]}, "payments": {}})
    repository = {key: given.pop(key) for key in ("visibility",) if key in given}
    content = {"commands": True, "defaults": {"lifecycle": PLAN}} | given
    file = folder / "catalog.yaml"
    file.write_text(catalog_text(services, **content), "utf-8")
    with GitHub(organisation(**repository), inside=True, app=app) as github:
        yield Stage(github, file, credentials=Credentials(str(app.id), PRIVATE_KEY) if app else None)


def edit(stage: Stage, **given: Any) -> None:
    """Edit the catalog."""
    content = json.loads(stage.file.read_text("utf-8")) | given
    stage.file.write_text(json.dumps(content), "utf-8")
    stage.refresh()
