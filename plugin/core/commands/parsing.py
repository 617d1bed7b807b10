"""Parsing: what the first line of a comment means, if it is a command. Nothing else in a comment is ever looked at.

A command begins the comment: so it cannot be in a quote, in a code block, or hidden in HTML.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from plugin.core.config.durations import parse_span
from plugin.core.config.validation import did_you_mean

LONGEST = 200  # characters of the line; a longer one is prose

_WORD = r"(?:[ \t]+(?P<{}>[^ \t]+))?"
_COMMAND = re.compile(rf"/preview{_WORD.format('verb')}{_WORD.format('argument')}[ \t]*", re.ASCII | re.IGNORECASE)


class Verb(StrEnum):
    """What somebody can want."""

    ASK = ""
    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"
    EXTEND = "extend"
    KEEP = "keep"
    WHY = "why"
    HELP = "help"


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody wants."""

    verb: Verb
    span: timedelta | None = None  # of an extension; None: as long as the catalog plans


@dataclass(frozen=True, slots=True)
class Mistake:
    """A line that was meant as a command, and what is wrong with it, in a sentence."""

    reason: str


def first_line(body: str) -> str:
    """Return the first line of a comment if it begins like a command, else ""."""
    line = body[: LONGEST + 2].partition("\n")[0].removesuffix("\r")
    return line if len(line) <= LONGEST and _COMMAND.fullmatch(line) else ""


def parse(line: str) -> Command | Mistake | None:
    """Read the first line of a comment; None if it is not a command. Case does not matter."""
    match = _COMMAND.fullmatch(line)
    if match is None:
        return None
    word, argument = match["verb"] or "", match["argument"] or ""
    verb = _VERBS.get(_lower(word))
    if verb is None:
        suggestion = did_you_mean(_lower(word), _VERBS) or ". Comment /preview help to see all commands"
        return Mistake(f'"{word}" is not a command{suggestion}')
    if not argument:
        return Command(verb)
    if verb is not Verb.EXTEND:
        return Mistake(f'"{verb}" takes no argument, but there is "{argument}"')
    try:
        return Command(verb, parse_span(_lower(argument)))
    except ValueError as error:
        return Mistake(str(error))


_VERBS = {verb.value: verb for verb in Verb}


def _lower(word: str) -> str:
    # Letters of other alphabets have lower cases that are letters of ours.
    return word.lower() if word.isascii() else word
