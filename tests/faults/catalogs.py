"""Catalogs as the simulation edits them, and what each of them means, without the plugin's code."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from plugin.core.config.catalog import load_catalog
from plugin.sources.file import PullRequestEntry
from tests.builders import catalog_text
from tests.faults.plans import KEEP, NO_PLAN, Plan

REPORT = {"deployments": True, "status": True, "comment": "always"}
TRAFFIC = {"prometheus": "http://prometheus.test", "query": "sum by (namespace) (requests)", "label": "namespace"}


@dataclass(frozen=True, slots=True)
class Service:
    repository: str
    profile: str = "backend"
    require: tuple[str, ...] = ("preview",)
    skip: tuple[str, ...] = ("no-preview",)
    drafts: bool = True
    depends_on: tuple[str, ...] = ()
    plan: Plan = NO_PLAN

    def wants(self, entry: PullRequestEntry) -> bool:
        """Tell whether a pull request should have a preview of this service."""
        return (
            entry.state == "open"
            and not entry.fork
            and set(self.require) <= set(entry.labels)
            and not set(self.skip) & set(entry.labels)
            and (self.drafts or not entry.draft)
        )


@dataclass(frozen=True)
class Catalog:
    services: Mapping[str, Service]
    prefix: str = "preview"
    edition: int = field(default=0)  # so that every edit changes the text
    limits: tuple[tuple[str, int], ...] = ()
    traffic: bool = False
    report: bool = False

    @cached_property
    def text(self) -> str:
        entries: dict[str, dict[str, Any]] = {
            name: {
                "repository": service.repository,
                "profile": service.profile,
                "labels": {"require": service.require, "skip": service.skip},
                "drafts": service.drafts,
                "depends_on": [other for other in service.depends_on if other in self.services],
                "extra": {"edition": str(self.edition)},
            }
            | ({"lifecycle": service.plan.lifecycle} if service.plan != NO_PLAN else {})
            for name, service in self.services.items()
        }
        given: dict[str, Any] = {"limits": dict(self.limits)} if self.limits else {}
        given |= {"report": REPORT} if self.report else {}
        return catalog_text(entries, prefix=self.prefix, **given, **({"traffic": TRAFFIC} if self.traffic else {}))

    @cached_property
    def fingerprint(self) -> str:
        """What the plugin calls this text."""
        return load_catalog(self.text, "catalog.yaml").fingerprint

    @property
    def repositories(self) -> frozenset[str]:
        return frozenset(service.repository for service in self.services.values())

    def name(self, service: str, number: int) -> str:
        return f"{self.prefix}-{service}-{number}"

    def knows(self, asked: Mapping[str, Any]) -> bool:
        """Tell whether the catalog knows everything that an ApplicationSet asks for."""
        names = asked.get("services", list(self.services))
        profiles = {self.services[name].profile for name in names if name in self.services}
        return set(names) <= set(self.services) and asked.get("profile", "") in {"", *profiles}

    def admitted(self, asked: Mapping[str, Any]) -> dict[str, Service]:
        """Return the services that an ApplicationSet asks for."""
        return {
            name: service
            for name, service in self.services.items()
            if name in asked.get("services", [name]) and asked.get("profile", service.profile) == service.profile
        }

    def with_service(self, name: str, service: Service) -> "Catalog":
        return replace(self, services={**self.services, name: service}, edition=self.edition + 1)

    def without(self, name: str) -> "Catalog":
        left = {other: service for other, service in self.services.items() if other != name}
        return replace(self, services=left, edition=self.edition + 1)

    def with_plans(self, plans: Mapping[str, Plan]) -> "Catalog":
        """Return the catalog with other plans for some services, or for all of them."""
        services = {
            name: replace(service, plan=plans.get(name, service.plan)) for name, service in self.services.items()
        }
        return replace(self, services=services, edition=self.edition + 1)

    def with_limits(self, limits: tuple[tuple[str, int], ...]) -> "Catalog":
        return replace(self, limits=limits, edition=self.edition + 1)

    def with_traffic(self, *, traffic: bool) -> "Catalog":
        return replace(self, traffic=traffic, edition=self.edition + 1)

    def with_prefix(self, prefix: str) -> "Catalog":
        return replace(self, prefix=prefix, edition=self.edition + 1)


def keeps(plan: Plan, entry: PullRequestEntry) -> bool:
    """Tell whether a pull request's previews neither pause nor expire by a plan."""
    return plan.keep and KEEP in entry.labels and not entry.fork


SERVICES = {
    "orders": Service("acme/orders", depends_on=("payments", "users")),
    "payments": Service("acme/payments", depends_on=("users",)),
    "users": Service("acme/users"),
    "shop-api": Service("acme/shop", depends_on=("orders",)),
    "shop-web": Service("acme/shop", profile="frontend", depends_on=("shop-api", "payments")),
}
REPOSITORIES = tuple(sorted({service.repository for service in SERVICES.values()}))
