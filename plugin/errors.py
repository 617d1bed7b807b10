"""What can go wrong, by what the reader of the message should do.

PluginError
├── InvalidFile       a file that somebody wrote has mistakes: mend the lines it names
├── InvalidSettings   the environment variables are wrong or missing: mend them and start again
├── InvalidRequest    the caller asked for something that does not exist: mend the request
├── NotReady          nothing safe can be answered now: ask again later, nothing is lost
├── Unreachable       the state cannot be read or written now (plugin/state)
└── Outdated          somebody else stored something newer (plugin/state)
"""

from collections.abc import Sequence
from dataclasses import dataclass


class PluginError(Exception):
    """The root of all errors that are meant for people."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file: where it stands (`line` counts from 1) and what to do."""

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        """`file:line: field: message`, the form that editors and CI understand."""
        field = f"{self.field}: " if self.field else ""
        return f"{self.file}:{self.line}: {field}{self.message}"


class InvalidFile(PluginError):
    """All mistakes of one file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class InvalidSettings(PluginError):
    """All wrong or missing settings, one a line."""


class InvalidRequest(PluginError):
    """A request that cannot be answered as it was asked."""


class NotReady(PluginError):
    """Nothing can be answered that is sure to leave out no living environment."""
