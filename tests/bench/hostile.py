"""Hostile `.preview.yaml` files: the worst time and memory, beside PyYAML's safe_load of the same text."""

import subprocess
import sys
import time
import tracemalloc

import yaml

from plugin.core.config.catalog import load_catalog
from plugin.core.config.repo_config import read_config
from plugin.errors import InvalidFile
from tests.bench import company

SIZE = 64 * 1024
FILES = {
    "opening brackets": "[" * (SIZE - 1),
    "opening braces": "{a: " * (SIZE // 4 - 1),
    "a long flat list": "[" + "a," * (SIZE // 2 - 2) + "]",
    "many keys": "".join(f"k{i}: v\n" for i in range(SIZE // 12)),
    "one long key": "? " + "k" * (SIZE - 10),
    "aliases of aliases": "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 1500)),
    "merge keys": "a: &a {b: c}\n" + "".join(f"k{i}: {{<<: *a}}\n" for i in range(2500)),
    "a deep block": "".join(" " * i + "a:\n" for i in range(350)),
    "a quoted text with escapes": 'a: "' + "\\u00e9" * (SIZE // 6 - 2) + '"',
    "comments only": "#\n" * (SIZE // 2 - 1),
    "over the limit": "a: " + "b" * 10 * SIZE,
}


def measure(reader: str, name: str) -> tuple[float, float]:
    """Return seconds, and MiB of Python objects at the peak, of one reading by "plugin" or "pyyaml"."""
    return _in_a_process(reader, name), _in_a_process(f"{reader}-memory", name)


def _in_a_process(reader: str, name: str) -> float:
    """Return the figure; infinite where the process dies or hangs."""
    command = [sys.executable, "-m", "tests.bench.hostile", reader, name]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return float("inf")
    return float(result.stdout)


def _main(reader: str, name: str) -> None:
    text, catalog = FILES[name], load_catalog(company.catalog(), "catalog.yaml")
    if reader.endswith("-memory"):
        tracemalloc.start()
    start = time.perf_counter()
    try:
        if reader.startswith("plugin"):
            read_config(text, catalog, "big/service-00")
        else:
            yaml.safe_load(text)
    except (InvalidFile, yaml.YAMLError, RecursionError):
        pass
    seconds = time.perf_counter() - start
    print(tracemalloc.get_traced_memory()[1] / 2**20 if tracemalloc.is_tracing() else seconds)


if __name__ == "__main__":
    _main(*sys.argv[1:])
