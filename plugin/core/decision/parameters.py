"""Parameters: what a template of the ApplicationSet gets for one preview.

Every object has every key, scalars are strings, and nothing is null: Argo CD turns numbers into `1e+06` and a missing
key fails the whole set. Text that people write belongs in annotations, through `toJson` only.
"""

import json
from typing import Any

from plugin.core.config.catalog import SHORT, Catalog
from plugin.core.config.messages import timestamp
from plugin.core.config.names import slug
from plugin.core.decision.links import Dependency
from plugin.core.decision.preview import Preview
from plugin.core.facts.lives import State

_ENCODER = json.JSONEncoder(separators=(",", ":"))

FORK_OVERLAY = "preview-fork"


def parameters(preview: Preview, catalog: Catalog) -> dict[str, Any]:
    """Return the parameters of one preview."""
    service, pull_request, repository = preview.service, preview.pull_request, preview.repository
    sha = preview.deploy_sha
    head = sha if pull_request.fork else pull_request.head_sha  # a template must see no unapproved commit
    owner, _, repository_name = repository.name.partition("/")
    overlay = FORK_OVERLAY if pull_request.fork else service.overlay
    environment = _environment(preview, catalog)
    return {
        # Argo CD's own Pull Request generator has these
        "number": str(pull_request.number),
        "title": pull_request.title,
        "branch": pull_request.branch,
        "branch_slug": slug(pull_request.branch),
        "target_branch": pull_request.target_branch,
        "target_branch_slug": slug(pull_request.target_branch),
        "head_sha": head,
        "head_short_sha": head[:8],
        "head_short_sha_7": head[:SHORT],
        "author": pull_request.author,
        "labels": list(pull_request.labels),
        # identity and place
        "name": preview.name,
        "namespace": preview.name,
        "service": service.name,
        "profile": service.profile,
        "path": f"manifests/apps/{service.profile}/overlays/{overlay}" if service.profile else "",
        "port": str(service.port or ""),
        "health_path": service.health_path,
        "repository": repository.name,
        "repository_owner": owner,
        "repository_name": repository_name,
        "repository_url": repository.url,
        "pull_request_url": f"{repository.url}/pull/{pull_request.number}",
        "locator": preview.locator,
        "author_slug": slug(pull_request.author),
        "origin": preview.origin,
        "host": preview.host,
        "url": preview.url,
        # what runs
        "deploy_sha": sha,
        "image_name": service.image_name,
        "image_tag": service.tag_at(sha, pull_request.number),
        "image": service.image_at(sha, pull_request.number),
        "state": preview.verdict.state.value,
        "state_reason": preview.verdict.reason,
        "replicas": "0" if preview.verdict.state is State.PAUSED else "1",
        "expires_at": timestamp(preview.verdict.ends_at),
        # what it calls and what it knows
        "dependencies": [dependency_parameters(dependency) for dependency in preview.dependencies],
        "environment": environment,
        "environment_patch": _environment_patch(environment),
        "dataset": preview.dataset,
        "seed_image": _seed_image(preview),
        "extra": {key: service.extra.get(key, "") for key in catalog.extra_keys},
        "config_error": preview.config_error,
    }


def dependency_parameters(dependency: Dependency) -> dict[str, str]:
    """Return one element of `dependencies`."""
    return {
        "service": dependency.service,
        "env": dependency.variable,
        "url": dependency.url,
        "target": dependency.target,
        "namespace": dependency.namespace,
        "locator": dependency.locator,
        "rule": dependency.rule.value,
        "reason": dependency.reason,
    }


def _environment(preview: Preview, catalog: Catalog) -> dict[str, str]:
    return {dependency.variable: dependency.url for dependency in preview.dependencies} | {
        "PUBLIC_URL": preview.url,
        "PREVIEW_DOMAIN": catalog.domain,
        "PREVIEW_LOCATOR": preview.locator,
    }


def _environment_patch(environment: dict[str, str]) -> str:
    # It is applied without a target, so an app without the ConfigMap fails to build instead of losing its settings.
    patch = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "environment"},
        "data": environment,
    }
    return _ENCODER.encode(patch)


def _seed_image(preview: Preview) -> str:
    seed = preview.service.seed
    return f"{seed.image}:{seed.datasets[preview.dataset]}" if seed else ""
