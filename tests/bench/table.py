"""The table: each figure beside what it may be at most, and beside its baseline."""

from collections.abc import Iterable
from dataclasses import dataclass

WIDTH = 62


@dataclass(frozen=True)
class Row:
    """One line of the table; `limit` is what the figure may be at most."""

    what: str
    figure: float
    unit: str
    limit: float
    baseline: str

    @property
    def kept(self) -> bool:
        return self.figure <= self.limit

    def __str__(self) -> str:
        figure, limit = f"{_number(self.figure)} {self.unit}", f"{_number(self.limit)} {self.unit}"
        return f"{self.what:<{WIDTH}} {figure:>14} {limit:>14}  {'' if self.kept else 'MISSED ':<7}{self.baseline}"


def show(rows: Iterable[Row]) -> bool:
    """Print the table; tell whether every target was kept."""
    kept = True
    print(f"{'':<{WIDTH}} {'this plugin':>14} {'at most':>14}  {'':<7}baseline", flush=True)
    for row in rows:
        kept = kept and row.kept
        print(row, flush=True)
    return kept


def _number(figure: float) -> str:
    return f"{figure:,.4g}" if abs(figure) < 1000 else f"{figure:,.0f}"
