"""Serves one organisation until killed; `make demo SOURCE=github` uses it.

python -m tests.fakes.github --organisation FILE --token T [--port N] [--latency-ms N]
"""

import argparse
import threading
from pathlib import Path

import yaml

from plugin.sources.file import Organisation

from .github import GitHub


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.github")
    parser.add_argument("--organisation", type=Path, required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=int, default=0)
    options = parser.parse_args()
    content = yaml.safe_load(options.organisation.read_text(encoding="utf-8"))
    with GitHub(Organisation.model_validate(content), token=options.token, port=options.port) as github:
        github.latency = options.latency_ms / 1000
        print(github.url, flush=True)  # noqa: T201 - the one line that the caller waits for
        threading.Event().wait()


if __name__ == "__main__":
    main()
