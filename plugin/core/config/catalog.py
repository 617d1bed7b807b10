"""The catalog: all services and the policy for previews. The platform team writes it, so it is trusted."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from types import MappingProxyType

from plugin import __version__
from plugin.core.config.catalog_file import ENDPOINTS, DefaultsFile, Endpoint, ServiceFile, labels_of, read_catalog_file
from plugin.core.config.commands import Commands, commands_of
from plugin.core.config.lifecycle import NO_LIFECYCLE, NO_LIMITS, CheckGate, Lifecycle, Limits, Traffic
from plugin.core.config.lifecycle_file import lifecycle_of
from plugin.core.config.names import default_variable, folded
from plugin.core.config.report import NO_REPORT, Report
from plugin.core.config.report_file import report_of

SHORT = 7  # digits of a commit, as Git and docker/metadata-action write it


@dataclass(frozen=True, slots=True)
class Policy:
    """Which pull requests get a preview of a service, with the catalog's defaults filled in."""

    require: tuple[str, ...]
    skip: tuple[str, ...]
    drafts: bool
    same_branch: bool
    target_branches: tuple[str, ...] = ()  # patterns for branches.matches_branch; empty: all branches


@dataclass(frozen=True, slots=True)
class DependencyOf:
    """A call from one service to another: in which variable, at which endpoint."""

    service: str
    variable: str
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Seed:
    """The image that carries a service's data; datasets are its tags by name, `default` among them."""

    image: str
    datasets: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Service:
    """One deployable thing, with every default filled in. What its entry lacks is "", None or left out."""

    name: str
    repository: str
    profile: str
    overlay: str
    image_name: str
    image_tag: str  # with the placeholders {sha}, {short_sha} and {number}
    port: int | None
    health_path: str
    extra: Mapping[str, str]
    staging: Mapping[Endpoint, str]  # at least the endpoints that other services call
    dependencies: tuple[DependencyOf, ...]  # in the order of their services
    seed: Seed | None
    policy: Policy
    lifecycle: Lifecycle = NO_LIFECYCLE

    def tag_at(self, sha: str, number: int) -> str:
        """Return the tag of its image at a commit of a pull request."""
        tag = self.image_tag
        for placeholder, value in {"{sha}": sha, "{short_sha}": sha[:SHORT], "{number}": str(number)}.items():
            tag = tag.replace(placeholder, value)
        return tag

    def image_at(self, sha: str, number: int) -> str:
        """Return its image at a commit of a pull request; "" if it has none."""
        return f"{self.image_name}:{self.tag_at(sha, number)}" if self.image_name else ""


