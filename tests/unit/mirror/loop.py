"""The loop of refreshes, step by step."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from tests.stage import Stage

EVERYTHING = ["acme/orders", "acme/payments"]


class Stop(threading.Event):
    """Ends a loop, even one that would run for ever, so that its test fails. It never waits."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.waits: list[float | None] = []

    def is_set(self) -> bool:
        self.looks += 1
        return self.looks > 1000 or super().is_set()

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        return self.is_set()


@dataclass
class Loop:
    """One step for each time that the loop waits; time passes as the test says. It is also the lease."""

    stage: Stage
    monkeypatch: pytest.MonkeyPatch
    interval: timedelta = timedelta(seconds=30)
    now: float = 0.0  # of a machine that has just started
    held: bool = True
    token: bytes = b""
    waits: list[float] = field(default_factory=list)
    wakes: int = 0

    def run(self, *steps: Callable[[], None]) -> list[list[str]]:
        """Return which repositories were read before each of these steps and after the last one."""
        todo, stop = list(steps), Stop()
        read: list[list[str]] = []
        seen = len(self.stage.source.asked)

        def wait(seconds: float) -> bool:
            nonlocal seen
            self.waits.append(seconds)
            read.append([name for asked in self.stage.source.asked[seen:] for name in sorted(asked)])
            seen = len(self.stage.source.asked)
            if todo:
                todo.pop(0)()
            else:
                stop.set()
            return True

        def wake() -> None:
            self.wakes += 1

        refresher = self.stage.refresher
        self.monkeypatch.setattr("plugin.mirror.refresh.time", SimpleNamespace(monotonic=lambda: self.now))
        self.monkeypatch.setattr("plugin.mirror.refresh.random", SimpleNamespace(random=lambda: 0.0))
        self.monkeypatch.setattr(refresher, "_hinted", SimpleNamespace(wait=wait, clear=list, set=wake))
        self.monkeypatch.setattr(refresher, "_state", replace(self.stage.state, lease=self))
        refresher.run(self.interval, stop)
        assert stop.waits == []  # as it does after an error
        return read

    def compete(self) -> None:
        """Do nothing: the test says who holds the lease."""

    def later(self, seconds: float) -> Callable[[], None]:
        def step() -> None:
            self.now += seconds

        return step

    def hint(self, *names: str) -> Callable[[], None]:
        return lambda: self.stage.refresher.hint(names)

    def lease(self, *, held: bool) -> Callable[[], None]:
        def step() -> None:
            self.held = held

        return step
