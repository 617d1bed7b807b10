"""Answers: what callers get from the version that was stored last. Nothing here changes what is known."""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from plugin.core.answers.emission import BARE, Envelope
from plugin.core.answers.filters import Filters, parse_filters
from plugin.core.config.catalog import Catalog
from plugin.core.config.messages import one_line
from plugin.core.facts.absorb import unread
from plugin.errors import NotReady
from plugin.mirror.current import Current
from plugin.mirror.newest import Newest
from plugin.state import Board, Unreachable

if TYPE_CHECKING:
    from plugin.core.answers.live import Hold
    from plugin.core.decision.decide import Decision

FIRST_ANSWER = 10.0  # seconds that a request waits for the first refresh; Argo CD itself gives up after 30
RENDERED = 64 * 1024 * 1024  # bytes of answers that are kept ready; others are rendered when they are asked for
INPUTS = 1024  # answers that are kept ready at most, because an input takes memory too, however short its answer


def _cost(parameters: bytes) -> int:
    return max(len(parameters), RENDERED // INPUTS)


class _Rendered:
    """The answers of one version that are ready. Callers choose the inputs, so only a bounded number is kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made_from: tuple[Decision | None, Hold | None] = (None, None)
        self._ready: LRUCache[tuple[Filters, Envelope], bytes] = LRUCache(RENDERED, getsizeof=_cost)

    def of(self, current: Current, filters: Filters, envelope: Envelope) -> bytes | None:
        """Return the answer to an input. As long as refreshes change nothing, it is the same object."""
        with self._lock:
            if not self._is_made_from(current):
                self._made_from = (current.decision, current.known.hold)
                self._ready.clear()
            ready = self._ready.get((filters, envelope))
        if ready is not None:
            return ready
        parameters = current.parameters(filters, envelope)
        with self._lock, suppress(ValueError):  # raised if it is larger than RENDERED
            if parameters is not None and self._is_made_from(current):
                self._ready[filters, envelope] = parameters
        return parameters

    def _is_made_from(self, current: Current) -> bool:
        decision, hold = self._made_from
        return decision is current.decision and hold is current.known.hold


@dataclass(eq=False, slots=True)
class Answers:
    """Answers the routes and the commands. Any number of threads may ask at once."""

    _newest: Newest
    _board: Board
    _newest_catalog: Callable[[], Catalog]  # the one whose repositories must be read before anything is answered
    _max_stale: timedelta
    _clock: Callable[[], datetime]
    _refreshed_once: threading.Event
    _rendered: _Rendered = field(default_factory=_Rendered, init=False)
    _asked: int = field(default=0, init=False)  # the newest version that was given to Argo CD

    def current(self) -> Current:
        """Return everything that is known, with the decision on it, however old it is. Raises NotReady."""
        try:
            current = self._newest.synchronised()
        except Unreachable as error:
            raise NotReady(f"{error}; until then it is not known which answer is the newest") from None
        if current.known.catalog is None:
            names = unread(current.known.snapshot, self._newest_catalog()) or ["those of a new catalog"]
            raise NotReady(one_line("these repositories have never been read: " + ", ".join(names)))
        return current

    def parameters(self, wanted: Mapping[str, Any], envelope: Envelope = BARE) -> bytes:
        """Return what the input parameters of an ApplicationSet ask for, as a JSON list in an envelope.

        Raises InvalidRequest, or NotReady if there is no answer that is safe to give.
        """
        try:
            return self._parameters(wanted, envelope)
        except NotReady:  # a server that has just started may know more in a moment
            self._refreshed_once.wait(FIRST_ANSWER)
            return self._parameters(wanted, envelope)

    def age(self) -> timedelta:
        """Return how long ago the source was last read successfully; zero before the first time."""
        fresh_at = self._newest.known_here.known.head.fresh_at
        return self._clock() - fresh_at if fresh_at else timedelta(0)

    def _parameters(self, wanted: Mapping[str, Any], envelope: Envelope) -> bytes:
        current = self.current()
        catalog = current.known.catalog
        assert catalog  # noqa: S101  current() has made sure
        filters = parse_filters(wanted, catalog)
        self._refuse_stale(current)
        parameters = self._rendered.of(current, filters, envelope)
        if parameters is None:
            raise NotReady(
                "more previews would leave than PREVIEW_BREAKER allows, and the previous answer is not known; "
                "the read routes say which, and how to release them"
            )
        self._tell_asked(current.known.head.version)
        return parameters

    def _refuse_stale(self, current: Current) -> None:
        fresh_at = current.known.head.fresh_at
        # A time far in the future does not prove freshness: the clock was wrong then or is wrong now.
        if fresh_at is not None and abs(self._clock() - fresh_at) > self._max_stale:
            raise NotReady("nothing could be read for longer than PREVIEW_MAX_STALE; the log says why")

    def _tell_asked(self, version: int) -> None:
        if version > self._asked:
            with suppress(Unreachable):  # only the nudge needs it
                self._board.asked(version)
                self._asked = version
