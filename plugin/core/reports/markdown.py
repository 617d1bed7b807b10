"""Markdown that says what people wrote and does nothing else: no link, no mention, no reference, no HTML.

GitHub looks for mentions, references, commits and addresses in the text of a comment after Markdown is rendered, so
escapes do not help. It looks for none of them in code. So a sentence consists of plain words, which are letters only,
and of everything else, each in code: `acme/payments#123` was merged.
https://github.github.com/gfm/#code-spans and https://docs.github.com/en/get-started/writing-on-github
"""

import re

from plugin.core.config.messages import one_line

# What may stand around a word without changing it.
_WORD = re.compile(r"(?P<before>[(\"']*)(?P<core>.*?)(?P<after>[)\"'.,;:!?]*)", re.DOTALL)
_PLAIN = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*|[0-9]{1,5}")
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]{7,}")  # GitHub links what could be a commit
_BACKTICKS = re.compile("`+")


def prose(text: str) -> str:
    """Return a sentence as Markdown in one line; what is not a plain word is in code. Longer texts are cut."""
    return " ".join(map(_word, one_line(text).split(" ")))


def sentence(text: str) -> str:
    """Return a text as `prose` that ends like a sentence.

    A full stop is added before the text becomes Markdown, because after a number it could begin a list.
    """
    line = one_line(text)
    return prose(line if line.endswith((".", "?", "!", "…")) else f"{line}.")


def code(text: str) -> str:
    """Return a text as code in one line: exactly its characters, whatever they are, but blanks are not kept apart."""
    line = one_line(text)
    if not line:
        return ""
    longest = max((len(run) for run in _BACKTICKS.findall(line)), default=0)
    fence = "`" * (longest + 1)
    padding = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{padding}{line}{padding}{fence}"


def cell(markdown: str) -> str:
    """Return Markdown for a cell of a table, where a `|` would begin the next one, even in code."""
    return markdown.replace("|", "\\|")


def _word(word: str) -> str:
    match = _WORD.fullmatch(word)
    assert match  # noqa: S101  it matches everything
    before, core, after = match["before"], match["core"], match["after"]
    if not core:  # only punctuation
        return code(word)
    if _PLAIN.fullmatch(core) and not _HEXADECIMAL.fullmatch(core) and not _marks_a_list(core, before, after):
        return word
    return f"{before}{code(core)}{after}"


def _marks_a_list(core: str, before: str, after: str) -> bool:
    """Tell whether a number could begin a list: `1.` and `1)`."""
    return core.isdecimal() and not before and after[:1] in {".", ")"}
