"""Sentences for people that Kubernetes can carry: one line, bounded, nothing invisible."""

import unicodedata

MAX_LENGTH = 300
EXAMINED = 4 * MAX_LENGTH  # characters, so that a huge text costs no more than a long one


def one_line(text: str) -> str:
    """Return `text` as one line of at most 300 characters, without control or bidirectional characters."""
    visible = "".join(" " if unicodedata.category(c).startswith("C") else c for c in text[:EXAMINED])
    line = " ".join(visible.split())
    if len(line) <= MAX_LENGTH and len(text) <= EXAMINED:
        return line
    return line[: MAX_LENGTH - 1] + "…"
