"""Durations as people write them: `30s`, `90m`, `8h`, `7d`, `2w`."""

import re
from datetime import timedelta

SHORTEST, LONGEST = timedelta(seconds=10), timedelta(days=365)  # in the life of a preview

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"([1-9][0-9]{0,5})([smhdw])", re.ASCII)


def parse_duration(text: str) -> timedelta:
    """Read one whole number and one unit. Raises ValueError."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f'"{text}" is not a duration: write a whole number and one of s, m, h, d, w, for example 30s')
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def parse_span(text: str) -> timedelta:
    """Read a duration in the life of a preview. Raises ValueError."""
    span = parse_duration(text)
    if not SHORTEST <= span <= LONGEST:
        raise ValueError(f'"{text}" must be at least 10s and at most 365d')
    return span
