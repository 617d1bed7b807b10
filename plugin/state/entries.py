"""Entries: the smallest parts that a store keeps, each with a name and a value, which is compressed if it is large.

A value is JSON, optionally followed by a newline and raw bytes: megabytes that are bytes already need no escapes.
"""

import json
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

SCHEMA = 2  # of the entries; see `upgrades.py`

LEVEL = 1  # of compression: the fastest
SMALL = 512  # bytes; JSON shorter than this is not worth compressing, and there is a history for every preview
COMPRESSED = b"\x78"  # the first byte of zlib's format, and never of JSON

# Far more than a large repository or a held answer of 10,000 previews needs, and little enough to fit into memory.
MOST_BYTES = 128 * 1024 * 1024

UNREADABLE = "an entry of the state is unreadable and left out"  # what the log says


class Unreadable(Exception):
    """The bytes are not an entry that this program wrote. The text is safe to log."""


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """What an entry is about; `key` distinguishes the entries of one kind."""

    kind: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    """What an entry holds."""

    content: Any  # what JSON can express, and what `_plain` turns into that
    raw: bytes | None = None


def encode(value: Value) -> bytes:
    """Return a value as bytes; equal values give equal bytes."""
    # Not pydantic's own JSON: people's texts hold lone surrogates, which are not UTF-8, and json escapes all of them.
    text = _ENCODER.encode(value.content).encode()
    if value.raw is None and len(text) < SMALL:
        return text
    return zlib.compress(text if value.raw is None else text + b"\n" + value.raw, LEVEL)


def _inflated(data: bytes) -> bytes:
    inflating = zlib.decompressobj()
    plain = inflating.decompress(data, MOST_BYTES)
    if inflating.unconsumed_tail:
        raise Unreadable(f"it inflates to more than {MOST_BYTES} bytes")
    if not inflating.eof:
        raise Unreadable("it is cut off")
    return plain


def decode(data: bytes) -> Value:
    """Return the value that `encode` turned into these bytes. Raises Unreadable, also for more than MOST_BYTES."""
    try:
        text, newline, raw = (_inflated(data) if data.startswith(COMPRESSED) else data).partition(b"\n")
        return Value(json.loads(text), raw if newline else None)
    except (ValueError, RecursionError, zlib.error) as error:  # the text may repeat a value, the type does not
        raise Unreadable(type(error).__name__) from None


def _plain(value: object) -> object:
    """Turn what JSON cannot express into what it can; sets in order, so that equal ones give equal bytes."""
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    raise TypeError(type(value).__name__)


_ENCODER = json.JSONEncoder(default=_plain, separators=(",", ":"))
