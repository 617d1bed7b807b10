"""Markdown as GitHub shows it: rendered by GitHub's own renderer (cmark-gfm), then searched for what GitHub would link.

GitHub turns mentions, references, commits and emoji in text into links after rendering, but not in code and in links.
https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls
"""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

import cmarkgfm  # type: ignore[import-untyped]
from cmarkgfm.cmark import Options  # type: ignore[import-untyped]

VOID = {"br", "hr", "img", "input"}
# What GitHub looks for in text. Each is wider than GitHub's own, so that nothing is missed.
WAKES = {
    "mention": re.compile(r"@\w"),
    "reference": re.compile(r"#\w|\bGH-\d|\b[A-Za-z][A-Za-z0-9]+-\d"),
    "commit": re.compile(r"\b[0-9a-fA-F]{7,}\b"),
    "address": re.compile(r"://|\bwww\.|\w@\w|mailto:"),
    "emoji": re.compile(r":[a-z0-9_+-]+:"),
    "mathematics": re.compile(r"\$"),
}


@dataclass
class Rendered(HTMLParser):
    """What a reader gets."""

    html: str
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)  # outside of code and links
    comments: list[str] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.html)
        self.close()
        assert self._open == [], "the renderer closes every tag"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]
        if tag == "code":
            self.code.append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "code" in self._open:
            self.code[-1] += data
        elif "a" not in self._open:
            self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def woken(self) -> dict[str, list[str]]:
        """Everything in the text that GitHub might turn into something."""
        whole = "".join(self.text)  # GitHub looks at each text by itself; together there can only be more
        return {name: found for name, pattern in WAKES.items() if (found := pattern.findall(whole))}


def rendered(markdown: str) -> Rendered:
    """Render as GitHub does, except that HTML is not cleaned up, so that every tag shows."""
    return Rendered(cmarkgfm.github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE))
