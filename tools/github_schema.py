"""Renews what the fake GitHub knows of GitHub: tests/fakes/github/schema.graphql and openapi.json.

    .venv/bin/python -m tools.github_schema

Both are cut from GitHub's own descriptions (npm, versions in tools/versions.env) down to what is used, so that they
can be read in a review: the GraphQL schema to the queries of plugin/sources/github/queries.py, the OpenAPI to the
properties that the fake's REST routes answer with.
"""

import inspect
import json
import subprocess
import tarfile
from pathlib import Path

from plugin.sources.github import queries
from tests.fakes.github.served import REST
from tools.prune_graphql import prune_schema
from tools.prune_openapi import prune_responses

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache" / "npm"
TARGET = ROOT / "tests" / "fakes" / "github"

# Every function of queries.py, called so that each of its fields appears.
EXAMPLES = {
    "listing": lambda: queries.listing(1),
    "labels": queries.labels,
    "details": lambda: queries.details([1]),
    "confirm": lambda: queries.confirm([1]),
}
# What tests read beyond the plugin's queries.
TESTS = "query Tests { rateLimit { limit cost remaining used resetAt nodeCount } }"


def npm_file(package: str, version: str, member: str) -> bytes:
    archive = CACHE / f"{package.strip('@').replace('/', '-')}-{version}.tgz"
    if not archive.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", "--ignore-scripts", f"{package}@{version}"], cwd=CACHE, check=True)  # noqa: S607
    with tarfile.open(archive) as tar:
        extracted = tar.extractfile(f"package/{member}")
        if extracted is None:
            raise SystemExit(f"{archive.name} holds no {member}")
        return extracted.read()


def examples() -> list[str]:
    functions = {
        name
        for name, value in inspect.getmembers(queries, inspect.isfunction)
        if value.__module__ == queries.__name__ and not name.startswith("_")
    }
    if functions != EXAMPLES.keys():
        raise SystemExit(f"EXAMPLES and queries.py differ in {sorted(functions ^ EXAMPLES.keys())}")
    return [*(example() for example in EXAMPLES.values()), TESTS]


def main() -> None:
    lines = (ROOT / "tools" / "versions.env").read_text().splitlines()
    versions = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    version = versions["OCTOKIT_GRAPHQL_SCHEMA"]
    full = npm_file("@octokit/graphql-schema", version, "schema.graphql").decode()
    pruned = prune_schema(full, examples())
    head = f"# Cut from @octokit/graphql-schema {version} (MIT) by tools/github_schema.py. Do not edit.\n\n"
    (TARGET / "schema.graphql").write_text(head + pruned)

    version = versions["OCTOKIT_OPENAPI"]
    openapi = json.loads(npm_file("@octokit/openapi", version, "generated/api.github.com.json"))
    answers = {
        "//": f"Cut from @octokit/openapi {version} (MIT) by tools/github_schema.py. Do not edit.",
        **prune_responses(openapi, REST),
    }
    (TARGET / "openapi.json").write_text(json.dumps(answers, indent=1) + "\n")


if __name__ == "__main__":
    main()
