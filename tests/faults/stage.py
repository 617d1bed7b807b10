"""The stage: the truth, a GitHub that tells it or does not, a catalog's file, and the processes of the plugin."""

import random
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from plugin.core.answers.wanted import parse_wanted
from plugin.core.facts.acts import Act, ActKind
from plugin.core.facts.agreement import doubt_about
from plugin.core.life.acting import Said
from plugin.errors import InvalidFile
from plugin.mirror.acting import acts_on
from plugin.mirror.current import decided
from plugin.state import OpenedState
from tests.faults.beside import Beside
from tests.faults.catalogs import REPOSITORIES, SERVICES, Catalog
from tests.faults.files import Files
from tests.faults.lives import Deciding
from tests.faults.oracle import Asked, Described, Oracle
from tests.faults.places import Place
from tests.faults.plans import NO_PLAN, some_limits, some_plan
from tests.faults.replica import MAX_STALE, Answer, Around, Killed, Replica
from tests.faults.sightings import Wrong
from tests.faults.told import Told
from tests.faults.trouble import Trouble
from tests.faults.truth import Clock, Truth

INPUTS: tuple[Asked, ...] = (
    (),
    (("origin", "any"),),
    (("profile", "backend"),),
    (("services", ("orders", "payments")),),
    (("services", ("shop-web",)), ("profile", "frontend")),
)
OK, BAD_REQUEST, NOT_READY = 200, 400, 503


def do_nothing() -> None:
    """Let GitHub answer before anything else happens."""


