"""YAML from strangers: bounded before anything is built, and with the line of every value.

The tree is built from libyaml's events, which come one at a time, so a bomb is refused as soon as it crosses a
limit. Composing first is not safe: libyaml's composer crashes the process on 60,000 opening brackets.

Plain words mean what people expect: `no`, `0123456` and `1:30` are strings. Only `true`, `false`, `null`, `~` and whole
numbers are not.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import yaml

Path = tuple[str | int, ...]

MAX_BYTES = 64 * 1024
MAX_DEPTH = 20
MAX_NODES = 5_000

# At most 18 digits: Python refuses to convert very long ones, and our files do not need them.
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})", re.ASCII)
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


class YamlError(ValueError):
    """The text is not valid YAML, or goes beyond a limit; `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Limits:
    """How much a file may contain."""

    bytes: int = MAX_BYTES
    nodes: int = MAX_NODES


@dataclass(frozen=True)
class Document:
    """Plain data, the line of each path, and duplicate keys, each with the line of the second one."""

    data: object  # made of dict, list, str, int, bool and None
    lines: Mapping[Path, int]
    duplicates: tuple[tuple[Path, int], ...]

    def line(self, path: Path) -> int:
        """Return the line of `path`, or of its nearest parent that exists."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def load(text: str, limits: Limits = Limits()) -> Document:
    """Read one YAML document. If it is empty or consists of comments, its data is None. Raises YamlError."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise YamlError(1, "is not valid Unicode text") from None
    if size > limits.bytes:
        raise YamlError(1, f"is larger than {limits.bytes // 1024} KiB")
    builder = _Builder(text, limits)
    try:
        return builder.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(mark.line + 1 if mark else 1, error.problem or "is not valid YAML") from None
    except yaml.YAMLError:
        raise YamlError(builder.line, "contains characters that YAML does not allow") from None


@dataclass
class _Builder:
    text: str
    limits: Limits
    line: int = 1
    nodes: int = 0
    lines: dict[Path, int] = field(default_factory=dict)
    duplicates: list[tuple[Path, int]] = field(default_factory=list)

    def document(self) -> Document:
        events = self._events()
        data = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if self.nodes:
                    raise YamlError(self.line, "contains several documents; only one is allowed")
                data = self._value(next(events), events, ())
        return Document(data, self.lines, tuple(self.duplicates))

    def _events(self) -> Iterator[yaml.Event]:
        for event in yaml.parse(self.text, Loader=yaml.CSafeLoader):
            self.line = event.start_mark.line + 1  # type: ignore[union-attr]  # libyaml always sets it
            yield event

    def _value(self, event: yaml.Event, events: Iterator[yaml.Event], path: Path) -> object:
        self.nodes += 1
        if self.nodes > self.limits.nodes:
            raise YamlError(self.line, f"contains more than {self.limits.nodes:,} values")
        if len(path) > MAX_DEPTH:
            raise YamlError(self.line, f"is nested more than {MAX_DEPTH} levels deep")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise YamlError(self.line, "anchors (&) and aliases (*) are not allowed")
        if getattr(event, "tag", None):
            raise YamlError(self.line, "tags (!) are not allowed")
        self.lines.setdefault(path, self.line)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(events, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, path)
        assert isinstance(event, yaml.ScalarEvent)  # noqa: S101  the last of the four kinds
        return _scalar(event)

    def _mapping(self, events: Iterator[yaml.Event], path: Path) -> dict[str, object]:
        data: dict[str, object] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise YamlError(self.line, "a key must be a plain string")
            key: str = event.value
            place, line = (*path, key), self.line
            self._value(event, events, place)
            value = self._value(next(events), events, place)
            if key in data:
                self.duplicates.append((place, line))
            else:
                data[key] = value
        return data

    def _sequence(self, events: Iterator[yaml.Event], path: Path) -> list[object]:
        data: list[object] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            data.append(self._value(event, events, (*path, len(data))))
        return data


def _scalar(event: yaml.ScalarEvent) -> object:
    text: str = event.value
    if not event.implicit[0]:  # quoted or a block: always a string
        return text
    if text in _WORDS:
        return _WORDS[text]
    return int(text) if _INTEGER.fullmatch(text) else text
