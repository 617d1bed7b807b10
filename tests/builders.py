"""Objects for tests, with defaults for everything that a test does not care about."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from plugin.core.config.catalog import Catalog, load_catalog
from plugin.core.decision.decide import decide
from plugin.core.decision.preview import Preview
from plugin.core.facts.model import (
    ConfigFile,
    Elsewhere,
    LookedUp,
    LookUp,
    PullRequest,
    PullRequestState,
    Repository,
    Snapshot,
)

SHA = "0123456789abcdef0123456789abcdef01234567"
# Seconds of CPU: far more than linear work on 65,536 characters takes on any machine; quadratic work takes minutes.
WORST_INPUT = 10.0
MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)


def service_entry(name: str, **given: Any) -> dict[str, Any]:
    """One service as the catalog's file holds it."""
    return {
        "repository": f"acme/{name}",
        "profile": "backend",
        "image": {"name": f"ghcr.io/acme/{name}"},
        "port": 8000,
        "staging": {
            "internal": f"http://app.staging-{name}.svc.cluster.local",
            "public": f"https://{name}.staging.example.com",
        },
    } | given


def catalog_text(services: Mapping[str, Mapping[str, Any]], **given: Any) -> str:
    """The catalog's file, as JSON, which is YAML too."""
    entries = {name: service_entry(name, **entry) for name, entry in services.items()}
    content = {"version": 1, "domain": "preview.example.com", "services": entries} | given
    return json.dumps(content, indent=2, ensure_ascii=False)


def make_catalog(services: Mapping[str, Mapping[str, Any]], **given: Any) -> Catalog:
    return load_catalog(catalog_text(services, **given), "catalog.yaml")


def make_pull_request(number: int = 1, **given: Any) -> PullRequest:
    """A labelled pull request; `config` may be given as the text of the file."""
    if isinstance(given.get("config"), str):
        given["config"] = ConfigFile(given["config"])
    defaults: dict[str, Any] = {
        "number": number,
        "title": "Faster checkout",
        "author": "ada",
        "branch": f"branch-{number}",
        "target_branch": "main",
        "head_sha": SHA,
        "draft": False,
        "fork": False,
        "labels": ("preview",),
        "updated_at": MONDAY,
        "body": "",
        "config": None,
    }
    return PullRequest(**defaults | given)


def make_repository(
    name: str,
    *pull_requests: PullRequest,
    looked_up: Mapping[int, Elsewhere | LookedUp] | None = None,
    labels: frozenset[str] = frozenset({"preview"}),
    **given: Any,
) -> Repository:
    found = {number: it if isinstance(it, LookedUp) else LookedUp(it) for number, it in (looked_up or {}).items()}
    return Repository(name, f"https://github.com/{name}", "main", labels, pull_requests, found, **given)


def make_look_up(state: str = "open", **given: Any) -> LookUp:
    """What a source says of a pull request; open ones have no label unless they are given some."""
    defaults: dict[str, Any] = {"answered_at": MONDAY + timedelta(minutes=1)}
    if state != "missing":
        defaults |= {"updated_at": MONDAY, "target_branch": "main", "settled": True}
    return LookUp(PullRequestState(state), **defaults | given)


def make_snapshot(catalog: Catalog, *repositories: Repository) -> Snapshot:
    """A complete snapshot: repositories of the catalog that are not given are empty."""
    given = {repository.name: repository for repository in repositories}
    return Snapshot({name: given.get(name, make_repository(name)) for name in catalog.repositories} | given)


def previews_of(catalog: Catalog, *repositories: Repository) -> dict[str, Preview]:
    """Decide, and find each preview by its name."""
    return {preview.name: preview for preview in decide(catalog, make_snapshot(catalog, *repositories)).previews}
