#!/usr/bin/env bash
# Renews tools/lock/*.txt from pyproject.toml, for every Python and system at once: what only some of them need has a
# marker. Run it in the project's virtual environment.
set -euo pipefail
cd "$(dirname "$0")/.."
compile() {
    uv pip compile --quiet --universal --generate-hashes --no-annotate --custom-compile-command=tools/lock.sh "$@" \
        pyproject.toml
}
compile --upgrade --extra build --output-file tools/lock/runtime.txt
compile --upgrade --extra dev --constraint tools/lock/runtime.txt --output-file tools/lock/dev.txt
