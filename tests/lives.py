"""Previews that live on, as a test tells it: time passes, people act, and each step is stored and answered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from plugin.core.config.catalog import Catalog
from plugin.core.config.references import Locator
from plugin.core.config.threshold import Threshold
from plugin.core.decision.preview import Preview
from plugin.core.decision.wishes import read_wishes
from plugin.core.facts.acts import Act, ActKind
from plugin.core.facts.found import Found
from plugin.core.facts.lives import Life, State
from plugin.core.facts.model import Events, Hold, PullRequest, Repository, Snapshot
from plugin.mirror.advance import advance
from plugin.mirror.current import Current, decided
from plugin.mirror.gather import Gathered
from plugin.state import NOTHING
from tests.builders import MONDAY, make_catalog, make_pull_request, make_repository

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NEXT = "b" * 40  # a newer commit


def asked(number: int = 1, at: datetime = MONDAY, **given: Any) -> PullRequest:
    """A pull request that got its label at a moment, at which its head was pushed, too."""
    events = Events(at, {"preview": at})
    return make_pull_request(number, **{"events": events, "head_seen_at": at, "updated_at": at} | given)


@dataclass(slots=True)
class Lived:
    """Everything that is known at one moment; `after` and `pass_until` let time pass."""

    catalog: Catalog
    now: datetime = MONDAY
    repositories: dict[str, list[PullRequest]] = field(default_factory=dict)
    given: dict[str, dict[str, Any]] = field(default_factory=dict)  # further facts of repositories, by name
    doubts: dict[str, str] = field(default_factory=dict)
    ready: dict[tuple[str, str], bool] = field(default_factory=dict)
    found: Found = field(default_factory=Found)
    agreed: bool = True  # whether our clock and the source's tell the same time
    confirms: bool = True  # whether look-ups show that nothing is newer
    without: set[str] = field(default_factory=set)  # repositories that count as never read
    missed: dict[str, timedelta] = field(default_factory=dict)
    threshold: Threshold = field(default_factory=lambda: Threshold(5, 20))
    current: Current = field(default_factory=lambda: Current(NOTHING, None))

    def put(self, pull_request: PullRequest, repository: str = "acme/orders") -> None:
        """Add a pull request, or replace the one with its number."""
        others = [each for each in self.repositories.get(repository, []) if each.number != pull_request.number]
        self.repositories[repository] = sorted([*others, pull_request], key=lambda each: each.number)

    def remove(self, number: int, repository: str = "acme/orders") -> None:
        """Close a pull request, as the source confirms."""
        self.repositories[repository] = [each for each in self.repositories[repository] if each.number != number]

    def step(self, after: timedelta = timedelta(0)) -> "Lived":
        """Let time pass, refresh, and answer."""
        self.now += after
        self.current = advance(self.current, self.gathered(), self.now, self.threshold).current
        return self

    def pass_time(self, span: timedelta, every: timedelta = HOUR) -> "Lived":
        """Let time pass, with a refresh every hour."""
        until = self.now + span
        while self.now < until:
            self.step(min(every, until - self.now))
        return self

    def edit(self, lifecycle: Mapping[str, Any], services: Mapping[str, Mapping[str, Any]] | None = None) -> "Lived":
        """Edit the catalog, and refresh."""
        self.catalog = make_catalog(services or {"orders": {}}, defaults={"lifecycle": lifecycle})
        return self.step()

    def push(self, number: int = 1, sha: str = NEXT, repository: str = "acme/orders") -> "Lived":
        """Push a commit, which is seen at once."""
        known = next(each for each in self.repositories[repository] if each.number == number)
        self.put(replace(known, head_sha=sha, head_seen_at=self.now, updated_at=self.now), repository)
        return self.step()

    def act(self, kind: ActKind, key: str = "orders/1", by: str = "ada", until: datetime | None = None) -> None:
        """Tell the plugin something, as a command does."""
        act = Act(kind, key, by, self.now, asked_at=self.life(key).asked_at, until=until)
        self._store(act)

    def acknowledge(self) -> None:
        """Acknowledge the newest catalog."""
        self._store(Act(ActKind.ACKNOWLEDGE, self.catalog.fingerprint, "ada", self.now))

    def restart(self) -> None:
        """Load what is stored, as another process does."""
        self.current = decided(self.current.known)

    def life(self, key: str = "orders/1") -> Life:
        """What is remembered of a preview."""
        return next(lives[key] for lives in self.current.known.lives.values() if key in lives)

    def preview(self, key: str = "orders/1") -> Preview:
        """A preview, live or not."""
        return next(preview for preview in self.current.previews if preview.key == key)

    def state(self, key: str = "orders/1") -> State:
        """The state of a preview."""
        return self.preview(key).verdict.state

    @property
    def states(self) -> Mapping[str, str]:
        """The state of every preview."""
        return {preview.key: preview.verdict.state.value for preview in self.current.previews}

    def _store(self, act: Act) -> None:
        known = self.current.known
        acts = {**known.acts, (act.kind, act.subject): act}
        self.current = replace(self.current, known=replace(known, acts=acts))

    def _repository(self, name: str) -> Repository:
        """The same object as before, if nothing has changed."""
        made = make_repository(name, *self.repositories.get(name, []), **self.given.get(name, {}))
        known = self.current.known.snapshot.repositories.get(name)
        return known if known == made and _seen(known) == _seen(made) else made

    def gathered(self) -> Gathered:
        """What a refresh gathers now."""
        known = self.current.known
        catalog = known.catalog if known.catalog and known.catalog.text == self.catalog.text else self.catalog
        read = {**catalog.repositories, **(known.catalog.repositories if known.catalog else {})}
        snapshot = Snapshot({name: self._repository(name) for name in read if name not in self.without}, self.doubts)
        due = [
            Locator(name, int(key.partition("/")[2]))
            for name, lives in known.lives.items()
            for key, life in lives.items()
            if life.state.live and life.announced and life.ends_at and life.ends_at <= self.now
        ]
        found = replace(self.found, ready=self.ready, nothing_newer=frozenset(due if self.confirms else ()))
        wishes = read_wishes(catalog, snapshot.repositories, self.current.wishes(catalog))
        stamp = self.now if self.agreed else None
        return Gathered(
            catalog,
            may_take_effect=not self.without,
            snapshot=snapshot,
            gone={},
            fresh=True,
            wishes=wishes,
            stamp=stamp,
            missed=self.missed,
            found=found,
        )


def _seen(repository: Repository) -> list[datetime | None]:
    return [pull_request.head_seen_at for pull_request in repository.pull_requests]


def lived(services: Mapping[str, Mapping[str, Any]] | None = None, **given: Any) -> Lived:
    """The first answer, given long ago, when there was no pull request; `given` are further keys of the catalog."""
    catalog = make_catalog(services or {"orders": {}}, **given)
    return Lived(catalog, MONDAY - 30 * DAY).step()


def with_plan(lifecycle: Mapping[str, Any], services: Mapping[str, Mapping[str, Any]] | None = None) -> Lived:
    """The same with a plan for all services."""
    return lived(services, defaults={"lifecycle": lifecycle})


def begun(lifecycle: Mapping[str, Any], **given: Any) -> Lived:
    """A plan, and a pull request that got its label a moment ago."""
    story = with_plan(lifecycle)
    story.now = MONDAY
    story.put(asked(**given))
    return story.step()


def _doubt_clock(story: Lived) -> None:
    story.agreed = False


def _doubt_repository(story: Lived) -> None:
    story.doubts = {"acme/orders": "no answer"}


def _doubt_pull_request(story: Lived) -> None:
    story.given = {"acme/orders": {"held": {1: Hold("it is no longer listed")}}}


def _doubt_traffic(story: Lived) -> None:
    story.found = Found(traffic_in_doubt=True)


# Everything while which time changes nothing for the first pull request of orders.
DOUBTS: Mapping[str, Callable[[Lived], None]] = {
    "the clock": _doubt_clock,
    "its repository": _doubt_repository,
    "itself": _doubt_pull_request,
    "traffic": _doubt_traffic,
}


def trust(story: Lived) -> None:
    """End every doubt."""
    story.agreed, story.doubts, story.given, story.found = True, {}, {}, Found()
