"""The life of a preview as the catalog plans it: what it waits for, when it sleeps and ends, how many there may be.

A rule whose key is missing is off.
"""

from dataclasses import dataclass
from datetime import timedelta

from plugin.core.config.hours import WorkingHours

AWAKE = timedelta(hours=2)
EXTEND = timedelta(hours=24)
WARN = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class CheckGate:
    """A commit is ready once its check run, or its commit status, of this name has succeeded."""

    name: str
    app: str = ""  # the slug of the GitHub App whose check run counts; "" for any


@dataclass(frozen=True, slots=True)
class ImageGate:
    """A commit is ready once the registry has its image."""


Gate = CheckGate | ImageGate


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The plan for the previews of one service."""

    ready_when: Gate | None = None
    pause_after: timedelta | None = None  # since the newest activity
    hours: WorkingHours | None = None  # paused outside
    awake: timedelta = AWAKE  # how long any activity keeps a preview awake outside `hours`
    expire_after: timedelta | None = None  # since the newest activity
    extend: timedelta = EXTEND  # what one extension adds, if it names no time
    max_age: timedelta | None = None  # since the preview was asked for
    warn: timedelta = WARN  # at least this long between the first announcement of an end and that end
    keep: str = ""  # with this label a preview neither pauses nor expires; "": there is no such label

    @property
    def plans(self) -> bool:
        """Whether any rule is on."""
        return self != NO_LIFECYCLE


NO_LIFECYCLE = Lifecycle()


@dataclass(frozen=True, slots=True)
class Shortened:
    """What a `.preview.yaml` says about the life of its previews. It can only shorten what the catalog plans."""

    pause_after: timedelta | None = None
    expire_after: timedelta | None = None


NOT_SHORTENED = Shortened()


@dataclass(frozen=True, slots=True)
class Limits:
    """How many pull requests may have live previews, paused ones too. None: any number."""

    total: int | None = None
    per_repository: int | None = None
    per_author: int | None = None  # of people
    per_bot: int | None = None  # of each bot

    @property
    def limit(self) -> bool:
        """Whether there is any limit."""
        return self != NO_LIMITS


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Traffic:
    """Where to learn which previews are used: a query of Prometheus with one sample for each namespace."""

    prometheus: str  # its URL
    query: str
    label: str  # the label of a sample that holds the namespace
