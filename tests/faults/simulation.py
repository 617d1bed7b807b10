"""The simulation: moves in any order, drawn from one seed, and after each of them the oracle's judgement.

It runs in episodes. Each begins with a new organisation and ends when all faults have ended and everything is as it
should be. A seed is that of an episode: the same one plays the same moves.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from redis import Redis

from tests.faults import life_moves
from tests.faults.catalogs import REPOSITORIES
from tests.faults.moves import AUTHORS, MOVES
from tests.faults.oracle import Described
from tests.faults.places import MemoryPlace, RedisPlace, SqlitePlace
from tests.faults.replica import Replica
from tests.faults.reports import LOSSES, Reporting
from tests.faults.sightings import Wrong
from tests.faults.stage import OK, Stage, do_nothing

STEPS = 150  # of an episode
REPORTING = 0.4  # how likely an episode is also about what developers are told
NESTED = 0.06  # how likely something happens while a replica waits for an answer of GitHub
BOUND = 4  # refreshes after which everything that a probe can see must be there
INTERVAL = 30.0  # seconds between two of them
FULL_LISTING = 660.0  # seconds after which the rest must be there
HALF_AN_HOUR = 1800.0  # seconds
ENDED = 22 * 86400.0  # seconds, after which every end has come, for plans do not go beyond three weeks
WARNED = 12  # refreshes in which every end has been announced long enough
LAST_CHANGES = ("push", "label", "close", "reopen", "unlabel", "describe", "open pull request", "draft")
LAST_CHANGES_OF_ONE_SECOND = ("twice within a second",) * 4


@dataclass(slots=True)
class Tally:
    """What happened, how often."""

    steps: int = 0
    episodes: int = 0
    answers: int = 0
    refusals: int = 0
    moves: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    lives: Counter[str] = field(default_factory=Counter)
    reports: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        lines = [
            f"{self.steps} steps in {self.episodes} episodes; {self.answers} answers, of which {self.refusals} errors"
        ]
        lines += [f"{count:>8}  {name}" for name, count in sorted(self.moves.items())]
        lines += ["  of the troubles that began:"]
        lines += [f"{count:>8}  {name}" for name, count in sorted(self.troubles.items())]
        lines += ["  of the lives of previews:"]
        lines += [f"{count:>8}  {name}" for name, count in sorted(self.lives.items())]
        lines += ["  of what developers were told:"]
        lines += [f"{count:>8}  {name}" for name, count in sorted(self.reports.items())]
        return "\n".join(lines)


class Failed(AssertionError):
    """An episode in which something was wrong, with all that happened in it."""


def simulate(seed: int, steps: int, redis: Redis) -> Tally:
    """Play episodes until there were that many steps. Raises Failed."""
    tally = Tally()
    with patch("plugin.mirror.answers.FIRST_ANSWER", 0.0):
        while tally.steps < steps:
            _play(seed + tally.episodes, min(STEPS, steps - tally.steps), redis, tally)
    return tally


def _play(seed: int, steps: int, redis: Redis, tally: Tally) -> None:
    chance = random.Random(seed)
    with TemporaryDirectory() as folder:
        place = chance.choice((MemoryPlace, partial(SqlitePlace, Path(folder)), partial(RedisPlace, redis)))()
        with_reports = random.Random(f"reports of {seed}")  # of its own, so that an episode without them plays as ever
        reports = with_reports.random() < REPORTING
        stage = Stage(Path(folder), chance, place, reports=reports)
        episode = Episode(stage, tally, Reporting(stage, with_reports) if reports else None)
        try:
            episode.play(steps)
        except Exception as error:
            lines = [f"{number:>4}  {line}" for number, line in enumerate(episode.story, start=1)]
            lines += [f"{type(error).__name__}: {error}"]
            lines += [f"after {len(episode.story)} moves; again: make simulate SEED={seed} STEPS={steps}"]
            raise Failed("\n".join(lines)) from error
        finally:
            tally.episodes += 1
            tally.answers += episode.stage.answers
            tally.refusals += episode.stage.refusals
            tally.lives += episode.stage.oracle.lives.tally
            episode.end()


class Episode:
    """One organisation from its first pull request on."""

    def __init__(self, stage: Stage, tally: Tally, reporting: Reporting | None) -> None:
        self._chance = stage.chance
        self.stage = stage
        self.story: list[str] = []
        self._tally = tally
        self._reporting = reporting
        self._depth = 0
        self.stage.meanwhile = self._meanwhile

    def play(self, steps: int) -> None:
        self._begin()
        for _ in range(steps):
            self._tally.steps += 1
            self._move(nested=False)
            if self._reporting:
                self.story += self._reporting.happens()
        self._settle()
        if self._reporting:
            self.story.append("what was reported to developers is compared")
            self._reporting.settle()
            self._tally.reports += self._reporting.tally

    def end(self) -> None:
        for replica in list(self.stage.replicas):
            self.stage.stop(replica)
        self.stage.github.close()

    def _begin(self) -> None:
        for name in REPOSITORIES:
            for _ in range(self._chance.randint(0, 7)):
                self.stage.truth.open(name, labels=("preview",), author=self._chance.choice(AUTHORS))
        self.stage.clock.pass_by(60)
        for replica in list(self.stage.replicas):
            self.stage.refresh(replica)

    def _meanwhile(self) -> None:
        if self._depth < 2 and self._chance.random() < NESTED:
            for _ in range(self._chance.randint(1, 3)):
                self._move(nested=True)

    def _move(self, *, nested: bool) -> None:
        possible = {
            name: chance
            for name, chance in MOVES.items()
            if (chance.nested or not nested) and (self.stage.lively or not chance.life)
        }
        (name,) = self._chance.choices(list(possible), [chance.weight for chance in possible.values()])
        place = len(self.story)
        self.story.append(f"{'    ' * self._depth}{name} ...")
        self._depth += 1
        try:
            said = possible[name].move(self.stage)
            self.stage.look()
        finally:
            self._depth -= 1
        if said:
            if self._reporting and name in LOSSES:
                self._reporting.lost(name)
            self._tally.moves[name] += 1
            self.story[place] = f"{'    ' * self._depth}{name}: {said}"
            if name == "trouble begins":
                self._tally.troubles[said] += 1
        elif len(self.story) == place + 1:
            del self.story[place]

    # --- After the faults

    def _settle(self) -> None:
        self._end_trouble()
        self._after_a_full_listing()
        self._after_last_changes()
        self._after_an_hour()
        self._after_people_put_everything_right()
        if self.stage.lively and self._chance.random() < 0.4:
            self._after_all_ends_have_come()

    def _end_trouble(self) -> None:
        stage = self.stage
        self.story.append("all trouble ends, but for what people have done")
        stage.meanwhile = do_nothing
        stage.doomed = ""
        stage.trouble.names = []
        stage.clock.skew = timedelta(0)
        stage.outside.registry_works(works=True)
        stage.outside.measure(frozenset({"another-namespace"}))
        for replica in stage.replicas:
            replica.fate.unreachable, replica.fate.next_write = False, None
        stage.files.spread = 0.0
        stage.files.write(stage.oracle.catalog.text)
        self._wait_for_limits()

    def _after_a_full_listing(self) -> None:
        """Some changes move no `updatedAt`, and some listings were short."""
        self.stage.clock.pass_by(FULL_LISTING)
        self._refresh_often()
        self._judge()

    def _after_last_changes(self) -> None:
        """What a probe can see is there soon."""
        stage = self.stage
        service = stage.chance.choice(list(stage.oracle.catalog.services.values()))
        together = [other for other in stage.oracle.catalog.services.values() if other.repository == service.repository]
        # Probes ask for one label of each service, and for none where one of them takes every pull request.
        if all(other.require for other in together):
            self.story.append(f"the label {service.require[0]} is deleted in {service.repository}")
            stage.truth.create_label(service.repository, service.require[0])
            stage.truth.delete_label(service.repository, service.require[0])
        self._refresh_often()
        self._judge()
        self.story.append("some last changes")
        for changes in (LAST_CHANGES, LAST_CHANGES_OF_ONE_SECOND):
            for change in changes:
                MOVES[change].move(stage)
            self._refresh_often()
            self._judge()

    def _after_an_hour(self) -> None:
        stage = self.stage
        self.story.append("an hour passes, after which nothing is held that was missing all the time")
        for _ in range(BOUND + 1):
            stage.clock.pass_by(HALF_AN_HOUR)
            stage.refresh(stage.replicas[0])
        self._judge(held=False)

    def _after_people_put_everything_right(self) -> None:
        stage = self.stage
        self.story.append("people put everything right")
        for name in REPOSITORIES:
            stage.truth.rename(name, name)
            stage.truth.show(name, visible=True)
        for name, number, fact in stage.truth.all():
            if fact.hidden:
                stage.truth.hide(name, number, hidden=False)
        self._take_in_recreated()
        self._refresh_often()
        stage.clock.pass_by(FULL_LISTING)
        self._acknowledge()
        self._judge()

    def _after_all_ends_have_come(self) -> None:
        """Whatever nobody keeps ends, and no person has to agree."""
        stage = self.stage
        self.story.append("ten days pass, in which nobody does anything")
        stage.clock.pass_by(ENDED)
        for _ in range(WARNED):
            stage.clock.pass_by(life_moves.BETWEEN)
            stage.refresh(stage.replicas[0])
        self._judge()
        answer = stage.ask(stage.replicas[0], ())
        if answer and answer.status == OK:
            stage.oracle.all_ended(answer.body)
        self.story.append("people plan later ends, which brings nothing back, and nothing waits for a commit")
        life_moves.end_later(stage, list(stage.oracle.catalog.services))
        self._refresh_often()
        self._judge()

    def _wait_for_limits(self) -> None:
        """GitHub has asked for silence, which may be an hour; until then the plugin asks nothing."""
        for replica in self.stage.replicas:
            resumes_at = replica.source.usage.resumes_at
            if resumes_at:
                self.stage.clock.pass_by(max(0.0, (resumes_at - self.stage.clock.of_replicas()).total_seconds()))

    def _refresh_often(self) -> None:
        for number in range(BOUND):
            self.stage.clock.pass_by(INTERVAL)
            self.stage.refresh(self.stage.replicas[number % len(self.stage.replicas)])

    def _take_in_recreated(self) -> None:
        """A repository that was made again counts once people have taken it out of the catalog and put it in."""
        stage = self.stage
        again = {name for name, generations in stage.truth.generations.items() if len(generations) > 1}
        catalog = stage.oracle.catalog
        for name, service in catalog.services.items():
            if service.repository in again:
                stage.edit(stage.oracle.catalog.without(name))
        if stage.oracle.catalog.edition != catalog.edition:
            self._acknowledge()
            for name, service in catalog.services.items():
                if service.repository in again:
                    stage.edit(stage.oracle.catalog.with_service(name, service))

    def _acknowledge(self) -> None:
        self._refresh_often()
        if self.stage.acknowledge(self.stage.replicas[0]):
            self._refresh_often()

    def _judge(self, *, held: bool = True) -> None:
        """Compare every answer with the truth; `held` says whether something may be held that is listed as such."""
        stage = self.stage
        again = {name for name, generations in stage.truth.generations.items() if len(generations) > 1}
        doubtful = frozenset(stage.truth.renamed) | stage.truth.invisible | again
        for replica in stage.replicas:
            listed, waits = self._listed_as_held(replica)
            described = self._described(replica)
            for asked in stage.inputs:
                answer = stage.ask(replica, asked)
                assert answer
                # A catalog that adds a repository, or asks for other labels, takes effect once that was read.
                in_force = replica.known.catalog
                outdated = not in_force or in_force.text != stage.oracle.catalog.text
                if outdated and doubtful & stage.oracle.catalog.repositories:
                    continue
                if answer.status == OK and not waits:
                    stage.oracle.converged(asked, answer.body, listed if held else {}, doubtful, described)
                elif answer.status != OK and stage.oracle.catalog.knows(dict(asked)) and not doubtful and not waits:
                    raise Wrong(f"still an error: {answer.status} {answer.body!r}")

    def _described(self, replica: Replica) -> Described:
        answer = replica.read()
        listed = answer.json["previews"] if answer.status == OK else []
        return {f"{each['service']}/{each['locator'].rpartition('#')[2]}": each for each in listed}

    def _listed_as_held(self, replica: Replica) -> tuple[dict[str, str], bool]:
        """Read what people can see of what is held, and whether the breaker waits for one of them."""
        answer = replica.read()
        if answer.status != OK:
            return {}, False
        listed, breaker = answer.json["previews"], answer.json["breaker"]
        held = {f"{entry['service']}/{entry['locator'].partition('#')[2]}": entry["held"] for entry in listed}
        return held | breaker["held_back"], bool(breaker["to_release"])
