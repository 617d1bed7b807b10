"""Previews, what Argo CD reported of them, and what is to be said of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from plugin.core.config.catalog import Catalog
from plugin.core.decision.decide import decide
from plugin.core.facts.deployments import Deployed, Reported
from plugin.core.facts.lives import Life, Lives
from plugin.core.facts.model import Repository
from plugin.core.reports.content import Content, Kind, Target
from plugin.core.reports.naming import naming
from plugin.core.reports.said import Pages, Place
from plugin.core.reports.wanted import Around, callers_of, wanted
from tests.builders import MONDAY, SHA, make_catalog, make_snapshot

EVERYTHING = {
    "deployments": True,
    "status": True,
    "comment": "auto",
    "jira": {"url": "https://acme.atlassian.net", "projects": ["PAY"]},
}
NEWER = "fedcba9876543210fedcba9876543210fedcba98"


def catalog(services: Mapping[str, Mapping[str, Any]] | None = None, **given: Any) -> Catalog:
    services = services or {"orders": {"depends_on": ["payments", "users"]}, "payments": {}, "users": {}}
    return make_catalog(services, **{"report": EVERYTHING} | given)


def told(
    state: str = "ready", sha: str = SHA, message: str = "", at: datetime = MONDAY, *, was_ready: bool = False
) -> Reported:
    ready_at = at if was_ready or state == "ready" else None
    return Reported(Deployed(state), sha, message, at, at, ready_at, reachable=state == "ready")


def said(
    catalog: Catalog,
    *repositories: Repository,
    reported: Mapping[str, tuple[Reported, ...]] | None = None,
    held: Mapping[str, str] | None = None,
    lives: Lives | None = None,
    pages: Pages | None = None,
) -> dict[Target, Content]:
    """Everything that is to be said of these repositories."""
    snapshot = make_snapshot(catalog, *repositories)
    decision = decide(catalog, snapshot, lives=lives)
    around = Around(reported or {}, held or {}, callers_of(decision.previews))
    found: dict[Target, Content] = {}
    for name, part in decision.parts.items():
        place = Place(catalog, naming(catalog, snapshot.repositories, name), pages or Pages())
        found |= wanted(part, place, around)
    return found


def of(kind: str, found: Mapping[Target, Content], repository: str = "acme/orders") -> Any:
    """The only content of this kind at a repository; None if there is none."""
    contents = [each for target, each in found.items() if target.kind is Kind(kind) and target.repository == repository]
    assert len(contents) <= 1
    return contents[0] if contents else None


def in_life(repository: str, key: str, life: Life) -> Lives:
    return {repository: {key: life}}
