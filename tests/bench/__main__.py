"""Cost and speed, each figure beside its baseline from the same run. Exits with 1 if a target is missed."""

import statistics
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from tests.bench import cost, growth, hostile, hour, lives, seed_db, serving, start, warm
from tests.bench.table import Row, show


def main() -> None:
    """Measure everything and print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kept = show(
            chain(
                serving.rows(folder),
                warm.rows(folder),
                cost.rows(),
                growth.rows(),
                lives.rows(),
                hour.rows(),
                start.rows(),
                _hostile_files(),
                _database(),
            )
        )
    raise SystemExit(not kept)


def _hostile_files() -> Iterator[Row]:
    ours = {name: hostile.measure("plugin", name) for name in hostile.FILES}
    theirs = {name: hostile.measure("pyyaml", name) for name in hostile.FILES}
    for i, (what, unit, factor, share) in enumerate([("time", "ms", 1000, 1 / 20), ("memory", "MiB", 1, 4 / 5)]):
        worst = max(ours, key=lambda name: ours[name][i])
        baseline = max(theirs, key=lambda name: theirs[name][i])
        yield Row(
            f"hostile files: worst {what} ({worst})",
            ours[worst][i] / theirs[baseline][i],
            "times",
            share,
            f"PyYAML's safe_load: {theirs[baseline][i] * factor:.0f} {unit} ({baseline}); this plugin: "
            f"{ours[worst][i] * factor:.1f} {unit}",
        )


def _database() -> Iterator[Row]:
    copied, new = map(statistics.median, seed_db.measure())
    what, baseline = "seeded database: start to first query", f"initdb, migrations, seeds: {new:.2f} s"
    yield Row(what, copied / new, "times", 1 / 3, f"{baseline}; copied: {copied:.2f} s")


if __name__ == "__main__":
    main()
