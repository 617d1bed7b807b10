"""The fake GitHub of the simulation: it says what the truth is, unless there is trouble."""

from collections.abc import Callable
from datetime import timedelta

from plugin.core.reports.content import Kind
from plugin.report.github import PERMISSIONS, github_writer
from plugin.report.writing import Writer
from plugin.sources import Source
from plugin.sources.file import Organisation, RepositoryEntry
from plugin.sources.github.client import GitHubClient
from plugin.sources.github.limiter import LimiterClock
from plugin.sources.github.pygithub import Token
from plugin.sources.github.reader import GitHubSource
from plugin.sources.github.rest import GitHubRest
from tests.fakes.github import GitHub, Intercept, Request, Response
from tests.fakes.github.world import Changes
from tests.faults.trouble import SILENCE, Trouble
from tests.faults.truth import Clock, Truth

PUBLIC = frozenset({"acme/shop", "acme/users"})
REPORTS = ("/user/", "/deployments/", "/statuses/", "/comments/")


class Told:
    """The truth as the real source can read it."""

    def __init__(self, truth: Truth, trouble: Trouble, on_request: Callable[[], None]) -> None:
        self._truth = truth
        self._trouble = trouble
        self._on_request = on_request
        self._clock = truth.clock
        self.words = [self._clock.now]  # whenever GitHub said something useful, by its own clock
        self._heard = [self._clock.of_replicas()]  # and by that of the plugin, as it was set then
        self.operation = ""  # that somebody asks for at the moment
        self.on_report: Intercept = lambda _: None  # what requests meet that write, or read what was written
        self._github = GitHub(Organisation(repositories={}), inside=True)
        self.written = self._github.written
        self._github.now = lambda: self._clock.now
        self._github.intercept = self._intercept
        truth.on_change = self._change
        self._change()

    def source(self) -> Source:
        """Make the source of a new process."""
        client = GitHubClient(self._github.url, Token(self._github.token), _limiter_clock(self._clock))
        return GitHubSource(client)

    def writers(self) -> dict[Kind, Writer]:
        """Make what a new process writes with."""
        credentials = Token(self._github.token)
        return {
            kind: github_writer(kind, GitHubRest(self._github.url, credentials, permission))
            for kind, permission in PERMISSIONS.items()
        }

    def spoke_within(self, span: timedelta) -> bool:
        """Tell whether the plugin may believe that GitHub has said something lately, by the plugin's own clock.

        All words count, because a clock that was set back and then mended makes the newest one look older than others.
        """
        now = self._clock.of_replicas()
        return any(abs(now - at) <= span for at in reversed(self._heard))

    def close(self) -> None:
        """Stop; a failure of the fake itself would have proved nothing."""
        self._github.close()
        assert not self._github.broken, "\n".join(self._github.broken)

    def _intercept(self, request: Request) -> Response | None:
        if not request.graphql and any(part in f"{request.path}/" for part in REPORTS):
            return self.on_report(request)
        self.operation = request.operation
        self._on_request()
        name = self._trouble.met()
        if name not in SILENCE:
            self.words.append(self._clock.now)
            self._heard.append(self._clock.of_replicas())
        return self._trouble.fault(name)(request) if name else None

    def _change(self) -> None:
        truth = self._truth
        repositories = {name: truth.repository(name) for name in truth.generations}
        organisation = {
            name: RepositoryEntry.model_construct(
                pull_requests=tuple(facts[-1].entry for facts in repository.pulls.values()),
                visibility="public" if name in PUBLIC else "private",
            )
            for name, repository in repositories.items()
        }
        hidden = {
            (name, number)
            for name, repository in repositories.items()
            for number, facts in repository.pulls.items()
            if facts[-1].hidden
        }
        labels = {
            (name, label): [label_id for _, label_id in ids]
            for name, repository in repositories.items()
            for label, ids in repository.labels.items()
        }
        changes = Changes(
            renamed=truth.renamed,
            recreated={name: repository.generation for name, repository in repositories.items()},
            deleted=frozenset(truth.invisible),
            deleted_labels=frozenset(key for key, ids in labels.items() if not ids[-1]),
            new_labels={key: len([label_id for label_id in ids if label_id]) for key, ids in labels.items()},
            hidden=frozenset(hidden),
            suites=dict(truth.suites),
        )
        self._github.change(Organisation.model_construct(repositories=organisation), changes)


def _limiter_clock(clock: Clock) -> LimiterClock:
    start = clock.now

    def monotonic() -> float:
        return (clock.now - start).total_seconds()

    return LimiterClock(monotonic, clock.pass_by, clock.of_replicas)
