"""What is published: the newest version that was stored; never an older one than any already answered."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta

from plugin.core.answers.filters import Filters
from plugin.core.config.threshold import Threshold
from plugin.core.facts.absorb import unread
from plugin.errors import NotReady
from plugin.mirror.current import Current, decided
from plugin.mirror.publish import make_judge
from plugin.state import NOTHING, Head, Known, Outdated, Store, Unreachable

TRIES = 5  # how often another replica may be quicker


class Published:
    """Answers come from here. Any number of threads may ask; what they get is replaced as a whole."""

    def __init__(
        self,
        store: Store,
        threshold: Threshold,
        max_stale: timedelta,
        clock: Callable[[], datetime],
        unreachable: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self.threshold = threshold
        self._max_stale = max_stale
        self.clock = clock
        self._unreachable = unreachable
        self._replacing = threading.Lock()
        self._current = Current(NOTHING, None)
        self._loaded = False

    @property
    def newest(self) -> Current:
        """What this replica knows, without asking whether there is something newer."""
        return self._current

    def current(self) -> Current:
        """Return the newest version that anybody has stored, however old. Raises NotReady."""
        try:
            return self.synchronised()
        except Unreachable as error:
            raise NotReady(f"{error}; until then it is not known which answer is the newest") from None

    def synchronised(self) -> Current:
        """Return the newest version that anybody has stored. Raises Unreachable."""
        with self._noticing():
            head = self._store.head()
            current = self._current
            if self._loaded and head.version == current.known.head.version:
                return current if head == current.known.head else self._with_head(head)
            with self._replacing:
                return self._load()

    def reload(self) -> Current:
        """Load what another replica stored, also what changes no answer. Raises Unreachable."""
        with self._noticing(), self._replacing:
            return self._load()

    def answer(self, current: Current, filters: Filters) -> bytes:
        """Return the answer to an input, of this version or a newer one. Raises NotReady, also if it is too old."""
        self._refuse_stale(current.known.head)
        ready = current.bodies.get(filters)
        return ready if ready is not None else self._emit(filters)

    def store(self, before: Current, after: Current) -> Current:
        """Store a new version, and only then let it be answered. Raises Outdated or Unreachable."""
        with self._noticing(), self._replacing:
            self._store.save(before.known, after.known)
            # An input that was answered for the first time meanwhile is judged when it comes back.
            emitted = {**self._current.known.emitted, **after.known.emitted}
            self._current = replace(after, known=replace(after.known, emitted=emitted))
            return self._current

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        try:
            yield
        except Unreachable:
            self._unreachable()
            raise

    def _refuse_stale(self, head: Head) -> None:
        # From a time that is far ahead, as the clock has been, nobody knows how old it is.
        if head.fresh_at is not None and abs(self.clock() - head.fresh_at) > self._max_stale:
            raise NotReady("nothing could be read for longer than PREVIEW_MAX_STALE; the log says why")

    def _with_head(self, head: Head) -> Current:
        with self._replacing:
            if self._current.known.head.version == head.version:
                self._current = replace(self._current, known=replace(self._current.known, head=head))
            return self._current

    def _load(self) -> Current:
        known = _usable(self._with_lost(self._store.load()))
        if self._loaded and known.head.version == self._current.known.head.version:
            self._current = replace(self._current, known=known)
        else:
            self._current, self._loaded = decided(known, self._current.decision), True
        return self._current

    def _with_lost(self, known: Known) -> Known:
        """Store once more the answers that this replica gave and the state has no more.

        They make no new version, so nobody notices if Redis loses one in a failover; the next answer would be a first
        one, compared with nothing.
        """
        given = self._current.known.emitted
        lost = {filters: emitted for filters, emitted in given.items() if filters not in known.emitted}
        for filters, emitted in lost.items():
            with suppress(Outdated):  # then it is tried again
                self._store.emit(known.head.version, filters, emitted)
        return replace(known, emitted={**lost, **known.emitted}) if lost else known

    def _emit(self, filters: Filters) -> bytes:
        """Answer an input that was not answered in this version yet, and store that first."""
        with self._replacing:
            try:
                with self._noticing():
                    for _ in range(TRIES):
                        with suppress(Outdated):
                            return self._emit_now(filters)
                        self._load()
            except Unreachable as error:
                raise NotReady(str(error)) from None
        raise NotReady("what is known changes too quickly; ask again")

    def _emit_now(self, filters: Filters) -> bytes:
        current = self._current
        if filters not in current.known.emitted:  # another replica may have answered it, which makes no new version
            current = self._load()
        if current.decision is None or not filters.known_to(current.decision.catalog):
            raise NotReady("the catalog has just changed; ask again")
        body = current.answer(filters)
        if body is None:
            current = self._judge(filters)
            body = current.answer(filters)
        if body is None:
            raise NotReady(
                "more previews would leave than PREVIEW_BREAKER allows, and the answer before is not known; "
                "the read routes say which, and how to let them go"
            )
        self._current = replace(current, bodies={**current.bodies, filters: body})
        return body

    def _judge(self, filters: Filters) -> Current:
        current = self._current
        version, old = current.known.head.version, current.known.emitted.get(filters)
        if old and old.held:  # letting go is for the next refresh, which can ask the source and writes the history
            emitted = replace(old, version=version)
        else:  # the answer of another version is not at hand here: if the breaker trips, the next refresh will let go
            emitted = make_judge(current, self.threshold).judge(filters, old, lambda: None)
        self._store.emit(version, filters, emitted)
        return replace(current, known=replace(current.known, emitted={**current.known.emitted, filters: emitted}))


def _usable(known: Known) -> Known:
    """Return what can be decided on: a state may have had to leave out an entry that it could not read."""
    if known.catalog and not unread(known.snapshot, known.catalog):
        return known
    emitted = {filters: emitted.set_aside() for filters, emitted in known.emitted.items()}
    return replace(known, catalog=None, emitted=emitted)
