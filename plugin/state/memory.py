"""State in memory. It is lost when the process ends, and a new process answers 503 until it has read everything."""

import threading
import uuid
from collections.abc import Collection
from dataclasses import replace

from plugin.core.facts.acts import Act
from plugin.core.facts.deployments import Reported, with_report
from plugin.state import NOTHING, Head, Known, Outdated


class MemoryStore:
    """Keeps one reference; replacing it is atomic."""

    def __init__(self, known: Known = NOTHING) -> None:
        self._known = known
        self._writing = threading.Lock()

    def head(self) -> Head:
        """Return the head of what was stored last."""
        return self._known.head

    def load(self) -> Known:
        """Return what was stored last."""
        return self._known

    def save(self, before: Known, after: Known) -> None:
        """Replace `before` with `after`. Raises Outdated."""
        with self._writing:
            if before.head.version != self._known.head.version:
                raise Outdated("something newer was stored in the meantime")
            reports, reported = self._known.head.reports, self._known.reported
            if before.head.reports != reports:  # something was reported since
                new = {name: it for name, it in reported.items() if before.reported.get(name) is not it}
                after = replace(after, head=replace(after.head, reports=reports), reported={**after.reported, **new})
            self._known = after

    def act(self, act: Act) -> None:
        """Store what somebody said, in a new version, unless a newer act of this kind and subject is stored."""
        with self._writing:
            known, key = self._known, (act.kind, act.subject)
            if act.replaces(known.acts.get(key)):
                head = replace(known.head, version=known.head.version + 1)
                self._known = replace(known, head=head, acts={**known.acts, key: act})

    def report(self, name: str, report: Reported) -> None:
        """Store what Argo CD reported about the preview of this name."""
        with self._writing:
            known, before = self._known, self._known.reported.get(name, ())
            if (after := with_report(before, report)) is not before:
                head = replace(known.head, reports=uuid.uuid4().hex)
                self._known = replace(known, head=head, reported={**known.reported, name: after})


class LocalBoard:
    """The board of a single process."""

    def __init__(self) -> None:
        self._hints: frozenset[str] = frozenset()
        self._asked = 0
        self._writing = threading.Lock()

    def hint(self, repositories: Collection[str]) -> None:
        """Say that something may have changed in these repositories."""
        with self._writing:
            self._hints |= frozenset(repositories)

    def take_hints(self) -> frozenset[str]:
        """Return the repositories that were hinted at since the last call, and forget them."""
        with self._writing:
            hints, self._hints = self._hints, frozenset()
            return hints

    def asked(self, version: int) -> None:
        """Say that Argo CD got an answer of this version."""
        with self._writing:
            self._asked = max(self._asked, version)

    def newest_asked(self) -> int:
        """Return the newest version that Argo CD got."""
        return self._asked


class LocalLease:
    """The lease of a single process: always held."""

    held = True
    token = b""  # it is never taken anew

    def compete(self) -> None:
        """Do nothing: no other replica exists."""