@dataclass(frozen=True, eq=False)
class Catalog:
    """The whole file. Two catalogs are equal only if they are the same object."""

    text: str

    domain: str
    prefix: str
    allowed_hosts: frozenset[str]
    services: Mapping[str, Service]  # in the order of their names
    repositories: Mapping[str, tuple[Service, ...]]  # in the order of their names
    limits: Limits = NO_LIMITS
    traffic: Traffic | None = None
    report: Report = NO_REPORT
    commands: Commands | None = None  # None: comments are not read

    @cached_property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that name this text as this version of the program reads it."""
        return sha256(f"{__version__}\n{self.text}".encode()).hexdigest()[:12]

    def called_by(self, repository: str) -> tuple[str, ...]:
        """Return the repositories that the services of a repository call, in the order of their names."""
        return self._called[repository]

    @cached_property
    def _called(self) -> Mapping[str, tuple[str, ...]]:
        called = {
            name: {self.services[call.service].repository for service in services for call in service.dependencies}
            for name, services in self.repositories.items()
        }
        return {name: tuple(sorted(repositories)) for name, repositories in called.items()}

    def callers_of(self, repository: str) -> frozenset[str]:
        """Return the repositories whose services call a service of this one."""
        return self._callers.get(repository, frozenset())

    @cached_property
    def _callers(self) -> Mapping[str, frozenset[str]]:
        callers: dict[str, set[str]] = {}
        for name, called in self._called.items():
            for each in called:
                callers.setdefault(each, set()).add(name)
        return {name: frozenset(each) for name, each in callers.items()}

    def waits(self, repository: str, check: str) -> bool:
        """Tell whether previews of a repository, however its name is spelt, wait for a check, or for any (`""`)."""
        awaited = self._checks.get(folded(repository), frozenset())
        return check in awaited if check else bool(awaited)

    @cached_property
    def _checks(self) -> Mapping[str, frozenset[str]]:
        gates = {
            folded(name): [service.lifecycle.ready_when for service in services]
            for name, services in self.repositories.items()
        }
        return {
            name: frozenset(gate.name for gate in its if isinstance(gate, CheckGate)) for name, its in gates.items()
        }

    @cached_property
    def listed_labels(self) -> Mapping[str, frozenset[str]]:
        """The labels to list each repository by, in the order of their names; an empty set means no label.

        A source finds what has any of them, so one of each service's required labels finds every candidate; the verdict
        checks that all are there.
        """
        return {name: self._listed_labels(services) for name, services in self.repositories.items()}

    @staticmethod
    def _listed_labels(services: tuple[Service, ...]) -> frozenset[str]:
        if not all(service.policy.require for service in services):
            return frozenset()
        spelt: dict[str, str] = {}
        for service in services:
            spelt.setdefault(folded(service.policy.require[0]), service.policy.require[0])
        return frozenset(spelt.values())

    @cached_property
    def extra_keys(self) -> tuple[str, ...]:
        """The union of all services' keys, so that every preview has every key."""
        return tuple(sorted({key for service in self.services.values() for key in service.extra}))


def load_catalog(text: str, file: str) -> Catalog:
    """Read a catalog. Raises InvalidFile with every mistake in it."""
    content = read_catalog_file(text, file)
    services = {name: _service(name, content.services[name], content.defaults) for name in sorted(content.services)}
    repositories = {
        repository: tuple(service for service in services.values() if service.repository == repository)
        for repository in sorted({service.repository for service in services.values()})
    }
    return Catalog(
        text=text,
        domain=content.domain,
        prefix=content.prefix,
        allowed_hosts=frozenset(content.allowed_hosts),
        services=MappingProxyType(services),
        repositories=MappingProxyType(repositories),
        limits=Limits(**dict(content.limits)),
        traffic=Traffic(**dict(content.traffic)) if content.traffic else None,
        report=report_of(content.report),
        commands=commands_of(content.commands),
    )


def _service(name: str, file: ServiceFile, defaults: DefaultsFile) -> Service:
    dependencies = (
        DependencyOf(service, dependency.env or default_variable(service), dependency.endpoint or file.endpoint)
        for service, dependency in sorted(file.depends_on.items())
    )
    return Service(
        name=name,
        repository=file.repository,
        profile=file.profile or "",
        overlay=file.overlay,
        image_name=file.image.name if file.image else "",
        image_tag=file.image.tag if file.image else "",
        port=file.port,
        health_path=file.health_path,
        extra=file.extra,
        staging={endpoint: url for endpoint in ENDPOINTS if (url := file.staging.of(endpoint))},
        dependencies=tuple(dependencies),
        seed=Seed(file.seed.image, file.seed.datasets) if file.seed else None,
        policy=_policy(file, defaults),
        lifecycle=lifecycle_of(file.lifecycle, defaults.lifecycle),
    )


def _policy(file: ServiceFile, defaults: DefaultsFile) -> Policy:
    require, skip = labels_of(file, defaults)
    return Policy(
        require=require,
        skip=skip,
        drafts=defaults.drafts if file.drafts is None else file.drafts,
        same_branch=(file.link or defaults.link) == "same-branch",
        target_branches=defaults.target_branches if file.target_branches is None else file.target_branches,
    )
