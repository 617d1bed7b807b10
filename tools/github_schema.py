"""Updates the tests' copies of GitHub's schemas: tests/fakes/github/{schema.graphql,openapi.json,webhooks.json}.

    .venv/bin/python -m tools.github_schema

GitHub's descriptions (npm, versions in tools/versions.env) are reduced to what is used, so that a review can read them:
the GraphQL schema to the queries of plugin/sources/github/queries.py, the OpenAPI to the properties that the fake's
REST routes answer with, the webhooks to the properties that plugin/sources/github/deliveries.py reads.
"""

import inspect
import json
import subprocess
import tarfile
from pathlib import Path

from plugin.sources.github import queries
from plugin.sources.github.deliveries import ACTIONS
from plugin.sources.github.draft import Query
from tools.prune_graphql import prune_schema
from tools.prune_openapi import prune_response, prune_webhook

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache" / "npm"
TARGET = ROOT / "tests" / "fakes" / "github"

# A query of each function in queries.py, with arguments that make all of its fields appear.
EXAMPLES = {
    "probe": queries.probe({"acme/orders": ["preview"]}),
    "listing": queries.listing([queries.Page("acme/orders", ["preview"], 1)]),
    "labels": queries.labels("PR_1"),
    "details": queries.details(["PR_1"], {"acme/orders": ["sha"]}, ".preview.yaml", ".preview.yml"),
    "confirm": queries.confirm({"acme/orders": [1]}),
    "commits": queries.commits({"acme/orders": [1]}),
    "checks": queries.checks({"acme/orders": [("sha", "preview / Image")]}),
    "identity": queries.identity(["R_1"]),
    "owned": queries.owned("acme"),
}
# What tests read beyond the plugin's queries.
TESTS = "query Tests { rateLimit { limit cost remaining used resetAt nodeCount } }"

ACCOUNT = ["login", "id", "type", "site_admin"]


def inside(name: str, properties: list[str]) -> list[str]:
    return [f"{name}.{inner}" for inner in properties]


REPOSITORY = [
    *("id", "node_id", "name", "full_name", "private", "fork", "url", "html_url", "default_branch"),
    *inside("owner", ACCOUNT),
]
PULL_REQUEST = [
    *("id", "node_id", "url", "html_url", "number", "state", "title", "body", "draft", "labels.name"),
    *("created_at", "updated_at", "closed_at", "merged_at"),
    *inside("user", ACCOUNT),
    *inside("head", ["label", "ref", "sha", *inside("repo", REPOSITORY)]),
    *inside("base", ["label", "ref", *inside("repo", REPOSITORY)]),
]
FILE = [
    *("type", "encoding", "size", "name", "path", "content", "sha", "target"),
    *("url", "git_url", "html_url", "download_url"),
]
PERMISSIONS = inside("permissions", ["metadata", "contents", "pull_requests", "checks", "statuses"])
INSTALLATION = [
    *("id", "access_tokens_url", "repositories_url", "html_url", "app_id", "app_slug", "target_id"),
    *("target_type", "repository_selection", "events", "single_file_name", "created_at", "updated_at"),
    *("suspended_at", "suspended_by"),
    *PERMISSIONS,
    *inside("account", ACCOUNT),
]
# The properties that the fake's REST routes answer with, by method, path and status.
REST = {
    "GET /repos/{owner}/{repo} 200": REPOSITORY,
    "GET /repos/{owner}/{repo} 301": ["message", "documentation_url", "url"],
    "GET /repos/{owner}/{repo} 404": ["message", "documentation_url", "status"],
    "GET /repos/{owner}/{repo}/pulls 200": PULL_REQUEST,
    "GET /repos/{owner}/{repo}/contents/{path} 200": FILE,
    "GET /orgs/{org}/installation 200": INSTALLATION,
    "POST /app/installations/{installation_id}/access_tokens 201": [
        *("token", "expires_at", "repository_selection"),
        *PERMISSIONS,
    ],
}
# The properties of deliveries that are read besides `action`, by event; some only with one action.
DELIVERED = {
    "pull_request": ["repository.full_name"],
    "label": ["repository.full_name"],
    "repository": inside("repository", ["full_name", "name", "owner.login"]),
    "repository renamed": ["changes.repository.name.from"],
    "repository transferred": inside("changes.owner.from", ["user.login", "organization.login"]),
    "installation": ["repositories.full_name"],
    "check_run": ["repository.full_name", "check_run.name", "check_run.conclusion"],
    "check_suite": ["repository.full_name", "check_suite.conclusion"],
    "status": ["repository.full_name", "context", "state"],
    "installation_repositories": ["repositories_added.full_name", "repositories_removed.full_name"],
}


def npm_file(package: str, version: str, member: str) -> bytes:
    archive = CACHE / f"{package.strip('@').replace('/', '-')}-{version}.tgz"
    if not archive.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", "--ignore-scripts", f"{package}@{version}"], cwd=CACHE, check=True)  # noqa: S607
    with tarfile.open(archive) as tar:
        extracted = tar.extractfile(f"package/{member}")
        if extracted is None:
            raise SystemExit(f"{archive.name} does not contain {member}")
        return extracted.read()


def examples() -> list[str]:
    functions = {
        name
        for name, value in inspect.getmembers(queries, inspect.isfunction)
        if inspect.signature(value).return_annotation is Query and not name.startswith("_")
    }
    if functions != EXAMPLES.keys():
        raise SystemExit(f"EXAMPLES and queries.py differ in {sorted(functions ^ EXAMPLES.keys())}")
    return [*(query.text for query in EXAMPLES.values()), TESTS]


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
    answers: dict[str, object] = {
        "//": f"Cut from @octokit/openapi {version} (MIT) by tools/github_schema.py. Do not edit."
    }
    for answer, used in REST.items():
        method, path, status = answer.split()
        answers[answer] = prune_response(openapi, method, path, status, used)
    (TARGET / "openapi.json").write_text(json.dumps(answers, indent=1) + "\n")

    version = versions["OCTOKIT_OPENAPI_WEBHOOKS"]
    openapi = json.loads(npm_file("@octokit/openapi-webhooks", version, "generated/api.github.com.json"))
    deliveries: dict[str, object] = {
        "//": f"Cut from @octokit/openapi-webhooks {version} (MIT) by tools/github_schema.py. Do not edit."
    }
    for event, actions in ACTIONS.items():
        for action in sorted(actions):
            used = [*(["action"] if action else []), *DELIVERED[event], *DELIVERED.get(f"{event} {action}", [])]
            name = f"{event}-{action}".replace("_", "-").removesuffix("-")
            deliveries[f"{event} {action}".strip()] = prune_webhook(openapi, name, used)
    (TARGET / "webhooks.json").write_text(json.dumps(deliveries, indent=1) + "\n")


if __name__ == "__main__":
    main()
