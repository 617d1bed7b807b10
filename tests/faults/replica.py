"""One process of the plugin, and the ways in which it ends."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from plugin.app import Parts
from plugin.core.config.catalog import Catalog
from plugin.core.config.threshold import Threshold
from plugin.core.facts.acts import Act
from plugin.core.facts.deployments import Reported
from plugin.mirror.answers import Answers
from plugin.mirror.catalog import WatchedCatalog
from plugin.mirror.reported import Reports
from plugin.sources import Registry, Source, TrafficMeter
from plugin.state import Head, Known, OpenedState, Store, Unreachable
from plugin.web.errors import register_errors
from plugin.web.getparams import getparams
from plugin.web.previews import previews
from tests.faults.truth import Clock

BREAKER = Threshold(5, 20)
MAX_STALE = timedelta(hours=1)
TOKEN = {"Authorization": "Bearer token"}


class Killed(BaseException):
    """The process has ended. Nothing in it may catch this, and nothing is cleaned up."""


class Cut(Unreachable):
    """The connection to the state died; it is unknown whether it had done what was asked."""


@dataclass(slots=True)
class Fate:
    """What happens when this process next writes to its state: "kill" or "cut", and "before" or "after" it."""

    next_write: tuple[type[BaseException], str] | None = None
    unreachable: bool = False

    def meets(self, moment: str) -> None:
        if self.next_write and self.next_write[1] == moment:
            what, self.next_write = self.next_write[0], None
            raise what(f"{moment} writing")

    def must_be_reachable(self) -> None:
        if self.unreachable:
            raise Unreachable("the state cannot be reached")


class MortalStore:
    """A store whose process can die at any write, and which can be out of reach."""

    def __init__(self, store: Store, fate: Fate) -> None:
        self._store = store
        self._fate = fate

    def head(self) -> Head:
        self._fate.must_be_reachable()
        return self._store.head()

    def load(self) -> Known:
        self._fate.must_be_reachable()
        return self._store.load()

    def save(self, before: Known, after: Known) -> None:
        self._fate.must_be_reachable()
        self._fate.meets("before")
        self._store.save(before, after)
        self._fate.meets("after")

    def act(self, act: Act) -> None:
        self._fate.must_be_reachable()
        self._store.act(act)

    def report(self, name: str, report: Reported) -> None:
        self._fate.must_be_reachable()
        self._store.report(name, report)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Around:
    """What a process asks, and where it keeps its state."""

    source: Source
    registry: Registry
    meter: TrafficMeter
    state: OpenedState
    clock: Clock


class Replica:
    """One process: the real parts between a source, a state and HTTP."""

    def __init__(self, name: str, file: Path, around: Around) -> None:
        """Start. Raises InvalidFile if the catalog's file is broken and the state holds no catalog."""
        self.name = name
        self.file = file
        self.fate = Fate()
        self.source = around.source
        self.state = state = around.state
        clock = around.clock
        mortal = OpenedState(MortalStore(state.store, self.fate), state.board, state.lease, state.close, state.outbox)
        watched = WatchedCatalog(file, partial(_in_force, state.store), clock.monotonic)
        plugin = Parts(
            source=around.source,
            registry=around.registry,
            meter=around.meter,
            catalog=watched,
            state=mortal,
            breaker=BREAKER,
            max_stale=MAX_STALE,
            clock=clock.of_replicas,
        ).together()
        self.refresher = plugin.refresher
        self.newest = plugin.newest
        self.told = Reports(plugin.answers, mortal.store, clock.of_replicas, lambda _: None)
        self._client = _client(plugin.answers, clock)

    @property
    def known(self) -> Known:
        """What this process knows."""
        return self.newest.known_here.known

    @property
    def next_at(self) -> datetime | None:
        """When time changes a verdict next."""
        return self.newest.known_here.living.next_at

    def ask(self, asked: Mapping[str, Any]) -> Answer:
        """Ask as Argo CD does."""
        content = {"applicationSetName": "previews", "input": {"parameters": asked}}
        response = self._client.post("/api/v1/getparams.execute", json=content, headers=TOKEN)
        return Answer(response.status_code, response.data)

    def read(self) -> Answer:
        """Ask as people do."""
        response = self._client.get("/api/v1/previews", headers=TOKEN)
        return Answer(response.status_code, response.data)


def _in_force(store: Store) -> Catalog | None:
    with suppress(Unreachable):
        return store.load().catalog
    return None


def _client(answers: Answers, clock: Clock) -> FlaskClient:
    app = Flask("simulation")
    register_errors(app)
    app.register_blueprint(getparams(answers, "token"))
    app.register_blueprint(previews(answers, "token", clock.of_replicas))
    return app.test_client()
