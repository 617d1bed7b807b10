"""Reading the documentation: sections, tables, examples and links of Markdown files."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import click

from plugin.cli import main
from tools.rendering import ROOT

# Every page that people read; the states of old versions in tests/unit are data.
PAGES = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("[a-z]*/**/*.md"), *ROOT.glob(".github/**/*.md"))
    if not {"node_modules", "mutants"} & {*path.parts} and "tests/unit" not in str(path.relative_to(ROOT))
)
FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
ACME = {
    "PREVIEW_CATALOG": "examples/acme/catalog.yaml",
    "PREVIEW_SOURCE": "file:examples/acme/organisation.yaml",
}
_CONTEXT = click.Context(main)
COMMANDS = {name: main.get_command(_CONTEXT, name) or main for name in main.list_commands(_CONTEXT)}


@dataclass(frozen=True)
class Example:
    page: str  # relative to the repository
    line: int  # of its first line, from 1
    language: str
    text: str

    def __str__(self) -> str:
        """Where it is, for messages and names of tests."""
        return f"{self.page}:{self.line}"


def read(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def section(page: str, title: str) -> str:
    """Return the text under a heading, up to the next heading of its level or above."""
    match = re.search(rf"^(#+) {re.escape(title)}\n", read(page), re.MULTILINE)
    assert match, f"{page} has no section {title}"
    rest = read(page)[match.end() :]
    return re.split(rf"^#{{1,{len(match[1])}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def tables(text: str) -> list[list[list[str]]]:
    """Return the cells of each table, without its heading."""
    found = re.findall(r"^\|.*\n\|[-|]*\n((?:\|.*\n)*)", text, re.MULTILINE)
    return [[[cell.strip() for cell in row.strip("|").split("|")] for row in rows.splitlines()] for rows in found]


def examples(language: str, page: str = "") -> list[Example]:
    """Return the fenced examples in a language, of one page or of all."""
    pages = [ROOT / page] if page else PAGES
    return [example for path in pages for example in _examples(path) if example.language == language]


def _examples(path: Path) -> Iterator[Example]:
    text = path.read_text("utf-8")
    for match in FENCE.finditer(text):
        line = text.count("\n", 0, match.start()) + 2
        content = re.sub(rf"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
        yield Example(str(path.relative_to(ROOT)), line, match["language"], content)


def run_in_the_demo(command: str) -> "subprocess.CompletedProcess[str]":
    """Run one of the plugin's commands on the example's files, at the moment that they show."""
    program, arguments = command.split(" ", 1)
    assert program == "preview-plugin"
    return run(f"{sys.executable} -m tools.demo_command {arguments}", ACME)


def run(
    command: str, environment: Mapping[str, str] = MappingProxyType({}), cwd: Path = ROOT
) -> "subprocess.CompletedProcess[str]":
    """Run a command, in words, with the programs of this Python's environment in the PATH."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("PREVIEW_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    variables = {**given, **environment, "PATH": path}
    return subprocess.run(command.split(), capture_output=True, text=True, check=False, cwd=cwd, env=variables)
