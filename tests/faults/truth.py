"""The truth about every pull request, from the first moment to now: what GitHub would say if it never failed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from plugin.sources.file import PullRequestEntry
from tests.fakes.github.checks import ACTIONS, CheckSuite, with_run

LAG = timedelta(seconds=8)  # GitHub's answers can be older than this by no more
CHECK = "preview / Image"
COMMITS = 9  # of a pull request, before its head, that GitHub is asked for


class Clock:
    """GitHub's time, which nothing sets back. `skew` is how far the clocks of the replicas are from it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 9, tzinfo=UTC)
        self.set_at: list[datetime] = []  # when somebody set the clocks of the replicas
        self._skew = timedelta(0)

    @property
    def skew(self) -> timedelta:
        return self._skew

    @skew.setter
    def skew(self, skew: timedelta) -> None:
        if skew != self._skew:
            self.set_at.append(self.now)
        self._skew = skew

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def monotonic(self) -> float:
        """Seconds that nothing sets, neither back nor forward."""
        return self.now.timestamp()

    def of_replicas(self) -> datetime:
        return self.now + self.skew


@dataclass(frozen=True, slots=True)
class Fact:
    """What is true of a pull request from a moment on, until the next fact about it."""

    at: datetime
    entry: PullRequestEntry
    hidden: bool = False  # its author is flagged as a spammer: as if it had never been

    @property
    def updated_at(self) -> datetime:
        return self.entry.updated_at


@dataclass(slots=True)
class Repository:
    """One repository. Deleted and made again under the same name, it is another one."""

    name: str  # that the catalog knows
    generation: int
    pulls: dict[int, list[Fact]] = field(default_factory=dict)
    labels: dict[str, list[tuple[datetime, str]]] = field(default_factory=dict)  # ids; "" after it was deleted

    def at(self, moment: datetime) -> dict[int, Fact]:
        """Every pull request that could be seen at a moment."""
        found = {number: _at(facts, moment) for number, facts in self.pulls.items()}
        return {number: fact for number, fact in found.items() if fact and not fact.hidden}

    def label_id(self, label: str, moment: datetime) -> str:
        ids = [label_id for since, label_id in self.labels.get(label, []) if since <= moment]
        return ids[-1] if ids else f"{label} of {self.name} {self.generation}"


def _at(facts: list[Fact], moment: datetime) -> Fact | None:
    for fact in reversed(facts):
        if fact.at <= moment:
            return fact
    return None


