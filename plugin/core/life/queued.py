"""Queued: a limit is reached. Limits never evict: what the last answer had stays, whatever the limit is now."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from plugin.core.config.lifecycle import Limits
from plugin.core.config.names import folded
from plugin.core.config.references import Locator
from plugin.core.facts.lives import Lives, State
from plugin.core.life.sentences import cut

BOT = "[bot]"  # how a bot's name ends


NEVER = datetime.max.replace(tzinfo=UTC)  # for what was asked for at a time that nobody knows: it comes last


@dataclass(frozen=True, slots=True)
class Request:
    """A pull request that asks for previews and has none."""

    asked_at: datetime
    locator: Locator
    author: str

    @property
    def place(self) -> tuple[datetime, str, int]:
        """What the queue is ordered by: the oldest request first."""
        return self.asked_at, self.locator.repository, self.locator.number


@dataclass(slots=True)
class Places:
    """How many pull requests have live previews."""

    total: int = 0
    per_repository: Counter[str] = field(default_factory=Counter)
    per_author: Counter[str] = field(default_factory=Counter)  # folded

    def take(self, repository: str, author: str) -> None:
        """Count one more."""
        self.total += 1
        self.per_repository[repository] += 1
        self.per_author[folded(author)] += 1


def ration(limits: Limits, taken: Places, requests: Iterable[Request]) -> dict[Locator, str]:
    """Admit pull requests, the oldest request first; return why the others have to queue. `taken` is counted up.

    A pull request that only its own limit blocks is passed over.
    """
    blocked = {}
    for request in sorted(requests, key=lambda each: each.place):
        if reason := _blocked(limits, taken, request):
            blocked[request.locator] = reason
        else:
            taken.take(request.locator.repository, request.author)
    return blocked


def queue(lives: Lives) -> tuple[Locator, ...]:
    """Return the pull requests that have to queue, in the order in which they are looked at."""
    asked: dict[Locator, datetime] = {}
    for name, each in lives.items():
        for key, life in each.items():
            if life.state is State.QUEUED:
                locator = Locator(name, int(key.rpartition("/")[2]))
                asked[locator] = min(asked.get(locator, NEVER), life.asked_at or NEVER)
    return tuple(sorted(asked, key=lambda locator: (asked[locator], locator.repository, locator.number)))


def _blocked(limits: Limits, taken: Places, request: Request) -> str:
    repository, author = request.locator.repository, request.author
    is_bot = author.endswith(BOT)
    most = limits.per_bot if is_bot else limits.per_author
    key = "limits.per_bot" if is_bot else "limits.per_author"
    reached = (
        _reason(limit, whose, name)
        for number, limit, whose, name in (
            (taken.total, limits.total, "", "limits.total"),
            (taken.per_repository[repository], limits.per_repository, f" of {repository}", "limits.per_repository"),
            (taken.per_author[folded(author)], most, f" of {cut(author)}", key),
        )
        if limit is not None and number >= limit
    )
    return next(reached, "")


def _reason(limit: int, whose: str, name: str) -> str:
    """Say which limit is reached. How many there are would change the reasons of all that wait with each one."""
    if limit == 0:
        return f"pull requests{whose} get no previews ({name} is 0 in the catalog). Ask the platform team to raise it"
    of_them, it = ("pull request", "that one") if limit == 1 else ("pull requests", "one of them")
    only = f"only {limit} {of_them}{whose} may have previews at a time ({name} in the catalog)"
    return f"{only}. It starts by itself once {it} is closed or ends"
