"""Reports: Argo CD says what becomes of previews, and reporters tell developers, while both and GitHub fail.

In the end one of each stands there, and says what is so. Everything here is drawn from a chance of its own.
"""

import random
import re
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from plugin.core.commands.answer import Note
from plugin.core.decision.preview import Preview
from plugin.core.facts.deployments import Deployed, Reported
from plugin.core.facts.lives import State
from plugin.core.reports.budget import A_MINUTE, AN_HOUR, Budget
from plugin.core.reports.content import Target
from plugin.core.reports.steps import BETWEEN_EDITS, Standing
from plugin.errors import InvalidRequest, NotReady
from plugin.metrics import Metrics
from plugin.report.reporter import Reporter
from plugin.state import Outdated, Unreachable
from plugin.state.outbox import Outbox, Sent
from tests.fakes.github import Request, Response, faults
from tests.fakes.github.written import Comment, Deployment
from tests.faults.replica import Killed, Replica
from tests.faults.sightings import Wrong
from tests.faults.stage import Stage
from tests.faults.told import PUBLIC

LOSSES = ("state is lost", "state goes back")  # the moves after which nobody knows everything that was written
US, STRANGER, MARKED = "acme-previews", "mallory", "<!-- preview-plugin v1 -->\n\n**The preview:** `mine`\n"
PRIVATE_NAMES = re.compile(r"(?<![a-z0-9])(orders|payments)(?![a-z0-9])")
QUOTED = re.compile(r"Depends-On: \S+|`?dependencies\.[\w-]+")
DEADLY, FAULTY = 0.02, 0.2  # how likely a write of the outbox is the end, and a request meets a fault
LATER = 400.0  # seconds after which nothing is from the future any more
PATIENCE = timedelta(hours=12)  # of developers, once everything works
SAID = {Deployed.READY: "success", Deployed.FAILED: "failure", Deployed.DEGRADED: "failure"}


@dataclass
class MortalOutbox:
    """An outbox whose process can die before and after it keeps something, and which can be out of reach."""

    inside: Outbox
    replica: Replica
    chance: random.Random
    deadly: float

    def load(self) -> Sent:
        self.replica.fate.must_be_reachable()
        return self.inside.load()

    def keep(self, budget: Budget, target: Target, standing: Standing | None) -> None:
        self.replica.fate.must_be_reachable()
        self._may_die()
        self.inside.keep(budget, target, standing)
        self._may_die()

    def keep_note(self, budget: Budget, key: str, note: Note | None) -> None:
        self.replica.fate.must_be_reachable()
        self._may_die()
        self.inside.keep_note(budget, key, note)
        self._may_die()

    def keep_since(self, budget: Budget, since: datetime | None) -> None:
        self.replica.fate.must_be_reachable()
        self._may_die()
        self.inside.keep_since(budget, since)
        self._may_die()

    def _may_die(self) -> None:
        if self.chance.random() < self.deadly:
            raise Killed("while it wrote what developers are told")


def too_close(edited_at: Sequence[datetime], set_at: Sequence[datetime]) -> Iterator[tuple[datetime, datetime]]:
    """Find edits of one comment that follow each other too soon.

    Replicas have no clock in common but the time of day, and a process can be another one than wrote last. So a pause
    during which somebody set their clocks may be shorter on GitHub. No other pause may be, in any episode.
    """
    for first, second in pairwise(edited_at):
        if second - first < BETWEEN_EDITS and not any(first <= moment <= second for moment in set_at):
            yield first, second


