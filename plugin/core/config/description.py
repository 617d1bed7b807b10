"""Depends-On lines in a pull request's description, which is Markdown that anybody with an account can write.

A link is a line that holds only `Depends-On: acme/payments#123`, perhaps after blanks and a list marker.
HTML comments and fenced code blocks are skipped as GitHub skips them: https://spec.github.com/gfm/. A line that was
probably meant as a link but is not one becomes a warning that says what to write.

Every step takes time in proportion to the length of the text, because strangers write it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from plugin.core.config.messages import one_line
from plugin.core.config.references import LOCATOR_IN_TEXT, QUOTED, Locator, parse_locator

MAX_LINKS = 100
MAX_NEAR_MISSES = 10
MAX_LINE = 1000  # characters; a longer line cannot be a link
EXAMINED = 300  # characters of a line that are searched for a near miss
SHORT = 4096  # characters; real descriptions that hold a link are shorter

_LIST_MARKER = r"(?:[-*+]|[0-9]{1,9}[.)])[ \t]+"
_LINK = re.compile(rf"[ \t]*(?:{_LIST_MARKER})?depends-on:[ \t]*(?P<target>\S.*)?", re.IGNORECASE | re.ASCII)
_FENCE = re.compile(rf"(?P<indent>[ ]*(?:{_LIST_MARKER})?)(?P<fence>`{{3,}}(?=[^`]*$)|~{{3,}})", re.ASCII)
_COMMENT_FIRST = re.compile(rf"[ \t]*(?:{_LIST_MARKER})?<!--", re.ASCII)

# What may surround a near miss: quote and list markers, check boxes, emphasis, inline code.
_DECORATION = re.compile(r"[\s>*+_~`#\-]*(?:[0-9]{1,9}[.)]\s+)?(?:\[[ xX]?\]\s*)?[\s*_~`]*")
_ALMOST_KEY = re.compile(r"depends?[\s_-]?on\b[\s*_~`]*(?P<colon>[:=]?)[\s*_~`]*", re.IGNORECASE)
_KEY_INSIDE = re.compile(r"(?<!`)\bdepends-on:", re.IGNORECASE)
_MARKUP = " \t*_~`"
_NUMBER_ONLY = re.compile(r"#(?P<number>[1-9][0-9]{0,6})\b", re.ASCII)


@dataclass(frozen=True, slots=True)
class Link:
    """A Depends-On line: its target as written, and the pull request that it names."""

    text: str
    locator: Locator


@dataclass(frozen=True, slots=True)
class Description:
    """What a description asks for: links in their order, and a warning for each line that is almost a link."""

    links: tuple[Link, ...] = ()
    near_misses: tuple[str, ...] = ()


NOTHING = Description()


def read_description(body: str, author: str = "") -> Description:
    """Read a description once; the result of a text is remembered.

    A bot's description links to nothing: it quotes release notes and commit messages of other people. `author` is the
    login as REST spells it, for example `dependabot[bot]`.
    """
    if author.endswith("[bot]") or not re.search("depend", body, re.IGNORECASE | re.ASCII):
        return NOTHING
    return (_remembered if len(body) <= SHORT else _remembered_long)(body)


def _read(body: str) -> Description:
    links: list[Link] = []
    near_misses: list[str] = []
    key_line = ""  # the last line, if it was a key without a target
    for line in _visible_lines(body):
        if key_line and not line.strip():
            continue
        link, near_miss = _read_line(line, key_line)
        if link and len(links) < MAX_LINKS:
            links.append(link)
        if near_miss and len(near_misses) < MAX_NEAR_MISSES:
            near_misses.append(one_line(near_miss))
        match = _LINK.fullmatch(line) if len(line) <= MAX_LINE else None
        key_line = line if match and match["target"] is None else ""
    return Description(tuple(links), tuple(near_misses)) if links or near_misses else NOTHING


_remembered = lru_cache(maxsize=4096)(_read)
_remembered_long = lru_cache(maxsize=16)(_read)  # one pull request's description is read several times in a row


def _read_line(line: str, key_line: str) -> tuple[Link | None, str]:
    """Return the link that a line is, or a warning if it is almost one."""
    match = _LINK.fullmatch(line) if len(line) <= MAX_LINE else None
    if match and match["target"] is None:
        return None, ""
    target = match["target"].rstrip(" \t") if match else ""
    if locator := parse_locator(target):
        return Link(target, locator), ""
    start = line[:EXAMINED]
    if key_line:
        rest = start[_prefix(start) :].strip()
        return None, _instead(f"{key_line.strip()} {rest}", rest) if parse_locator(rest) else ""
    return None, _near_miss(start, target)


def _near_miss(line: str, target: str) -> str:
    start = _prefix(line)
    key = _ALMOST_KEY.match(line, start)
    if key is None:
        inside = _KEY_INSIDE.search(line)
        if inside is None:
            return ""
        rest, start = line[inside.end() :], inside.start()
        return _instead(line[start:], rest) if _names_pull_request(rest) else ""
    rest = line[key.end() :]
    if not target and not _names_pull_request(rest):
        return ""  # prose, or a key that somebody left without a target
    return _instead(line[start:], rest)


def _prefix(line: str) -> int:
    match = _DECORATION.match(line)
    return match.end() if match else 0


def _names_pull_request(text: str) -> bool:
    return bool(LOCATOR_IN_TEXT.search(text) or _NUMBER_ONLY.search(text))


def _instead(written: str, target: str) -> str:
    """Say what to write instead of a line, with the pull request that it names."""
    ignored = f'"{one_line(written.strip(_MARKUP))[:QUOTED]}" is ignored'
    locators = [parse_locator(match[0]) for match in LOCATOR_IN_TEXT.finditer(target)]
    if locators:
        each = ", one line for each pull request" if len(locators) > 1 else ""
        return f'{ignored}; write "Depends-On: {locators[0]}" on a line by itself{each}'
    if number := _NUMBER_ONLY.search(target):
        return f'{ignored}: it names no repository; write for example "Depends-On: acme/payments{number[0]}"'
    return f'{ignored}: it names no pull request; write for example "Depends-On: acme/payments#123"'


def _visible_lines(body: str) -> Iterator[str]:
    """Return the lines outside fenced code blocks, with a blank in place of each HTML comment."""
    lines = body.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    closes = _closes_in_paragraph(lines)
    fence: _Fence | None = None
    in_comment = False
    for number, line in enumerate(lines):
        if not in_comment:
            if fence and not fence.ends_before(line):
                if fence.closed_by(line):
                    fence = None
                continue
            if fence := _opened_fence(line):
                continue
        visible, in_comment = _without_comments(line, in_comment=in_comment, closes_later=closes[number + 1])
        yield visible


@dataclass(frozen=True, slots=True)
class _Fence:
    """An open code fence; one inside a list item ends with the item, too."""

    mark: str
    indentation: int  # of the list item that holds it; 0 for none

    def ends_before(self, line: str) -> bool:
        return bool(line.strip()) and _indentation(line) < self.indentation

    def closed_by(self, line: str) -> bool:
        text = line.strip(" \t")
        fits = _indentation(line) <= self.indentation + 3  # with more blanks it is code
        return fits and len(text) >= len(self.mark) and text == self.mark[0] * len(text)


def _opened_fence(line: str) -> _Fence | None:
    match = _FENCE.match(line.expandtabs(4)) if line.lstrip(" \t-*+0123456789.)")[:3] in ("```", "~~~") else None
    if match is None:
        return None
    column, nested = len(match["indent"]), bool(match["indent"].strip())
    # An opening fence may follow up to three blanks; more of them mean that a list item holds it.
    return _Fence(match["fence"], column if nested else max(column - 3, 0))


def _indentation(line: str) -> int:
    blanks = line[: len(line) - len(line.lstrip(" \t"))]
    return len(blanks.expandtabs(4))


def _closes_in_paragraph(lines: list[str]) -> list[bool]:
    """Tell for each line whether a comment that is open at its start ends before the next empty line."""
    closes = [False] * (len(lines) + 1)
    for number in range(len(lines) - 1, -1, -1):
        closes[number] = bool(lines[number].strip()) and ("-->" in lines[number] or closes[number + 1])
    return closes


def _without_comments(line: str, *, in_comment: bool, closes_later: bool) -> tuple[str, bool]:
    """Return what is visible of a line, and whether a comment is open at its end."""
    visible, position = "", 0
    if in_comment:
        end = line.find("-->")
        if end < 0:
            return "", True
        visible, position = " ", end + 3
    while (start := line.find("<!--", position)) >= 0:
        end = line.find("-->", start + 2)
        if end < 0:
            # A comment that starts its line is a block: only "-->" or the end of the text closes it. Any other one
            # is part of a paragraph, and plain text if the paragraph does not close it.
            if closes_later or (position == 0 and _COMMENT_FIRST.match(line)):
                return visible + line[position:start], True
            break
        visible += line[position:start] + " "
        position = end + 3
    return visible + line[position:], False
