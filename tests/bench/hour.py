"""One simulated hour with a change each minute: what it costs to know them, and how old they are by then.

Nobody waits: each request lets as much time pass as GitHub would take for it, and GitHub refuses what is more than an
hour's 5,000 points or requests.
"""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Protocol

from github import RateLimitExceededException

from plugin.mirror.hints import Hints
from tests.bench import company, naive
from tests.bench.simulated import LATENCY, QUIET, Simulation, settled
from tests.bench.table import Row
from tests.fakes.github import Request
from tests.fakes.github.limits import HOURLY

HOUR = 3600.0  # seconds
EACH_MINUTE, WITH_WEBHOOKS = timedelta(minutes=1), timedelta(minutes=5)  # between two refreshes
CHANGES = 60
DELIVERY = 1.0  # seconds until GitHub has delivered a webhook
Key = tuple[str, int]  # repository and number


class Way(Protocol):
    """One way of knowing what GitHub's pull requests are."""

    def act(self, now: float) -> bool:
        """Do what is to be done in this second, and let the time pass that it takes; tell whether it was anything."""

    def heads(self) -> Mapping[Key, str]:
        """Return the commits that are known."""


@dataclass
class Hour:
    """The changes of one hour, each of another pull request, and when each of them was known."""

    simulated: Simulation
    pushes: Mapping[Key, float]  # seconds from the hour's start
    began: float
    told: Callable[[str], None] = lambda _: None  # called with the repository of each push
    pushed: dict[Key, str] = field(default_factory=dict)
    known_at: dict[Key, float] = field(default_factory=dict)

    @property
    def now(self) -> float:
        return self.simulated.time.seconds - self.began

    def pass_until_now(self) -> None:
        due = [key for key, at in self.pushes.items() if at <= self.now and key not in self.pushed]
        new = {key: f"f{len(self.pushed) + i:039}" for i, key in enumerate(due)}
        if new:
            self.simulated.push(new)
            self.pushed |= new
        for repository, _ in new:
            self.told(repository)

    def live(self, way: Way) -> None:
        """Let it pass second by second, and longer where something takes longer."""
        while self.now < HOUR:
            self.pass_until_now()
            if way.act(self.now):
                heads = way.heads()
                new = {key for key, head in self.pushed.items() if heads.get(key) == head} - self.known_at.keys()
                self.known_at |= dict.fromkeys(new, self.now)
            self.simulated.time.passes(1)

    @property
    def age(self) -> float:
        """How old a change was on average when it was known; one that never was is as old as the hour made it."""
        ages = [self.known_at.get(key, max(HOUR, self.now)) - at for key, at in self.pushes.items()]
        return sum(ages) / len(ages)


@dataclass(frozen=True)
class Found:
    """What one way cost and found."""

    requests: int
    points: int
    age: float  # seconds
    unknown: int  # changes that were never known


@dataclass
class Plugin:
    """This project. Without deliveries `hints` stays empty."""

    simulated: Simulation
    interval: timedelta
    hints: Hints = field(default_factory=Hints)
    delivered: list[tuple[float, str]] = field(default_factory=list)  # when, which repository
    due: float = 0.0

    def act(self, now: float) -> bool:
        if now >= self.due:
            self.due = now + self.interval.total_seconds()
            self.simulated.refresh()
            return True
        arrived = {repository for at, repository in self.delivered if at <= now}
        self.delivered = [delivery for delivery in self.delivered if delivery[0] > now]
        repositories = self.hints.ready(arrived, now)
        if repositories:
            self.simulated.refresh(repositories)
        return bool(repositories)

    def heads(self) -> Mapping[Key, str]:
        return self.simulated.heads()


@dataclass
class Naive:
    """Everything again, each minute; while GitHub refuses, what was known before stays."""

    read: Callable[[], naive.Heads]
    known: naive.Heads = field(default_factory=dict)
    due: float = 0.0

    def act(self, now: float) -> bool:
        if now < self.due:
            return False
        self.due = now + EACH_MINUTE.total_seconds()
        with suppress(RateLimitExceededException):
            self.known = self.read()
        return True

    def heads(self) -> Mapping[Key, str]:
        return self.known


def rows() -> Iterator[Row]:
    """Print the table of all ways; return what is to be kept."""
    polling, hooked = _plugin(EACH_MINUTE, webhooks=False), _plugin(WITH_WEBHOOKS, webhooks=True)
    everything, lists = _naive(naive.read), _naive(naive.list_only)
    ways = {
        "this project, a refresh per minute": polling,
        f"this project, webhooks and a refresh each {WITH_WEBHOOKS.total_seconds() / 60:.0f} minutes": hooked,
        "naive PyGithub: lists and files, each minute": everything,
        "one list per repository, each minute (Argo CD's own)": lists,
    }
    print(
        f"\nOne simulated hour: {company.REPOSITORIES} repositories, {company.PULL_REQUESTS:,} pull requests, "
        f"{CHANGES} changes, {HOURLY:,} points or requests allowed"
    )
    print(f"{'':<62} {'requests':>9} {'points':>9} {'mean age when known':>20}")
    for name, found in ways.items():
        never = f"  ({found.unknown} never in this hour)" if found.unknown else ""
        print(f"{name:<62} {found.requests:>9,} {found.points:>9,} {found.age:>18.1f} s{never}")
    print()
    yield Row("that hour: points", polling.points, "", lists.points / 10, f"one list per repository: {lists.points:,}")
    yield Row("that hour, webhooks: points", hooked.points, "", lists.points / 8, f"as above: {lists.points:,}")
    yield Row("that hour: age of a change when known", polling.age, "s", lists.age, f"as above: {lists.age:.1f} s")
    yield Row("that hour, webhooks: age", hooked.age, "s", lists.age / 10, f"as above: {lists.age:.1f} s")


def _plugin(interval: timedelta, *, webhooks: bool) -> Found:
    with _hour() as hour:
        plugin = Plugin(hour.simulated, interval)
        if webhooks:
            hour.told = lambda repository: plugin.delivered.append((hour.now + DELIVERY, repository))
        return _lived(hour, plugin)


def _naive(read: Callable[[str, str, list[str]], naive.Heads]) -> Found:
    with _hour() as hour:
        github = hour.simulated.github
        return _lived(hour, Naive(partial(read, github.url, github.token, sorted(github.organisation.repositories))))


@contextmanager
def _hour() -> Iterator[Hour]:
    """The same hour for each way. Everything was known before it began, by a budget of its own."""
    chance = random.Random(0)
    sizes = company.uneven()
    everything = [(company.name(i), number) for i, count in enumerate(sizes) for number in range(1, count + 1)]
    with settled(sizes) as simulated:
        simulated.time.passes(HOUR)
        simulated.refresh()
        simulated.time.passes(QUIET)
        chosen = chance.sample(everything, CHANGES)
        pushes = {key: chance.uniform(0, HOUR - 2 * EACH_MINUTE.total_seconds()) for key in chosen}
        yield Hour(simulated, pushes, simulated.time.seconds)


def _lived(hour: Hour, way: Way) -> Found:
    def passes(_: Request) -> None:
        hour.simulated.time.passes(LATENCY)
        hour.pass_until_now()

    github = hour.simulated.github
    github.budget, github.intercept = HOURLY, passes
    github.log.clear()
    hour.live(way)
    # A request to REST costs one of its 5,000 an hour.
    points = sum(call.cost if call.operation.isalpha() else 1 for call in github.log)
    return Found(len(github.log), points, hour.age, CHANGES - len(hour.known_at))