class Stage:
    """One of everything, and all replicas that are running."""

    def __init__(self, folder: Path, chance: random.Random, place: Place, *, reports: bool = False) -> None:
        """`reports` says whether the catalog asks for reports."""
        self.chance = chance
        self.clock = Clock()
        self.truth = Truth(self.clock, REPOSITORIES)
        self.trouble = Trouble(self.clock, chance)
        self.github = Told(self.truth, self.trouble, self._while_asking)
        self.place = place
        # Some episodes are about what happens within the seconds by which GitHub's answers lag, others about lives.
        self.hurried = chance.random() < 0.3
        self.lively = not self.hurried and chance.random() < 0.6
        self.oracle = Oracle(self.truth, replace(self._first_catalog(), report=reports))
        self.oracle.lives.words = self.github.words
        self.outside = Beside(self.clock)
        self.files = Files(self.clock, chance, folder, self.oracle.catalog.text)
        self.inputs = list(INPUTS[: chance.randint(1, len(INPUTS))])
        self.changed: list[str] = []  # repositories in the order of their changes, for webhooks
        self.answers = 0
        self.refusals = 0
        self.doomed = ""  # the replica that dies at its next request to GitHub
        self.meanwhile = do_nothing  # what happens while a replica waits for GitHub
        self._busy: list[str] = []  # the replicas that are within a refresh; the last one is at work
        self._started = 0
        self.replicas = [self.start() for _ in range(chance.choice((1, 2)) if place.shared else 1)]

    def _first_catalog(self) -> Catalog:
        if not self.lively:
            return Catalog(SERVICES)
        chance, plan = self.chance, some_plan(self.chance)
        # Some services have a plan of their own, or none.
        plans = {name: chance.choice((plan, plan, plan, some_plan(chance), NO_PLAN)) for name in SERVICES}
        if chance.random() < 0.5:
            plans = dict.fromkeys(SERVICES, plan)
        services = {name: replace(service, plan=plans[name]) for name, service in SERVICES.items()}
        return Catalog(services, limits=some_limits(chance), traffic=chance.random() < 0.3)

    # --- Processes

    def start(self) -> Replica:
        """Start a process, on a volume of its own."""
        self._started += 1
        name, state = f"replica {self._started}", self.place.open()
        try:
            return self._replica(name, state)
        except InvalidFile:  # with nothing in force that could stay, so people mend it first
            if state.store.load().catalog:
                raise
            self.files.write(self.oracle.catalog.text)
            return self._replica(name, state)

    def _replica(self, name: str, state: OpenedState) -> Replica:
        around = Around(self.github.source(), self.outside.registry, self.outside.meter, state, self.clock)
        return Replica(name, self.files.new(name), around)

    def stop(self, replica: Replica) -> None:
        """End a process without notice."""
        self.replicas.remove(replica)
        self.files.remove(replica.name)
        replica.state.close()

    def idle(self) -> list[Replica]:
        """Those that are not within a refresh."""
        return [replica for replica in self.replicas if replica.name not in self._busy]

    def refresh(self, replica: Replica, only: frozenset[str] | None = None) -> None:
        """Refresh one, which may be the end of it, and ask it everything."""
        self.look()
        self._busy.append(replica.name)
        deciding = self.oracle.lives.begins(
            skew=self.clock.skew, measured=self.outside.measured, used=self.outside.used_lately
        )
        if self.chance.random() < 0.8:  # else it is a leader that was paused, and does not know its successor
            self.place.take_lease(replica.state)
        try:
            replica.refresher.refresh(only)
        except Killed:
            self.oracle.not_comparable()
            self.replace(replica)
        finally:
            self._busy.remove(replica.name)
            self.oracle.lives.ends(deciding)
        for alive in self.idle():
            for asked in self.inputs:
                if alive in self.replicas:  # else an answer was its end
                    self.ask(alive, asked)
        if self.lively and replica in self.replicas:
            self._tell(replica, deciding)

    def _tell(self, replica: Replica, deciding: Deciding) -> None:
        """Let the oracle hear what the read routes say."""
        answer = replica.read()
        if answer.status == OK and (catalog := replica.known.catalog):
            read = catalog.repositories.keys() - set(answer.json["unread"])
            self.oracle.lives.told(answer.json["previews"], read, deciding)

    def look(self) -> None:
        """Make every replica do what it does each second while it does not poll."""
        for replica in self.idle():
            self.files.renew(replica.name)
            replica.refresher.follow()

    def replace(self, replica: Replica) -> None:
        """Let a new process take the place of one that ended."""
        self.stop(replica)
        self.replicas.append(self.start())
        self.refresh(self.replicas[-1])

    # --- Questions

    def ask(self, replica: Replica, asked: Asked) -> Answer | None:
        """Ask as Argo CD does, and let the oracle hear it."""
        try:
            answer = replica.ask(dict(asked))
        except Killed:
            self.oracle.not_comparable()
            self.replace(replica)
            return None
        self.answers += 1
        if answer.status == OK:
            if not self.github.spoke_within(MAX_STALE):
                raise Wrong("nothing was read for too long, and still it answers")
            self.oracle.hear(asked, answer.body, partial(_described, replica), held=replica.known.hold is not None)
        elif answer.status == NOT_READY or (answer.status == BAD_REQUEST and asked):
            self.refusals += 1
            self.oracle.refused(asked, held=b"the previous answer is not known" in answer.body)
        else:
            raise Wrong(f"the answer has status {answer.status}: {answer.body!r}")
        return answer

    # --- The catalog

    def edit(self, catalog: Catalog) -> None:
        assert catalog.fingerprint  # it has no mistakes
        self.oracle.edited(catalog)
        self.files.write(catalog.text)

    def acknowledge(self, replica: Replica) -> str:
        """Type the command that the read routes show, if they show one."""
        answer = replica.read()
        command = answer.json["breaker"]["to_release"] if answer.status == OK else ""
        if command:
            fingerprint = command.split()[-1]
            # As the command does: without the process that serves.
            state = self.place.open()
            try:
                state.store.act(Act(ActKind.ACKNOWLEDGE, fingerprint, "ada", self.clock.of_replicas()))
            finally:
                state.close()
            self.oracle.acknowledged(fingerprint)
        return str(command)

    # --- What people say

    def act(self, replica: Replica, kind: ActKind, locator: str, span: timedelta | None = None) -> str:
        """Tell a preview something, as the commands do: without the process that serves."""
        now = self.clock.of_replicas()
        state, said = self.place.open(), []
        try:
            current = decided(state.store.load())
            catalog = current.known.catalog
            if catalog is None or doubt_about(now, current.known.snapshot.compared_at):
                return ""
            meant = acts_on(current, parse_wanted(locator, catalog), Said(kind, "ada", now, span))
            for preview, act in meant:
                if isinstance(act, Act):
                    state.store.act(act)
                    self.oracle.lives.acted(preview.service.name, preview.pull_request.number, act)
                    said.append(preview.key)
        finally:
            state.close()
        if said and self.chance.random() < 0.6:
            self.refresh(replica, frozenset())
        return f"{kind.value} {', '.join(said)}" if said else ""

    # --- What happens within a refresh

    def _while_asking(self) -> None:
        if self.doomed == self._busy[-1]:
            self.doomed = ""
            raise Killed("while reading")
        self.meanwhile()


def _described(replica: Replica) -> Described:
    answer = replica.read()
    assert answer.status == OK
    return {f"{each['service']}/{each['locator'].rpartition('#')[2]}": each for each in answer.json["previews"]}
