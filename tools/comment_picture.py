"""Draws a comment as GitHub shows it: docs/pictures/comment.svg, from the Markdown that the demo prints."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import cmarkgfm  # type: ignore[import-untyped]

ROOT = Path(__file__).parent.parent
COMMENT = ROOT / "docs/pictures/comment.svg"
WIDTH, MARGIN, SIZE, LINE = 860, 16, 14, 21  # pixels
MONO, SMALLER = 0.6, 0.85  # a monospaced font's width by its height; the size of code by that of the text around it
TITLE = "The comment on a pull request: its preview, whom it calls and why, and who calls it"
STYLE = f"""
text {{ font: {SIZE}px -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328; white-space: pre; }}
.bold {{ font-weight: 600; }} .link {{ fill: #0969da; }} .head {{ fill: #59636e; }}
.code {{ font: {SIZE * SMALLER:.1f}px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; }}
"""
# Of Helvetica, in thousandths of the font's size. A browser stretches its own font to the width that is computed.
_WIDTHS = {
    222: "ijl", 191: "'", 260: "|", 278: " !,./:;I[\\]ft", 333: "()-`r", 334: "{}", 355: '"', 389: "*", 469: "^",
    500: "Jcksvxyz", 556: "#$0123456789?L_abdeghnopqu", 584: "+<=>~", 611: "FTZ", 667: "&ABEKPSVXY", 722: "CDHNRUw",
    778: "GOQ", 833: "Mm", 889: "%", 944: "W", 1015: "@",
}  # fmt: skip
_WIDTH_OF = {character: width for width, characters in _WIDTHS.items() for character in characters}


@dataclass(frozen=True)
class Run:
    """Text of one kind."""

    text: str
    kind: str = ""  # bold, link, code or head

    @property
    def width(self) -> float:
        """How wide it is, in pixels."""
        if self.kind == "code":
            return len(self.text) * MONO * SMALLER * SIZE
        bold = 1.06 if self.kind == "bold" else 1.0
        return sum(_WIDTH_OF.get(each, 600) for each in self.text) * bold * SIZE / 1000


@dataclass
class Block:
    """A paragraph, a list's entry, or a table, which has one entry for each cell of each row."""

    kind: str
    rows: list[list[list[Run]]] = field(default_factory=lambda: [[[]]])


class Blocks(HTMLParser):
    """Reads what the renderer of Markdown makes of a comment. Raises ValueError for what nobody draws here."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[Block] = []
        self._inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002  the library's
        """Begin a block or a kind of text."""
        match tag:
            case "p" | "li":
                self.blocks.append(Block(tag))
            case "table":
                self.blocks.append(Block(tag, []))
            case "tr":
                self.blocks[-1].rows.append([])
            case "th" | "td":
                self.blocks[-1].rows[-1].append([])
                self._inline += ["strong"] if tag == "th" else []
            case "strong" | "a" | "code":
                self._inline.append(tag)
            case "ul" | "thead" | "tbody":
                pass
            case _:
                raise ValueError(f"<{tag}> is not drawn here")

    def handle_endtag(self, tag: str) -> None:
        """End a kind of text."""
        if tag in ("strong", "a", "code", "th"):
            self._inline.pop()

    def handle_data(self, data: str) -> None:
        """Add text to the block."""
        if data.strip("\n"):
            kinds = {"strong": "bold", "a": "link", "code": "code"}
            kind = kinds[self._inline[-1]] if self._inline else ""
            self.blocks[-1].rows[-1][-1].append(Run(data, kind))


def blocks(markdown: str) -> list[Block]:
    """Return what GitHub's renderer of Markdown makes of a comment."""
    parser = Blocks()
    parser.feed(cmarkgfm.github_flavored_markdown_to_html(markdown))
    parser.close()
    return parser.blocks


def comment_picture(markdown: str) -> str:
    """Return an SVG of a comment."""
    drawn, y = [], 46.0
    for block in blocks(markdown):
        lines, y = _table(block, y + 6) if block.kind == "table" else _text(block, y + 6)
        drawn += lines
    height = round(y + MARGIN)
    head = _row([Run("acme-previews", "bold"), Run(" bot commented", "head")], MARGIN, 26)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            f"<title>{TITLE}</title>",
            f"<style>{STYLE}</style>",
            f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6" fill="#fff" stroke="#d1d9e0"/>',
            f'<path d="M1 40V7a6 6 0 0 1 6-6H{WIDTH - 7}a6 6 0 0 1 6 6V40Z" fill="#f6f8fa"/>',
            f'<path d="M1 40.5H{WIDTH - 1}" stroke="#d1d9e0"/>',
            '<g class="by">',
            *head,
            "</g>",
            *drawn,
            "</svg>\n",
        ]
    )


def _text(block: Block, y: float) -> tuple[list[str], float]:
    """Draw a paragraph or an entry of a list; return where the next one begins."""
    left, drawn = float(MARGIN), []
    if block.kind == "li":
        left += 28
        y -= 8
        drawn.append(f'<circle cx="{left - 12}" cy="{y + LINE - 10}" r="2.5" fill="#1f2328"/>')
    for line in _lines(block.rows[0][0], WIDTH - MARGIN - left):
        drawn += _row(line, left, y + LINE - 5)
        y += LINE
    return drawn, y + 4


def _table(block: Block, y: float) -> tuple[list[str], float]:
    padding, height = 12, 32
    columns = [max(map(_width, column)) + 2 * padding for column in zip(*block.rows, strict=True)]
    drawn = []
    for row in block.rows:
        x = float(MARGIN)
        for cell, width in zip(row, columns, strict=True):
            drawn.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height}" fill="none" stroke="#d1d9e0"/>'
            )
            drawn += _row(cell, x + padding, y + 21)
            x += width
        y += height
    return drawn, y + 8


def _lines(runs: list[Run], width: float) -> Iterator[list[Run]]:
    """Break runs into lines that are no wider than that."""
    line: list[Run] = []
    for run in runs:
        for text in re.findall(r"\s*\S+|\s+$", run.text):
            if line and _width([*line, replace(run, text=text)]) > width:
                yield line
                line = [replace(run, text=text.lstrip())]
            elif line and line[-1].kind == run.kind:
                line[-1] = replace(run, text=line[-1].text + text)
            else:
                line.append(replace(run, text=text))
    yield line


def _row(runs: list[Run], x: float, y: float) -> list[str]:
    """Draw runs side by side on one line."""
    drawn = []
    for run in runs:
        pad = _padding(run)
        if pad:
            box = f'x="{x:.1f}" y="{y - 14:.1f}" width="{run.width + 2 * pad:.1f}" height="19"'
            drawn.append(f'<rect {box} rx="5" fill="#818b98" fill-opacity="0.12"/>')
        kind = f' class="{run.kind}"' if run.kind else ""
        place = f'x="{x + pad:.1f}" y="{y:.1f}" textLength="{run.width:.1f}" lengthAdjust="spacingAndGlyphs"'
        drawn.append(f'<text{kind} {place} xml:space="preserve">{escape(run.text, quote=False)}</text>')
        x += run.width + 2 * pad
    return drawn


def _width(runs: list[Run]) -> float:
    return sum(run.width + 2 * _padding(run) for run in runs)


def _padding(run: Run) -> int:
    return 5 if run.kind == "code" else 0
