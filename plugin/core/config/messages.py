"""Sentences for people that Kubernetes can carry: one line, bounded, nothing invisible."""

import unicodedata

MAX_LENGTH = 300


def one_line(text: str) -> str:
    """Return `text` as one line of at most 300 characters, without control or bidirectional characters."""
    visible = "".join(" " if unicodedata.category(c).startswith("C") else c for c in text)
    line = " ".join(visible.split())
    return line if len(line) <= MAX_LENGTH else line[: MAX_LENGTH - 1] + "…"
