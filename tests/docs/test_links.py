"""Links lead somewhere: files exist, and so do the headings that anchors name."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import FENCE, PAGES
from tools.rendering import ROOT

LINK = re.compile(r"\]\(<?([^)\s>]+)>?\)|^\[[^\]]+\]: (\S+)$", re.MULTILINE)
SOURCES = {".py", ".yaml", ".yml", ".sh", ".sql"}


def links(page: Path) -> list[str]:
    text = FENCE.sub("", page.read_text("utf-8"))
    return [one or other for one, other in LINK.findall(text)]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_anchors_resolve(page: Path) -> None:
    broken = []
    for link in links(page):
        if re.match(r"https?://|mailto:", link):
            continue
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []


def test_every_page_of_the_docs_can_be_reached_from_the_readme() -> None:
    waiting, reached = [ROOT / "README.md"], set[Path]()
    while waiting:
        page = waiting.pop()
        if page in reached or not page.is_file() or page.suffix != ".md":
            continue
        reached.add(page)
        waiting += [
            (page.parent / link.partition("#")[0]).resolve()
            for link in links(page)
            if not link.startswith(("http", "#"))
        ]

    adrs = set((ROOT / "docs/adr").glob("*.md"))  # reached through their folder
    assert set(ROOT.glob("docs/**/*.md")) - adrs - reached == set()


def test_pages_named_in_code_and_manifests_exist() -> None:
    folders = ("plugin", "manifests", "applicationsets", "examples", "seed-db", "tools", ".github")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in SOURCES]
    missing = {
        f"{path.relative_to(ROOT)}: {page}"
        for path in files
        for page in re.findall(r"(?:(?<=\s)|(?<=`))((?:docs|manifests|seed-db)/[\w/.-]*\.md)", path.read_text("utf-8"))
        if not (ROOT / page).is_file()
    }
    # The README is a front door without details.
    vague = {
        str(path.relative_to(ROOT)) for path in files if re.search(r"the README, section", path.read_text("utf-8"))
    }

    assert (missing, vague) == (set(), set())
