"""Source file: an organisation described in one YAML file, for the demo, for tests and for trying a catalog offline."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from plugin.core.config.names import folded
from plugin.core.config.references import Locator
from plugin.core.config.strict_yaml import Limits
from plugin.core.config.validation import FileModel, parse_yaml, validate
from plugin.core.facts.model import ConfigFile, Events, LookUp, PullRequest, PullRequestState, Repository
from plugin.errors import InvalidFile
from plugin.sources import CheckQuestion, Doubt, Usage, Wanted

LONG_AGO = datetime(2026, 11, 1, 9, tzinfo=UTC)
MOST_COMMITS = 10  # of one pull request, as GitHub is asked for
LIMITS = Limits(bytes=16 * 1024 * 1024, nodes=1_000_000)  # the user's own file: only a guard against accidents


Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]


class PullRequestEntry(FileModel):
    """One pull request as the file describes it; `config` is the text of its `.preview.yaml`."""

    number: int = Field(ge=1)
    title: str = ""
    branch: str
    target_branch: str = "main"
    head_sha: Sha
    author: str = "ghost"
    labels: tuple[str, ...] = ()
    draft: bool = False
    fork: str = ""  # the fork's name, for example mallory/orders
    state: Literal["open", "closed", "merged"] = "open"
    created_at: AwareDatetime = LONG_AGO
    labelled_at: dict[str, AwareDatetime] = Field(
        default_factory=dict
    )  # by label; it has the others since it was created
    reopened_at: AwareDatetime | None = None  # or marked as ready for review
    commits: tuple[Sha, ...] = ()  # those before the head, the newest first
    succeeded: dict[str, tuple[Sha, ...]] = Field(default_factory=dict)  # by the name of a check: its commits
    updated_at: AwareDatetime = LONG_AGO
    body: str = ""
    config: str | None = None

    @property
    def events(self) -> Events:
        """When people did something with it."""
        known = {folded(label): at for label, at in self.labelled_at.items()}
        return Events(
            self.created_at,
            {label: known.get(label, self.created_at) for label in map(folded, self.labels)},
            self.reopened_at,
        )


def _numbers_differ(entries: tuple[PullRequestEntry, ...]) -> tuple[PullRequestEntry, ...]:
    seen = set()
    for entry in entries:
        if entry.number in seen:
            raise ValueError(f"two pull requests have the number {entry.number}")
        seen.add(entry.number)
    return entries


class RepositoryEntry(FileModel):
    """One repository as the file describes it."""

    default_branch: str = "main"
    visibility: Literal["public", "internal", "private"] = "private"
    pull_requests: Annotated[tuple[PullRequestEntry, ...], AfterValidator(_numbers_differ)] = ()


class Organisation(FileModel):
    """The whole file: repositories by name (`acme/orders`), and the images that exist in any registry."""

    repositories: dict[str, RepositoryEntry]
    images: frozenset[str] = frozenset()


def load_organisation(path: Path) -> Organisation:
    """Read the file. Raises InvalidFile with every mistake in it, or OSError."""
    return validate(Organisation, parse_yaml(path.read_text("utf-8"), str(path), LIMITS), str(path))


class FileSource:
    """Reads the file again at each refresh, so that it can be edited while the plugin runs."""

    ahead = timedelta(0)  # it has no other clock than ours

    def __init__(self, path: Path) -> None:
        self.usage = Usage()
        self._path = path
        self._organisation: Organisation | None = None  # as it was read last; None: it cannot be read

    def read(self, wanted: Sequence[Wanted]) -> dict[str, Repository | Doubt]:
        """Read each repository, or say what is wrong with the file."""
        self._organisation = None
        try:
            self._organisation = load_organisation(self._path)
        except FileNotFoundError:
            missing = Doubt(f"there is no file {self._path}, which PREVIEW_SOURCE names")
            return {repository.name: missing for repository in wanted}
        except (InvalidFile, OSError, UnicodeDecodeError) as error:
            return {repository.name: Doubt(str(error)) for repository in wanted}
        return {repository.name: self._repository(repository) for repository in wanted}

    def look_up(self, locators: Sequence[Locator], known: Mapping[str, Repository]) -> dict[Locator, LookUp]:  # noqa: ARG002  a file's names never change hands
        """Return what the file says about each pull request."""
        return {locator: self._look_up(locator) for locator in locators} if self._organisation else {}

    def commits(
        self,
        locators: Sequence[Locator],
        known: Mapping[str, Repository],  # noqa: ARG002  as above
    ) -> dict[Locator, tuple[str, ...]]:
        """Return the commits of those pull requests that the file has."""
        entries = ((locator, self._pull_request(locator)) for locator in locators)
        return {locator: (entry.head_sha, *entry.commits)[:MOST_COMMITS] for locator, entry in entries if entry}

    def checks(
        self,
        questions: Sequence[CheckQuestion],
        known: Mapping[str, Repository],  # noqa: ARG002  as above
    ) -> dict[CheckQuestion, bool]:
        """Tell which checks have succeeded. The file does not say which app they belong to, so every app's count."""
        entries = ((question, self._entry(question.repository)) for question in questions)
        return {
            question: any(question.sha in each.succeeded.get(question.check, ()) for each in entry.pull_requests)
            for question, entry in entries
            if entry
        }

    def exist(self, images: Sequence[str]) -> dict[str, bool]:
        """Tell which images the file has, so that it is a `Registry`, too."""
        return {image: image in self._organisation.images for image in images} if self._organisation else {}

    def _repository(self, wanted: Wanted) -> Repository | Doubt:
        entry = self._entry(wanted.name)
        if entry is None:
            return Doubt(f"{self._path} does not list this repository")
        asked = {folded(label) for label in wanted.labels}
        found = [
            _pull_request(pull_request)
            for pull_request in sorted(entry.pull_requests, key=lambda pull_request: pull_request.number)
            if pull_request.state == "open" and (not asked or not asked.isdisjoint(map(folded, pull_request.labels)))
        ]
        return Repository(
            wanted.name,
            f"https://github.com/{wanted.name}",
            entry.default_branch,
            wanted.labels,
            tuple(found),
            public=entry.visibility == "public",
        )

    def _look_up(self, locator: Locator) -> LookUp:
        now, entry = datetime.now(UTC), self._pull_request(locator)
        if entry is None:
            return LookUp(PullRequestState.MISSING, now)
        return LookUp(
            state=PullRequestState(entry.state),
            answered_at=now,
            updated_at=entry.updated_at,
            draft=entry.draft,
            labels=frozenset(entry.labels),
            target_branch=entry.target_branch,
            head_sha=entry.head_sha,
            settled=True,  # the file is read as a whole
        )

    def _pull_request(self, locator: Locator) -> PullRequestEntry | None:
        repository = self._entry(locator.repository) or RepositoryEntry()
        return next((entry for entry in repository.pull_requests if entry.number == locator.number), None)

    def _entry(self, name: str) -> RepositoryEntry | None:
        """Find a repository however its name is spelt, as GitHub does."""
        repositories = self._organisation.repositories if self._organisation else {}
        exactly = repositories.get(name)
        if exactly is not None:
            return exactly
        return next((entry for known, entry in repositories.items() if folded(known) == folded(name)), None)


def _pull_request(entry: PullRequestEntry) -> PullRequest:
    return PullRequest(
        number=entry.number,
        title=entry.title,
        author=entry.author,
        branch=entry.branch,
        target_branch=entry.target_branch,
        head_sha=entry.head_sha,
        draft=entry.draft,
        fork=bool(entry.fork),
        labels=entry.labels,
        updated_at=entry.updated_at,
        body=entry.body,
        config=None if entry.config is None or entry.fork else ConfigFile(entry.config),
        events=entry.events,
    )