class Truth:
    """All repositories by the names that catalogs use. Whatever changes here changes at `clock.now`."""

    def __init__(self, clock: Clock, repositories: tuple[str, ...]) -> None:
        self.clock = clock
        self.generations: dict[str, list[Repository]] = {name: [Repository(name, 0)] for name in repositories}
        self.renamed: dict[str, str] = {}  # by its first name: what it is called now
        self.invisible: set[str] = set()  # private or deleted, or the token may see it no more
        self.files: dict[str, str] = {}  # commit: the text of .preview.yaml, which never changes
        self.hidden_from: dict[str, list[tuple[datetime, bool]]] = {}  # when a repository could be read, and when not
        self.suites: dict[tuple[str, str], tuple[CheckSuite, ...]] = {}  # of checks, by repository and commit
        self.succeeded: set[str] = set()  # commits whose check has succeeded at least once
        self.succeeded_now: set[str] = set()  # those whose newest check has
        self.images: set[tuple[str, str]] = set()  # those that were pushed, by service and commit
        self.on_change: Callable[[], None] = lambda: None
        self._commits = 0
        self._labels = 0
        self._runs = 0

    def repository(self, name: str) -> Repository:
        return self.generations[name][-1]

    def newest(self, name: str, number: int) -> Fact:
        return self.repository(name).pulls[number][-1]

    def all(self) -> Iterator[tuple[str, int, Fact]]:
        """Every pull request as it is now, hidden ones too."""
        for name in sorted(self.generations):
            for number, facts in sorted(self.repository(name).pulls.items()):
                yield name, number, facts[-1]

    def commit(self, config: str | None = None) -> str:
        """Make a commit."""
        self._commits += 1
        sha = f"{self._commits:040x}"
        if config is not None:
            self.files[sha] = config
        return sha

    def open(self, name: str, **given: Any) -> int:
        """Open a pull request."""
        pulls = self.repository(name).pulls
        number = len(pulls) + 1
        entry = PullRequestEntry(
            **{"number": number, "title": f"pull request {number}", "branch": f"branch-{number}", "author": "ada"}
            | {"head_sha": self.commit(), "updated_at": self._second(), "created_at": self._second()}
            | {"labelled_at": dict.fromkeys(given.get("labels", ()), self._second())}
            | given
        )
        pulls[number] = [Fact(self.clock.now, self._with_config(entry))]
        self.on_change()
        return number

    def change(self, name: str, number: int, *, touch: bool = True, **changes: Any) -> None:
        """Change a pull request; not everything that changes one moves its `updatedAt`."""
        fact = self.newest(name, number)
        moved = {"updated_at": self._second()} if touch else {}
        changes |= moved | self._events(fact.entry, changes) | self._commits_before(name, number, changes)
        self._add(name, number, replace(fact, entry=self._with_config(fact.entry.model_copy(update=changes))))

    def hide(self, name: str, number: int, *, hidden: bool) -> None:
        self._add(name, number, replace(self.newest(name, number), hidden=hidden))

    def delete_label(self, name: str, label: str) -> None:
        """Delete a label of the repository, which takes it from every pull request, silently."""
        self.repository(name).labels.setdefault(label, []).append((self.clock.now, ""))
        for number, facts in self.repository(name).pulls.items():
            labels = facts[-1].entry.labels
            if label in labels:
                left = tuple(other for other in labels if other != label)
                self.change(name, number, touch=False, labels=left)
        self.on_change()

    def create_label(self, name: str, label: str) -> None:
        """Make sure that the repository has this label."""
        repository = self.repository(name)
        if not repository.label_id(label, self.clock.now):
            self._labels += 1
            repository.labels[label].append((self.clock.now, f"{label} again {self._labels}"))
            self.on_change()

    def check(self, name: str, sha: str, conclusion: str | None) -> None:
        """Run the check of a commit; None: it still runs."""
        self._runs += 1
        before = self.suites.get((name, sha), ())
        self.suites[name, sha] = with_run(before, self._runs, CHECK, conclusion, ACTIONS, again=False)
        self.succeeded_now.discard(sha)
        if conclusion == "SUCCESS":
            self.succeeded.add(sha)
            self.succeeded_now.add(sha)
        self.on_change()

    def was_readable(self, name: str, since: datetime, until: datetime) -> bool:
        """Tell whether a repository could be read at some moment of a span of time."""
        changes = [(at, visible) for at, visible in self.hidden_from.get(name, []) if at <= until]
        before = [visible for at, visible in changes if at <= since]
        return any(visible for at, visible in changes if at > since) or (before[-1] if before else True)

    def recreate(self, name: str) -> None:
        """Delete the repository and make another one of the same name, without any pull requests."""
        self.generations[name].append(Repository(name, len(self.generations[name])))
        self.on_change()

    def rename(self, name: str, new: str) -> None:
        """Rename it, or back."""
        self.renamed = {**self.renamed, name: new}
        if name == new:
            del self.renamed[name]
        self._note_visibility(name)
        self.on_change()

    def show(self, name: str, *, visible: bool) -> None:
        """Let the token see it, or not."""
        self.invisible = self.invisible - {name} if visible else self.invisible | {name}
        self._note_visibility(name)
        self.on_change()

    def _note_visibility(self, name: str) -> None:
        visible = name not in self.invisible and name not in self.renamed
        self.hidden_from.setdefault(name, []).append((self.clock.now, visible))

    def _events(self, before: PullRequestEntry, changes: dict[str, Any]) -> dict[str, Any]:
        """Note when labels were added, and when it was reopened or marked as ready for review."""
        events: dict[str, Any] = {}
        if new := set(changes.get("labels", ())) - set(before.labels):
            events["labelled_at"] = {**before.labelled_at, **dict.fromkeys(sorted(new), self._second())}
        reopened = before.state != "open" and changes.get("state") == "open"
        if reopened or (before.draft and changes.get("draft") is False):
            events["reopened_at"] = self._second()
        return events

    def _commits_before(self, name: str, number: int, changes: dict[str, Any]) -> dict[str, Any]:
        """Note which commits it has: those until the head of a push, and of a force-push those that it had then."""
        head, facts = changes.get("head_sha"), self.repository(name).pulls[number]
        if head is None or head == facts[-1].entry.head_sha:
            return {}
        older = next((fact.entry.commits for fact in facts if fact.entry.head_sha == head), None)
        before = facts[-1].entry
        return {"commits": (before.head_sha, *before.commits)[:COMMITS] if older is None else older}

    def _add(self, name: str, number: int, fact: Fact) -> None:
        self.repository(name).pulls[number].append(replace(fact, at=self.clock.now))
        self.on_change()

    def _second(self) -> datetime:
        return self.clock.now.replace(microsecond=0)

    def _with_config(self, entry: PullRequestEntry) -> PullRequestEntry:
        return entry.model_copy(update={"config": self.files.get(entry.head_sha)})
