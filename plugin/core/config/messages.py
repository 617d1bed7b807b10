"""Messages for people in a form that Kubernetes can carry: one bounded line without invisible characters."""

import unicodedata
from datetime import UTC, datetime

MAX_LENGTH = 300
EXAMINED = 4 * MAX_LENGTH  # characters, so that a huge text costs no more than a long one


def visible(text: str) -> str:
    """Replace control and bidirectional characters, line breaks among them, by blanks."""
    if text.isprintable():  # most texts are, and this is quick
        return text
    return "".join(" " if unicodedata.category(c).startswith("C") else c for c in text)


def one_line(text: str) -> str:
    """Return `text` as one line of at most 300 characters, without control or bidirectional characters."""
    line = " ".join(visible(text[:EXAMINED]).split())
    if len(line) <= MAX_LENGTH and len(text) <= EXAMINED:
        return line
    return line[: MAX_LENGTH - 1] + "…"


def timestamp(moment: datetime | None) -> str:
    """Return a moment as RFC 3339 writes it, in UTC and whole seconds; "" for None, which means never."""
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
