import re
from pathlib import Path

from tests.seed_db.host import SEED_DB


def test_the_table_counts_what_is_there() -> None:
    lines = (SEED_DB / "README.md").read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("| dataset |"))
    names, _, *rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines[start : start + 4]]

    assert [row[0] for row in rows] == sorted(path.name for path in (SEED_DB / "datasets").iterdir())
    for dataset, *counts in rows:
        folder = SEED_DB / "datasets" / dataset
        found = {re.sub(r"^\d\d_", "", path.stem): lines_of(path) - 1 for path in folder.glob("postgres/*.csv")}
        found |= {path.stem: lines_of(path) for path in folder.glob("mongodb/*.json")}
        assert dict(zip(names[1:], map(int, counts), strict=True)) == found


def lines_of(path: Path) -> int:
    return len(path.read_text().splitlines())
