"""Errors with a message for people, by what the reader should do.

PluginError
├── InvalidFile       a file has mistakes: correct the lines that the message names
├── InvalidSettings   environment variables are invalid or missing: correct them and start again
├── InvalidRequest    the caller asked for something that does not exist: correct the request
├── NotReady          nothing safe can be answered now: ask again later, nothing is lost
├── Unreachable       the state cannot be read or written now (plugin/state)
├── Outdated          another replica stored something newer (plugin/state)
├── Unanswered        a server gave no answer that can be used; its caller says what follows from that
├── NotSent, NotGranted, NoReply: why something could not be written elsewhere (plugin/sources)
└── Unavailable, TooHeavy, Malformed: what GitHub could not say, which becomes a doubt (plugin/sources/github)
"""

from collections.abc import Sequence
from dataclasses import dataclass


class PluginError(Exception):
    """The base of all errors with a message for people."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file: where it is (`line` counts from 1) and what to do."""

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
    """All invalid or missing settings, one per line."""


class InvalidRequest(PluginError):
    """A request that cannot be answered because it is invalid."""


class NotReady(PluginError):
    """No answer is certain to include every preview that exists."""


class Unanswered(PluginError):
    """A server gave no answer that can be used. The text names the cause, and nothing of the answer."""
