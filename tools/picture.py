"""Draws what `make demo` prints: the table, docs/pictures/demo.svg, and a comment, docs/pictures/comment.svg."""

import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from pathlib import Path

from tools.comment_picture import COMMENT, comment_picture
from tools.demo_comments import SHOWN

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs/pictures/demo.svg"
CHARACTER, LINE, MARGIN, SIZE = 7.83, 19, 20, 13  # pixels; a monospaced font is about 0.6 times as wide as high
WIDTH = 128  # characters; longer sentences go on below
TITLE = "What preview-plugin list prints: each preview, its state, the services it calls, where each call goes, and why"
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
STYLE = f"""
text {{ font: {SIZE}px {FONTS}; fill: #c9d1d9; white-space: pre; }}
.head {{ fill: #8b949e; }} .link {{ fill: #7ee787; }} .error {{ fill: #ffa657; }}
"""


@cache
def printed(source: str = "file") -> tuple[str, ...]:
    """Return the lines that the demo prints."""
    command = [sys.executable, "-m", "tools.demo", "--source", source]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(line.rstrip() for line in output.splitlines())


def demo(source: str = "file") -> list[str]:
    """Return what the demo prints of `preview-plugin list`: the command and its output."""
    lines = [*printed(source)]
    start = lines.index("$ preview-plugin list")
    end = next(number for number, line in enumerate(lines) if line.startswith("The full parameters"))
    return lines[start : end - 1]


def demo_comment(source: str = "file", where: str = SHOWN[0]) -> str:
    """Return the comment on a pull request that the demo prints, as Markdown."""
    lines = [*printed(source)]
    start = next(number for number, line in enumerate(lines) if line.endswith(f"the comment on {where} says:"))
    end = next(number for number in range(start + 1, len(lines)) if re.search(r" comments? on ", lines[number]))
    return "\n".join(lines[start + 1 : end]).strip()


def wrapped(lines: Sequence[str]) -> Iterator[str]:
    """Break lines that are too long for the picture, below the beginning of their last column."""
    for line in lines:
        columns = re.match(r".*  ", line)
        indent = " " * (columns.end() if columns else 0)
        yield from textwrap.wrap(line, WIDTH, subsequent_indent=indent) or [""]


def picture(lines: Sequence[str]) -> str:
    """Return an SVG of a terminal with these lines."""
    width = round(max(map(len, lines)) * CHARACTER + 2 * MARGIN)
    height = len(lines) * LINE + 2 * MARGIN
    rows = [
        f'<text{_kind(line)} x="{MARGIN}" y="{MARGIN + (number + 1) * LINE}" xml:space="preserve">{escape(line)}</text>'
        for number, line in enumerate(lines)
        if line
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            f"<title>{TITLE}</title>",
            f"<style>{STYLE}</style>",
            f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>',
            *rows,
            "</svg>\n",
        ]
    )


def _kind(line: str) -> str:
    if line.startswith(("PREVIEW ", "Paused, ", "No preview", "Problems")):
        return ' class="head"'
    if ".preview.yaml:" in line:
        return ' class="error"'
    return ' class="link"' if line.endswith(" is live") else ""


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture([*wrapped(demo())]), "utf-8")
    COMMENT.write_text(comment_picture(demo_comment()), "utf-8")
