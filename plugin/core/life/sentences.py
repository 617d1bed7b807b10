"""Sentences: what people read about a preview. They never lose their end, which says what would change it."""

from plugin.core.config.messages import MAX_LENGTH, one_line

MOST = 80  # characters of a name that somebody wrote


def sentences(*parts: str) -> str:
    """Join sentences in one line. Where that is too long, the first ones are left out."""
    said = [part for part in parts if part]
    while len(said) > 1 and len(". ".join(said)) > MAX_LENGTH:
        said.pop(0)
    return one_line(". ".join(said))


def cut(name: str) -> str:
    """Return a name, or its beginning if it is very long."""
    return name if len(name) <= MOST else name[: MOST - 1] + "…"
