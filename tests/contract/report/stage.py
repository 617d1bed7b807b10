"""Reporters that write to a fake GitHub about what the test says is known, by a clock of the test's own."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from plugin.core.commands.answer import Note
from plugin.core.config.catalog import Catalog
from plugin.core.facts.deployments import Deployed, Reported, with_report
from plugin.core.facts.lives import Lives
from plugin.core.facts.model import Snapshot
from plugin.core.reports.budget import Budget
from plugin.core.reports.content import Kind, Target
from plugin.core.reports.said import Pages
from plugin.core.reports.steps import Standing
from plugin.metrics import Metrics
from plugin.mirror.current import Current, decided
from plugin.report.github import PERMISSIONS, github_writer
from plugin.report.reporter import Reporter
from plugin.sources.file import Organisation, PullRequestEntry, RepositoryEntry
from plugin.sources.github.pygithub import App, Token
from plugin.sources.github.rest import GitHubRest
from plugin.state import Head, Known, Outdated
from plugin.state.outbox import MemoryOutbox, Outbox, Sent
from tests.builders import MONDAY, make_catalog, make_pull_request, make_repository
from tests.fakes.github import GitHub, Request

if TYPE_CHECKING:
    from plugin.report.writing import Writer

REPORT = {"deployments": True, "status": True, "comment": "auto"}
SERVICES: Mapping[str, Mapping[str, Any]] = {"orders": {"depends_on": ["payments"]}, "payments": {}}
LINKED = "version: 1\ndependencies: {payments: pr:7}\n"


class Killed(BaseException):
    """The process dies at once: no `except Exception` sees it."""


@dataclass
class FatefulOutbox:
    """An outbox whose process can die before or after it keeps something."""

    inside: Outbox = field(default_factory=MemoryOutbox)
    dies: Callable[[str], bool] = lambda _: False  # gets "before" or "after"
    polls: Callable[[], bool] = lambda: True  # whether the replica that writes still polls

    def load(self) -> Sent:
        return self.inside.load()

    def keep(self, budget: Budget, target: Target, standing: Standing | None) -> None:
        with self._fate():
            self.inside.keep(budget, target, standing)

    def keep_note(self, budget: Budget, key: str, note: Note | None) -> None:
        with self._fate():
            self.inside.keep_note(budget, key, note)

    def keep_since(self, budget: Budget, since: datetime | None) -> None:
        with self._fate():
            self.inside.keep_since(budget, since)

    @contextmanager
    def _fate(self) -> Iterator[None]:
        if not self.polls():
            raise Outdated("another replica polls now")
        if self.dies("before"):
            raise Killed
        yield
        if self.dies("after"):
            raise Killed


@dataclass
class Replica:
    reporter: Reporter
    lease: "Lease"
    metrics: Metrics


@dataclass
class Lease:
    held: bool = True

    def compete(self) -> None:
        """It is the test's."""


