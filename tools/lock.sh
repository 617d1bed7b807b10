#!/usr/bin/env bash
# Renews tools/lock/*.txt from pyproject.toml. Run it in the project's virtual environment.
set -euo pipefail
cd "$(dirname "$0")/.."
unset PIP_FIND_LINKS
compile() {
    CUSTOM_COMPILE_COMMAND=tools/lock.sh pip-compile --quiet --upgrade --strip-extras --generate-hashes --allow-unsafe \
        --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-annotate "$@" pyproject.toml
}
compile --extra build --output-file tools/lock/runtime.txt
compile --extra dev --constraint tools/lock/runtime.txt --output-file tools/lock/dev.txt
