"""Replies: what is said to people who gave a command. Whatever they wrote goes through `prose` or `code`."""

import re
from collections.abc import Iterable

from plugin.core.commands.parsing import Verb
from plugin.core.facts.heard import Comment
from plugin.core.reports.comment import for_commenters, joined
from plugin.core.reports.markdown import code, sentence

HELP = """| Comment | What it does |
| --- | --- |
| `/preview` | asks for a preview: sets its label. If the label is set, asks again, which starts a new age |
| `/preview stop` | removes the label, and so the preview |
| `/preview pause` | puts the preview to sleep. Its data stays |
| `/preview resume` | wakes it |
| `/preview extend`, `/preview extend 3d` | lets it live for longer: as long as the catalog says, or three days |
| `/preview keep` | sets a label: it no longer sleeps or ends by itself, except at its maximum age |
| `/preview why` | says what it is, whom it calls, and why |

A command is the first line of a new comment by somebody who may write to this repository."""

# Where a sentence names a command, prose has only its first word in code.
_COMMAND = re.compile(rf"`/preview` ({'|'.join(verb for verb in Verb if verb)})\b")


def marker(comment: Comment) -> str:
    """Return how the reply to a comment begins, so that it can be found."""
    return f"<!-- preview-plugin answer {comment.id} -->"


def reply(comment: Comment, *paragraphs: str) -> str:
    """Return the reply to a command; the paragraphs are Markdown."""
    return joined(marker(comment), f"{code(comment.line)}:", *paragraphs)


def sentences(said: Iterable[str]) -> str:
    """Return a sentence, or a list of several, as Markdown."""
    lines = [_COMMAND.sub(r"`/preview \1`", for_commenters(sentence(each))) for each in said]
    return lines[0] if len(lines) == 1 else "\n".join(f"- {line}" for line in lines)