@dataclass
class Stage:
    github: GitHub
    outbox: FatefulOutbox
    catalog: Catalog
    credentials: Token | App
    now: datetime = MONDAY
    reported: dict[str, tuple[Reported, ...]] = field(default_factory=dict)
    lives: Lives = field(default_factory=dict)
    gone: dict[str, Any] = field(default_factory=dict)  # histories
    asked: list[str] = field(default_factory=list)  # the requests of all reporters
    told: bool = True  # whether PREVIEW_NOTIFICATIONS_TOKEN is set
    _current: Current | None = None

    def __post_init__(self) -> None:
        self.github.now = lambda: self.now
        self.replica = self.start()

    # --- What is known

    def know(self, **given: Any) -> None:
        """Let everybody know what GitHub's organisation is like now."""
        repositories = {}
        for name, entry in self.github.organisation.repositories.items():
            found = [_pull_request(each) for each in entry.pull_requests if each.state == "open"]
            repositories[name] = make_repository(name, *found, public=entry.visibility == "public")
        known = Known(
            Head(1, self.now),
            self.catalog,
            Snapshot(repositories | given.pop("repositories", {})),
            reported=self.reported,
            lives=self.lives,
            histories=self.gone,
        )
        self._current = decided(known, self._current.decision if self._current else None)

    def forgets(self, repository: str) -> None:
        """Let the state lose a repository, as if it had never been read."""
        known = self.newest().known
        left = {name: each for name, each in known.snapshot.repositories.items() if name != repository}
        self._current = decided(replace(known, snapshot=replace(known.snapshot, repositories=left)))

    def newest(self) -> Current:
        if self._current is None:
            self.know()
        assert self._current
        return self._current

    def change(self, number: int, repository: str = "acme/orders", **changes: Any) -> None:
        """Change a pull request on GitHub, or open it."""
        organisation = self.github.organisation
        entries = {each.number: each for each in organisation.repositories[repository].pull_requests}
        before = entries.get(number) or entry(number)
        entries[number] = before.model_copy(update=changes)
        self.set_repository(repository, pull_requests=tuple(entries.values()))

    def set_repository(self, repository: str = "acme/orders", **changes: Any) -> None:
        organisation = self.github.organisation
        repositories = dict(organisation.repositories)
        repositories[repository] = repositories[repository].model_copy(update=changes)
        self.github.organisation = Organisation(repositories=repositories)
        self.know()

    def argocd_says(self, state: str, sha: str, name: str = "preview-orders-1", message: str = "") -> None:
        """Let Argo CD report on a commit of a preview."""
        report = Reported(Deployed(state), sha, message, self.now, self.now, reachable=state == "ready")
        self.reported = {**self.reported, name: with_report(self.reported.get(name, ()), report)}
        self.know()

    # --- Who writes

    def start(self) -> Replica:
        """Start another process."""
        metrics, lease = Metrics(), Lease()
        writers: dict[Kind, Writer] = {
            kind: github_writer(kind, GitHubRest(self.github.url, self.credentials, permission))
            for kind, permission in PERMISSIONS.items()
        }
        pages = Pages("https://argocd.example.com")
        reporter = Reporter(
            self.newest, lease, self.outbox, writers, metrics, lambda: self.now, pages, self.told, self._steady
        )
        return Replica(reporter, lease, metrics)

    def _steady(self) -> float:
        return self.now.timestamp()

    def restart(self) -> None:
        self.replica = self.start()

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def work(self) -> list[str]:
        """Let the reporter look once for something to do; return its requests. Time passes as it waits."""
        self.github.log.clear()
        try:
            self.passes(self.replica.reporter.work())
        finally:
            asked = [call.operation for call in self.github.log if call.operation != "GET /user"]
            self.asked += asked
        return asked

    def settle(self, hours: float = 3.0) -> list[str]:
        """Let it work until nothing is left to do; return its requests."""
        end, before = self.now + timedelta(hours=hours), len(self.asked)
        while self.now < end:
            self.work()
            if self.waiting == 0:
                return self.asked[before:]
        raise AssertionError(f"{self.waiting} targets wait: {self.asked[-5:]}")

    @property
    def waiting(self) -> float:
        return self.replica.metrics.registry.get_sample_value("preview_reports_waiting") or 0.0

    # --- What stands on GitHub

    def comments(self, number: int = 1) -> list[str]:
        mine = {self.github.login, "preview[bot]"}
        return [each.body for each in self.github.written.of("acme/orders", number) if each.login in mine]

    def status(self, sha: str, context: str = "preview/orders") -> tuple[str, str, str] | None:
        note = self.github.written.status("acme/orders", sha, context)
        return (note.state, note.description, note.url) if note else None

    def deployments(self, task: str = "preview:orders:1") -> list[tuple[str, str]]:
        """Each deployment that is not inactive, with its state."""
        found = self.github.written.deployments
        return [(each.sha, each.state) for each in found if each.task == task and each.state != "inactive"]


def entry(number: int, **given: Any) -> PullRequestEntry:
    defaults = {
        "number": number,
        "branch": f"b-{number}",
        "head_sha": sha(number),
        "labels": ("preview",),
        "author": "ada",
    }
    return PullRequestEntry.model_validate(defaults | given)


def sha(number: int) -> str:
    return f"{number:07x}" + "0" * 33


def organisation() -> Organisation:
    return Organisation(
        repositories={
            "acme/orders": RepositoryEntry(pull_requests=(entry(1),)),
            "acme/payments": RepositoryEntry(pull_requests=(entry(7, head_sha=sha(700)),)),
        }
    )


@contextmanager
def staged(credentials: Token | App | None = None, **given: Any) -> Iterator[Stage]:
    """Set the stage; `given` are keys of the catalog, or of the fake GitHub."""
    catalog = make_catalog(SERVICES, report=given.pop("report", REPORT))
    with GitHub(organisation(), **given) as github:
        yield Stage(github, FatefulOutbox(), catalog, credentials or Token(github.token))


def _pull_request(found: PullRequestEntry) -> Any:
    return make_pull_request(
        found.number,
        title=found.title,
        branch=found.branch,
        head_sha=found.head_sha,
        labels=found.labels,
        fork=bool(found.fork),
        draft=found.draft,
        author=found.author,
        body=found.body,
        config=None if found.fork else found.config,
    )


def lost(fault: Callable[[Request], bool]) -> Callable[[Request], Any]:
    """GitHub does what it is asked for, and its answer is lost."""

    def intercept(request: Request) -> Any:
        if not fault(request):
            return None
        response = request.answer()
        return replace(response, cut=0)

    return intercept


def is_write(request: Request) -> bool:
    return request.method in {"POST", "PATCH", "DELETE"} and "/repos/" in request.path
