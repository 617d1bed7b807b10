"""The limiter: what one token may still ask, so that no request is sent only to be refused.

GitHub's rules: https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api and
https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from plugin.sources.github.answer import Limited, Unavailable, date_of

# GitHub's windows are an hour long. Whatever asks for more comes from a wrong clock or a mangled header, and must not
# keep the plugin blind for longer.
LONGEST_BLOCK = 3600.0  # seconds
SHORTEST_BLOCK = 1.0
# After a secondary limit that names no time, GitHub asks for at least a minute, and for more each time it fails again.
SECONDARY_BLOCK = 60.0
# GitHub allows 60 seconds of computing per 60 seconds, to be estimated by how long its answers take.
CPU_WINDOW = 60.0
CPU_BUDGET = 45.0
OUT_OF_TIME = "the refresh ran out of time; the next one continues"
RESERVE = 0.1  # the share of the remaining points that is kept for webhooks and people
LONGEST_REST = 300.0  # seconds between two readings, as long as there are points


@dataclass(frozen=True, slots=True)
class LimiterClock:
    """What limits need to know of time: seconds that only grow, how to wait, and the time of day."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of this hour's points, as GitHub last reported it."""

    remaining: int  # points
    resets: float  # when all of them are renewed, by the monotonic clock


@dataclass(slots=True)
class Limiter:
    """What one token may still ask. Any number of threads may use it."""

    clock: LimiterClock
    _quota: Quota | None = None
    points: int = 0  # spent since the start
    _blocked_until: float = 0.0  # by the monotonic clock
    _rests_until: float = 0.0
    _costs: deque[int] = field(default_factory=lambda: deque(maxlen=2))  # of the last readings that cost any points
    _refusals: int = 0  # secondary limits in a row
    _answers: deque[tuple[float, float]] = field(default_factory=deque)  # when each ended, how long it took; seconds
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait_for_turn(self, patience: float = math.inf) -> None:
        """Return when a query may be sent: now, or after a wait that spares GitHub's computing time.

        Raises Limited at once while GitHub accepts no requests, and Unavailable if the wait would take longer than
        `patience`, in seconds.
        """
        with self._lock:
            if until := self._moment(self._blocked_until):
                raise Limited(until=until)
            wait = self._until_affordable()
        if wait >= patience:
            raise Unavailable(OUT_OF_TIME)
        if wait > 0:
            self.clock.sleep(wait)

    def answered(self, seconds: float, headers: Mapping[str, str], rate: object) -> None:
        """Account for a query that was answered; `rate` is the answer's `rateLimit`, null on Enterprise Server."""
        with self._lock:
            self._note(seconds)
            self._refusals = 0
            self.points += _cost(rate)
            self._quota = self._read_quota(headers, rate) or self._quota
            if self._quota and self._quota.remaining == 0:
                self._block(self._quota.resets - self.clock.monotonic())

    def failed(self, seconds: float) -> None:
        """Account for a query without an answer: GitHub has worked on it all the same."""
        with self._lock:
            self._note(seconds)

    def refused(self, headers: Mapping[str, str], *, points_used_up: bool = False) -> None:
        """Account for a request that GitHub's limits refused: block until the time that it named, or for a minute."""
        with self._lock:
            quota = self._read_quota(headers, None)
            retry_after = _number(headers.get("retry-after"))
            if quota and headers.get("x-ratelimit-resource", "graphql") == "graphql":
                self._quota = quota
            if retry_after is not None:
                self._block(retry_after)
            elif quota and (points_used_up or quota.remaining == 0):
                self._block(quota.resets - self.clock.monotonic())
            elif points_used_up and self._quota:
                self._block(self._quota.resets - self.clock.monotonic())
            else:
                self._block(SECONDARY_BLOCK * 2**self._refusals)
                self._refusals = min(self._refusals + 1, 10)

    def rest(self, points: int) -> None:
        """Make the next reading of everything wait, so that the points last until they are renewed.

        `points` is what the last one cost. A single expensive reading, like the first, says nothing about the next.
        """
        with self._lock:
            if points:
                self._costs.append(points)
            quota = self._known_quota()
            if quota and len(self._costs) == self._costs.maxlen:
                now, readings = self.clock.monotonic(), quota.remaining * (1 - RESERVE) / min(self._costs)
                self._rests_until = now + min((quota.resets - now) / max(readings, 1), LONGEST_REST)

    @property
    def quota(self) -> Quota | None:
        """What is left; None if that is not known, or if the points were renewed meanwhile."""
        with self._lock:
            return self._known_quota()

    @property
    def rests_until(self) -> datetime | None:
        """When everything may be read again, so that the points last; None: now."""
        with self._lock:
            return self._moment(self._rests_until)

    @property
    def resumes_at(self) -> datetime | None:
        """When GitHub accepts requests again and no rest is needed, so that everything may be read; None: now."""
        with self._lock:
            return self._moment(max(self._blocked_until, self._rests_until))

    def _moment(self, monotonic: float) -> datetime | None:
        """Return a moment by the local clock; None if it has passed."""
        seconds = monotonic - self.clock.monotonic()
        return self.clock.now() + timedelta(seconds=seconds) if seconds > 0 else None

    def _known_quota(self) -> Quota | None:
        return self._quota if self._quota and self._quota.resets > self.clock.monotonic() else None

    def _block(self, seconds: float) -> None:
        until = self.clock.monotonic() + min(max(seconds, SHORTEST_BLOCK), LONGEST_BLOCK)
        self._blocked_until = max(self._blocked_until, until)

    def _note(self, seconds: float) -> None:
        self._answers.append((self.clock.monotonic(), seconds))

    def _until_affordable(self) -> float:
        """Return the seconds until enough of the last answers are older than the window."""
        now = self.clock.monotonic()
        while self._answers and self._answers[0][0] <= now - CPU_WINDOW:
            self._answers.popleft()
        spent, wait = sum(seconds for _, seconds in self._answers), 0.0
        for ended, seconds in self._answers:
            if spent < CPU_BUDGET:
                break
            spent -= seconds
            wait = ended + CPU_WINDOW - now
        return wait

    def _read_quota(self, headers: Mapping[str, str], rate: object) -> Quota | None:
        found = _from_data(rate) or _from_headers(headers)
        if found is None:
            return None
        remaining, resets_at = found
        # Both moments are GitHub's, so that a wrong clock here does no harm.
        wait = (resets_at - (date_of(headers) or self.clock.now())).total_seconds()
        return Quota(remaining, self.clock.monotonic() + min(wait, LONGEST_BLOCK))


def scarcest(limiters: Iterable[Limiter]) -> Quota | None:
    """Return the quota with the fewest points left; None if none is known."""
    return min((quota for limiter in limiters if (quota := limiter.quota)), key=_remaining, default=None)


def _remaining(quota: Quota) -> int:
    return quota.remaining


def _cost(rate: object) -> int:
    match rate:
        case {"cost": int(cost)}:
            return cost
    return 0


def _from_data(rate: object) -> tuple[int, datetime] | None:
    match rate:
        case {"remaining": int(remaining), "resetAt": str(reset)}:
            try:
                return remaining, datetime.fromisoformat(reset).astimezone(UTC)
            except ValueError:
                return None
    return None


def _from_headers(headers: Mapping[str, str]) -> tuple[int, datetime] | None:
    remaining, reset = _number(headers.get("x-ratelimit-remaining")), _number(headers.get("x-ratelimit-reset"))
    if remaining is None or reset is None:
        return None
    try:
        return remaining, datetime.fromtimestamp(reset, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None