class Reporting:
    """Argo CD, and one reporter in each process."""

    def __init__(self, stage: Stage, chance: random.Random) -> None:
        self.tally: Counter[str] = Counter()
        self._stage, self._chance = stage, chance
        self._written = stage.github.written
        self._written.lag = timedelta(seconds=chance.choice((0, 20)))
        self._reporters: dict[str, tuple[Reporter, Metrics]] = {}  # by the name of the process
        self._said: dict[str, list[Reported]] = {}  # by Application
        self._worked: set[tuple[str, str]] = set()  # by key, for names change: commits that were ready while awake
        self._copied: list[Comment] = []  # by a stranger
        self._losses: set[str] = set()
        self._recent: deque[datetime] = deque(maxlen=AN_HOUR)  # the newest writes, by the clock that counts them
        self._skew = stage.clock.skew
        self._too_many = ""
        self._faulty, self._deadly = FAULTY, DEADLY
        stage.github.on_report = self._meets

    def lost(self, how: str) -> None:
        """Take note that the state does not hold all that was written, nor how much."""
        self._losses.add(how)
        self._recent.clear()
        self._reporters.clear()

    # --- What happens

    def happens(self) -> list[str]:
        """Let Argo CD say something, and some reporter work; return what is worth telling."""
        told = [f"    {said}" for _ in range(self._chance.randrange(3)) if (said := self._argocd_says())]
        if self._chance.random() < 0.1:
            told += self._a_stranger_copies()
        if idle := self._stage.idle():
            replica = self._chance.choice(idle)
            written = sum(self.tally.values())
            for _ in range(self._chance.randrange(25)):
                if replica in self._stage.replicas:  # else it was killed and replaced
                    self._work(replica)
            told += (
                [f"    {replica.name} sends {count} requests"] if (count := sum(self.tally.values()) - written) else []
            )
        return told

    def _argocd_says(self) -> str:
        idle = self._stage.idle()
        replica = self._chance.choice(idle) if idle else None
        previews = [it for it in replica.newest.known_here.previews if it.verdict.live] if replica else []
        if not replica or not previews:
            return ""
        preview, now = self._chance.choice(previews), self._stage.clock.now
        said = self._said.setdefault(preview.name, [])
        match self._chance.choice(("begins", "ends", "ends", "repeats", "forges")):
            case "ends" if said:
                state = self._chance.choice((Deployed.READY, Deployed.READY, *Deployed))
                report = replace(said[-1], state=state, at=now, message="orders: it crashes")
            case "repeats" if said:
                report = replace(self._chance.choice(said), at=now)
            case "forges":
                began = now - timedelta(seconds=self._chance.randrange(-60, 100_000))
                sha = self._chance.choice((preview.deploy_sha, f"{self._chance.randrange(99):040x}"))
                report = Reported(self._chance.choice(list(Deployed)), sha, "forged", now, began)
            case _:
                report = Reported(Deployed.DEPLOYING, preview.deploy_sha, "", now, now)
                said.append(report)
        return self._tell(replica, preview, report)

    def _tell(self, replica: Replica, preview: Preview, report: Reported) -> str:
        with suppress(InvalidRequest, NotReady, Unreachable):
            replica.told.tell(preview.name, report)
            self.tally[f"Argo CD said {report.state}"] += 1
            awake = {it.name for it in replica.newest.known_here.previews if it.verdict.state is State.ACTIVE}
            if report.state is Deployed.READY and preview.name in awake:
                self._worked.add((preview.key, report.sha))
            return f"Argo CD says that {preview.name} is {report.state} at {report.sha[-4:]}"
        return ""

    def _a_stranger_copies(self) -> list[str]:
        """Somebody writes a comment that begins as ours do."""
        found = [(name, number) for name, number, fact in self._stage.truth.all() if not fact.hidden]
        if not found:
            return []
        name, number = self._chance.choice(found)
        self._copied.append(self._written.comment(name, number, MARKED, STRANGER, self._stage.clock.now))
        return [f"    a stranger copies a comment of ours to {name}#{number}"]

    def _work(self, replica: Replica) -> None:
        """Let a reporter look once for something to do. As in its thread, it reads everything again after trouble."""
        if self._too_many:
            raise Wrong(self._too_many)
        reporter, _ = self._reporter(replica)
        try:
            wait = reporter.work()
        except (Outdated, Unreachable):
            del self._reporters[replica.name]
            wait = 1.0
        except Killed:
            self.tally["its process died"] += 1
            del self._reporters[replica.name]
            self._stage.replace(replica)
            return
        self._stage.clock.pass_by(wait)

    def _reporter(self, replica: Replica) -> tuple[Reporter, Metrics]:
        if replica.name not in self._reporters:
            state, metrics, clock = replica.state, Metrics(), self._stage.clock
            outbox = MortalOutbox(state.outbox, replica, self._chance, self._deadly)
            writers, newest = self._stage.github.writers(), replica.newest.synchronised
            reporter = Reporter(
                newest, state.lease, outbox, writers, metrics, clock.of_replicas, _steady=clock.monotonic
            )
            self._reporters[replica.name] = reporter, metrics
        return self._reporters[replica.name]

    # --- What its requests meet

    def _meets(self, request: Request) -> Response | None:
        redirected = any(request.path.startswith(f"/repos/{name}/") for name in self._stage.truth.renamed)
        if request.method != "GET" and not redirected:
            self._count()
        luck = self._chance.random()
        if luck >= self._faulty:
            self.tally[f"{request.method} {'succeeded' if request.method != 'GET' else 'looked'}"] += 1
            return None
        if luck >= self._faulty / 2:
            self.tally[f"{request.method} whose answer was lost"] += 1
            return replace(request.answer(), cut=0)
        self.tally[f"{request.method} that did nothing"] += 1
        fault = self._chance.choice(
            (faults.server_error(502), faults.secondary_limit(403, retry_after=30), faults.no_answer())
        )
        return fault(request)

    def _count(self) -> None:
        """Count a request that writes. While clocks are set, nobody can count."""
        clock = self._stage.clock
        if clock.skew != self._skew:
            self._recent.clear()
            self._skew = clock.skew
        now = clock.of_replicas()
        for most, window in ((A_MINUTE, timedelta(minutes=1)), (AN_HOUR, timedelta(hours=1))):
            if len(self._recent) >= most and now - self._recent[-most] < window:
                self._too_many = f"more than {most} requests write within {window}"
        self._recent.append(now)

    # --- In the end

    def settle(self) -> None:
        """Let everything work, and compare what stands there with what is so. Then nothing more is written."""
        stage = self._stage
        self._faulty = self._deadly = 0.0
        self._reporters.clear()
        stage.clock.pass_by(LATER)
        leader = stage.replicas[0]
        stage.place.take_lease(leader.state)
        stage.refresh(leader)
        current = leader.newest.synchronised()
        final = {it.name: self._chance.choice(list(SAID)) for it in current.previews if it.verdict.live}
        for preview in current.previews:
            if preview.name in final:
                now = stage.clock.now
                self._tell(leader, preview, Reported(final[preview.name], preview.deploy_sha, "", now, now))
        self._until_nothing_waits(leader)
        for comment in self._copied:
            if comment not in self._written.comments or comment.body != MARKED:
                raise Wrong("a stranger's comment was touched")
        self._names_nothing_private()
        self._edits_rarely()
        if LOSSES[1] not in self._losses:  # then the state believes what is not so any more
            self._one_of_each(list(current.previews), final)
        before = self._amount()
        for _ in range(20):
            self._work(leader)
        if self._amount() != before:
            raise Wrong("something was written although nothing had changed")

    def _until_nothing_waits(self, leader: Replica) -> None:
        end = self._stage.clock.now + PATIENCE
        while self._stage.clock.now < end:
            self._work(leader)
            _, metrics = self._reporter(leader)
            if metrics.registry.get_sample_value("preview_reports_waiting") == 0:
                return
        raise Wrong("developers wait for ever")

    def _amount(self) -> int:
        written = self._written
        notes = [*written.statuses.values(), *(each.notes for each in written.deployments)]
        return sum(map(len, notes)) + sum(len(each.versions) for each in written.comments) + len(written.deployments)

    def _edits_rarely(self) -> None:
        if self._losses:  # who forgot when a comment was edited may edit it too early
            return
        for comment in self._written.comments:
            for first, second in too_close(comment.edited_at, self._stage.clock.set_at):
                where = f"{comment.repository}#{comment.number}"
                raise Wrong(f"the comment on {where} is edited all the time: at {first}, and again at {second}")

    def _names_nothing_private(self) -> None:
        for where, text in self._public_texts():
            # What a pull request says itself everybody can read there; that repository may not be in the catalog.
            if found := PRIVATE_NAMES.search(QUOTED.sub("", text)):
                raise Wrong(f"{where}, which is public, names {found[0]}: {text}")

    def _public_texts(self) -> Iterator[tuple[str, str]]:
        for comment in self._written.comments:
            if comment.repository in PUBLIC:
                yield from ((comment.repository, version) for version in comment.versions)
        for deployment in self._written.deployments:
            if deployment.repository in PUBLIC:
                yield from ((deployment.repository, note.description) for note in deployment.notes)
        for (repository, _), notes in self._written.statuses.items():
            if repository in PUBLIC:
                yield from ((repository, note.description) for note in notes)

    def _one_of_each(self, previews: list[Preview], final: dict[str, Deployed]) -> None:
        truth = self._stage.truth
        odd = {name for name, generations in truth.generations.items() if len(generations) > 1}
        odd |= truth.renamed.keys() | truth.invisible
        by_key = {preview.key: preview for preview in previews}
        for repository, number, _ in truth.all():
            if repository in odd:
                continue
            if len(self._ours(repository, number)) > 1:
                raise Wrong(f"{repository}#{number} has several comments")
            services = {
                name: it for name, it in self._stage.oracle.catalog.services.items() if it.repository == repository
            }
            for service in services:
                preview = by_key.get(f"{service}/{number}")
                if preview and preview.verdict.live:
                    self._stands(preview, final[preview.name])
                elif (
                    not self._losses and repository not in truth.hidden_from and self._open(repository, service, number)
                ):
                    raise Wrong(f"{repository}#{number} has an open deployment of {service}, and no preview")

    def _stands(self, preview: Preview, said: Deployed) -> None:
        """Compare what stands there of one live preview with what Argo CD said last."""
        repository, number = preview.repository.name, preview.pull_request.number
        asleep = preview.verdict.state is State.PAUSED
        if not self._ours(repository, number):
            raise Wrong(f"{preview.name} has no comment")
        self._deployments_stand(preview, said)
        head = preview.pull_request.head_sha
        status = self._written.status(repository, head, f"preview/{preview.service.name}")
        expected = "error" if preview.config_error else "pending" if preview.deploy_sha != head else SAID[said]
        if status is None or status.state not in (
            expected,
            "pending" if asleep and expected == "success" else expected,
        ):
            raise Wrong(f"{preview.name} is {said}, and its status is {status}")

    def _deployments_stand(self, preview: Preview, said: Deployed) -> None:
        """Compare the open deployments of one live preview with what Argo CD said last.

        Only one says that it works, and its commit was ready while awake. That of an older commit stays until a newer
        one is known to work. Argo CD also reports a commit as ready that was first deployed while its
        preview was paused. Nobody knows whether that commit works, so its deployment is queued beside the one that
        worked before. Whether it may still count as working depends on the order of all operations, and is left to the
        tests of what was reported.
        """
        found = self._open(preview.repository.name, preview.service.name, preview.pull_request.number)
        works = [each for each in found if each.state == "success"]
        own = [each for each in found if each.sha == preview.deploy_sha]
        states = {"success", "queued"} if preview.verdict.state is State.PAUSED else {"success"}
        if (
            len(works) > 1
            or any((preview.key, each.sha) not in self._worked for each in works)
            or any(each not in own and each not in works for each in found)
            or len(own) != (SAID[said] == "success")
            or any(each.state not in states for each in own)
        ):
            raise Wrong(f"{preview.name} is {said} and {preview.verdict.state}, and its open deployments are {found}")

    def _ours(self, repository: str, number: int) -> list[Comment]:
        return [each for each in self._written.of(repository, number) if each.login == US]

    def _open(self, repository: str, service: str, number: int) -> list[Deployment]:
        task = f"preview:{service}:{number}"
        return [it for it in self._written.open(task) if (it.task, it.repository) == (task, repository)]
