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

from plugin.sources.github import comments, queries
from plugin.sources.github.deliveries import ACTIONS
from plugin.sources.github.draft import Query
from tools.prune_graphql import prune_schema
from tools.prune_openapi import prune_request, prune_response, prune_webhook

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache" / "npm"
TARGET = ROOT / "tests" / "fakes" / "github"

# A query of each function in queries.py and comments.py, with arguments that make all of its fields appear.
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
    "comments": comments.comments(["acme/orders"]),
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
DEPLOYMENT = [
    *("id", "node_id", "sha", "ref", "task", "environment", "description", "payload", "url", "statuses_url"),
    *("repository_url", "created_at", "updated_at", "transient_environment", "production_environment"),
    *inside("creator", ACCOUNT),
]
DEPLOYMENT_STATUS = [
    *("id", "node_id", "state", "description", "environment", "environment_url", "log_url", "target_url"),
    *("url", "deployment_url", "repository_url", "created_at", "updated_at"),
    *inside("creator", ACCOUNT),
]
STATUS = [
    *("id", "node_id", "state", "context", "description", "target_url", "url", "avatar_url", "created_at"),
    *("updated_at", *inside("creator", ACCOUNT)),
]
COMMENT = [
    *("id", "node_id", "body", "url", "html_url", "issue_url", "created_at", "updated_at"),
    *inside("user", ACCOUNT),
]
DEPLOYMENTS = "/repos/{owner}/{repo}/deployments"
STATUSES = "/repos/{owner}/{repo}/deployments/{deployment_id}/statuses"
COMMENTS = "/repos/{owner}/{repo}/issues/{issue_number}/comments"
ONE_COMMENT = "/repos/{owner}/{repo}/issues/comments/{comment_id}"
REACTIONS = "/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions"
LABELS = "/repos/{owner}/{repo}/issues/{issue_number}/labels"
REACTION = ["id", "node_id", "content", "created_at", *inside("user", ACCOUNT)]
LABEL = ["id", "node_id", "url", "name", "description", "color", "default"]
# The properties that the fake's answers have where something is written, or looked for that was written.
WRITTEN = {
    f"GET {DEPLOYMENTS} 200": DEPLOYMENT,
    f"POST {DEPLOYMENTS} 201": DEPLOYMENT,
    f"GET {STATUSES} 200": DEPLOYMENT_STATUS,
    f"POST {STATUSES} 201": DEPLOYMENT_STATUS,
    "GET /repos/{owner}/{repo}/commits/{ref}/statuses 200": STATUS,
    "POST /repos/{owner}/{repo}/statuses/{sha} 201": STATUS,
    f"GET {COMMENTS} 200": COMMENT,
    f"POST {COMMENTS} 201": COMMENT,
    f"PATCH {ONE_COMMENT} 200": COMMENT,
    f"POST {REACTIONS} 200": REACTION,
    f"POST {REACTIONS} 201": REACTION,
    f"POST {LABELS} 200": LABEL,
    f"DELETE {LABELS}/{{name}} 200": LABEL,
    "GET /repos/{owner}/{repo}/collaborators/{username}/permission 200": [
        *("permission", "role_name", *inside("user", ACCOUNT)),
    ],
    "GET /app 200": [
        *("id", "slug", "node_id", "name", "description", "external_url", "html_url", "created_at", "updated_at"),
        *("permissions", "events", *inside("owner", ACCOUNT)),
    ],
    "POST /app/installations/{installation_id}/access_tokens 422": ["message", "documentation_url"],
}
# The properties of what is sent, by method and path. The fake refuses every other one.
REQUESTS = {
    f"POST {DEPLOYMENTS}": [
        *("ref", "task", "environment", "description", "payload", "auto_merge", "required_contexts"),
        *("transient_environment", "production_environment"),
    ],
    f"POST {STATUSES}": ["state", "description", "environment_url", "log_url", "auto_inactive"],
    "POST /repos/{owner}/{repo}/statuses/{sha}": ["state", "context", "description", "target_url"],
    f"POST {COMMENTS}": ["body"],
    f"PATCH {ONE_COMMENT}": ["body"],
    f"POST {REACTIONS}": ["content"],
    f"POST {LABELS}": ["labels"],
    "POST /app/installations/{installation_id}/access_tokens": inside(
        "permissions", ["metadata", "contents", "pull_requests", "checks", "statuses", "deployments"]
    ),
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
    "issue_comment": ["repository.full_name", "comment.body", "issue.pull_request"],
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
        for module in (queries, comments)
        for name, value in inspect.getmembers(module, inspect.isfunction)
        if inspect.signature(value).return_annotation is Query and not name.startswith("_")
    }
    if functions != EXAMPLES.keys():
        raise SystemExit(f"EXAMPLES and the queries differ in {sorted(functions ^ EXAMPLES.keys())}")
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
    for answer, used in (REST | WRITTEN).items():
        method, path, status = answer.split()
        answers[answer] = prune_response(openapi, method, path, status, used)
    for request, used in REQUESTS.items():
        method, path = request.split()
        answers[request] = prune_request(openapi, method, path, used)
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
