"""Breaks the code on purpose, one small change (a mutant) at a time, and shows the mutants that no test notices.

`make mutants` continues where it was stopped. Survivors and changed functions are tried again; to try everything again,
remove the folder mutants/. Functions with decorators and code outside of functions are not changed:
https://mutmut.readthedocs.io
"""

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parent.parent
MUTMUT = Path(sys.executable).with_name("mutmut")
AT_LEAST = 90  # per cent
NOTICED = ("killed", "timeout")  # an endless loop is noticed, too
UNNOTICED = ("survived", "no tests")
# Which tests call which function: mutmut measures each test once, but an old test can call a new function.
STATISTICS = ROOT / "mutants" / "mutmut-stats.json"


def main(paths: Sequence[str]) -> int:
    """Try the mutants below `paths`, by default all; 1 means that the tests notice too few."""
    patterns = [path.removesuffix(".py").strip("/").replace("/", ".") + ".*" for path in paths]
    # mutmut copies the tests there; a test that was removed since would still count.
    shutil.rmtree(ROOT / "mutants" / "tests", ignore_errors=True)
    resumed = STATISTICS.exists()
    _run("run", *patterns)
    unnoticed = [name for name, status in _results(patterns or ["*"]).items() if status in UNNOTICED]
    if resumed and unnoticed:
        STATISTICS.unlink()
        _run("run", *unnoticed)
    results = _results(patterns or ["*"])
    for name, status in results.items():
        if status not in NOTICED:
            _run("show", name)
    return _print_score(results)


def _run(*arguments: str) -> None:
    subprocess.run([MUTMUT, *arguments], cwd=ROOT, check=True)


def _results(patterns: Sequence[str]) -> dict[str, str]:
    """Return the result of each mutant by its name; empty before the first run."""
    listing = subprocess.run(
        [MUTMUT, "results", "--all", "true"], cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE
    ).stdout
    results = dict(line.strip().split(": ", 1) for line in listing.splitlines())
    return {name: status for name, status in results.items() if any(fnmatch(name, each) for each in patterns)}


def _print_score(results: dict[str, str]) -> int:
    mutants = Counter(_module(name) for name in results)
    noticed = Counter(_module(name) for name, status in results.items() if status in NOTICED)
    print(f"{'module':<32}{'mutants':>8}{'noticed':>8}{'not':>5}")
    for module in [*sorted(mutants), "all"]:
        total, killed = (mutants[module], noticed[module]) if module != "all" else (mutants.total(), noticed.total())
        print(f"{module:<32}{total:>8}{killed:>8}{total - killed:>5}{killed / total:>8.1%}")
    return int(noticed.total() * 100 < mutants.total() * AT_LEAST)


def _module(name: str) -> str:
    return name.rpartition(".")[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
