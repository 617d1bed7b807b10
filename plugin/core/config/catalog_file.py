"""The catalog as people write it: its keys, their meaning, and which values contradict each other."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, ValidationInfo

from plugin.core.config import names
from plugin.core.config.commands import CommandsSwitch
from plugin.core.config.lifecycle_file import LifecycleFile, LimitsFile, TrafficFile, lifecycle_of, wrong_lifecycle
from plugin.core.config.report_file import ReportFile
from plugin.core.config.strict_yaml import Limits, Path
from plugin.core.config.validation import (
    FileModel,
    Suggest,
    Version,
    invalid_file,
    parse_yaml,
    problem_at,
    suggestions,
    validate,
    without_empty,
)
from plugin.core.config.values import (
    NO_DNS_LABEL,
    BranchPattern,
    Domain,
    HealthPath,
    Host,
    Image,
    ImageTag,
    Key,
    Label,
    Port,
    Prefix,
    Repository,
    Tag,
    Url,
    Variable,
    Word,
    wrong_variable,
)

LIMITS = Limits(bytes=4 * 1024 * 1024, nodes=500_000)  # the platform team's own file: only a guard against accidents


@dataclass(frozen=True)
class _Context:
    """What the check of one key must know about others."""

    services: frozenset[str]
    prefix: str
    suggest: Suggest = field(default_factory=suggestions)


def _context(info: ValidationInfo[_Context]) -> _Context:
    assert info.context is not None  # noqa: S101  read_catalog_file always gives one
    return info.context


def _service_name(name: str, info: ValidationInfo[_Context]) -> str:
    context = _context(info)
    if not names.DNS_LABEL.fullmatch(name):
        raise ValueError(f'"{name}" {NO_DNS_LABEL}')
    if not names.fits(context.prefix, name):
        longest = names.preview_name(context.prefix, name, names.MAX_NUMBER, fork=True)
        raise ValueError(f"the name is too long: {longest} would have more than {names.MAX_LABEL} characters")
    return name


def _known_service(name: str, info: ValidationInfo[_Context]) -> str:
    context = _context(info)
    if name not in context.services:
        raise ValueError(f"is not a service of this catalog{context.suggest(name, context.services)}")
    return name


def _map_of_dependencies(value: object) -> object:
    """Accept the short form `[payments, users]`; a list of anything but strings is refused later."""
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        if repeated := [name for name, count in Counter(value).items() if count > 1]:
            raise ValueError(f'"{repeated[0]}" is listed more than once')
        return {name: {} for name in value}
    return value


def _variables_differ(dependencies: dict[str, "DependencyFile"]) -> dict[str, "DependencyFile"]:
    owners: dict[str, str] = {}
    for service, dependency in dependencies.items():
        variable = dependency.env or names.default_variable(service)
        if not dependency.env and (complaint := wrong_variable(variable)):
            raise ValueError(f'"{variable}", the variable for {service}, {complaint}; name another with env')
        if other := owners.setdefault(variable, service) != service and owners[variable]:
            raise ValueError(f"{other} and {service} both use the variable {variable}; name another with env")
    return dependencies


def _has_default(datasets: dict[str, str]) -> dict[str, str]:
    if "default" not in datasets:
        raise ValueError('the dataset "default" is missing')
    return datasets


def _one_spelling(labels: tuple[str, ...]) -> tuple[str, ...]:
    if variants := _variants(labels):
        raise ValueError(variants)
    return labels


def _variants(labels: Iterable[str]) -> str:
    """Say which labels differ only by case, or return ""."""
    seen: dict[str, str] = {}
    for label in labels:
        first = seen.setdefault(names.folded(label), label)
        if first != label:
            return f'"{first}" and "{label}" are the same label on GitHub, which ignores case; spell them alike'
    return ""


ServiceName = Annotated[str, AfterValidator(_service_name)]
KnownService = Annotated[str, AfterValidator(_known_service)]
Labels = Annotated[tuple[Label, ...], AfterValidator(_one_spelling)]
DEFAULT_PREFIX = "preview"
Endpoint = Literal["internal", "public"]
ENDPOINTS: tuple[Endpoint, ...] = ("internal", "public")
Link = Literal["same-branch", "none"]


class ImageFile(FileModel):
    """Which image is deployed."""

    name: Image = Field(description="Image without a tag")
    tag: Tag = Field(
        "{sha}",
        description="Tag; {sha} is the deployed commit, {short_sha} its first 7 digits, {number} the pull request",
    )


TARGET_BRANCHES = (
    "Only pull requests into these branches get previews; * matches anything except /, ** anything; default all"
)


class LabelsFile(FileModel):
    """Which labels a pull request must and must not have, in any case."""

    require: Labels | None = Field(None, description="It must have all of these; default [preview]")
    skip: Labels | None = Field(None, description="It must have none of these; default []")


class StagingFile(FileModel):
    """Where the service runs on staging, which is where calls go by default."""

    internal: Url | None = Field(None, description="URL inside the cluster")
    public: Url | None = Field(None, description="URL for browsers")

    def of(self, endpoint: Endpoint) -> str | None:
        """Return the URL of an endpoint; None if there is none."""
        return self.internal if endpoint == "internal" else self.public


class DependencyFile(FileModel):
    """How a service calls another one."""

    env: Variable | None = Field(None, description="Variable that holds the URL; default <SERVICE>_URL")
    endpoint: Endpoint | None = Field(None, description="Overrides the service's endpoint for this dependency")


class SeedFile(FileModel):
    """The image that carries the service's data."""

    image: Image = Field(description="Image without a tag")
    datasets: Annotated[dict[str, ImageTag], BeforeValidator(without_empty), AfterValidator(_has_default)] = Field(
        description="Tags by name; default is required"
    )


class DefaultsFile(FileModel):
    """Policy for all services; each can override it."""

    labels: LabelsFile = LabelsFile()
    drafts: StrictBool = Field(default=True, description="Whether draft pull requests get previews")
    link: Link = Field("none", description="Whether equal branch names link previews")
    target_branches: tuple[BranchPattern, ...] = Field((), description=TARGET_BRANCHES)
    lifecycle: LifecycleFile = LifecycleFile()


class ServiceFile(FileModel):
    """One deployable thing. Only its repository is required; parameters made of what it lacks are empty."""

    repository: Repository = Field(description="owner/name on GitHub")
    profile: Word | None = Field(None, description="The app in manifests/apps")
    overlay: Word = Field(
        "preview",
        description="The overlay in manifests/apps/<profile>/overlays; a fork always gets preview-fork",
    )
    image: ImageFile | None = None
    port: Port | None = Field(None, description="The container's port")
    health_path: HealthPath = Field("/", description="Path that answers 200 once the service can be used")
    extra: Annotated[dict[Key, str], BeforeValidator(without_empty)] = Field(
        default={}, description="Free strings for templates"
    )
    staging: StagingFile = StagingFile()
    endpoint: Endpoint = Field("internal", description="Which endpoint of its dependencies the service calls")
    depends_on: Annotated[
        dict[KnownService, DependencyFile],
        AfterValidator(_variables_differ),
        BeforeValidator(_map_of_dependencies, json_schema_input_type=list[str] | dict[str, DependencyFile | None]),
    ] = Field(default={}, description="The services it calls")
    seed: SeedFile | None = None
    labels: LabelsFile = LabelsFile()
    drafts: StrictBool | None = None
    link: Link | None = None
    target_branches: tuple[BranchPattern, ...] | None = Field(None, description=TARGET_BRANCHES)
    lifecycle: LifecycleFile = LifecycleFile()


class CatalogFile(FileModel):
    """catalog.yaml: all services and the policy for previews."""

    version: Version
    domain: Domain = Field(description="Public hosts are <service>-<number>.<domain>")
    prefix: Prefix = Field(DEFAULT_PREFIX, description="Applications and namespaces are <prefix>-<service>-<number>")
    allowed_hosts: tuple[Host, ...] = Field((), description="Hosts that a url: target may name")
    defaults: DefaultsFile = DefaultsFile()
    limits: LimitsFile = LimitsFile()
    traffic: TrafficFile | None = None
    report: ReportFile | None = None
    commands: CommandsSwitch = Field(
        None, description="Whether comments that begin with /preview are commands; for bots, name them: {bots: [login]}"
    )
    services: dict[ServiceName, ServiceFile] = Field(min_length=1)


def read_catalog_file(text: str, file: str) -> CatalogFile:
    """Read and check the file. Raises InvalidFile with every mistake in it."""
    document = parse_yaml(text, file, LIMITS)
    data: Any = document.data if isinstance(document.data, dict) else {}
    services = data.get("services")
    prefix = data.get("prefix") or DEFAULT_PREFIX
    context = _Context(
        services=frozenset(services if isinstance(services, dict) else ()),
        prefix=prefix if isinstance(prefix, str) else DEFAULT_PREFIX,
    )
    catalog = validate(CatalogFile, document, file, context)
    if problems := [problem_at(document, file, path, message) for path, message in _contradictions(catalog)]:
        raise invalid_file(problems)
    return catalog


def labels_of(service: ServiceFile, defaults: DefaultsFile) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return which labels a service requires and which ones it skips, with the defaults filled in."""
    require, skip = (
        own if own is not None else default
        for own, default in (
            (service.labels.require, defaults.labels.require),
            (service.labels.skip, defaults.labels.skip),
        )
    )
    return ("preview",) if require is None else require, skip or ()


def _contradictions(catalog: CatalogFile) -> Iterator[tuple[Path, str]]:
    """Find the values that are valid by themselves but contradict each other."""
    spelt: dict[str, str] = {}
    defaults = catalog.defaults
    for name, service in catalog.services.items():
        first = spelt.setdefault(names.folded(service.repository), service.repository)
        if first != service.repository:
            message = f"{service.repository} is the same repository on GitHub as {first}; spell them alike"
            yield ("services", name, "repository"), message
        require, skip = labels_of(service, defaults)
        if variants := _variants((*require, *skip)):
            yield ("services", name, "labels"), variants
        plan = lifecycle_of(service.lifecycle, defaults.lifecycle)
        for key, message in wrong_lifecycle(plan, (*require, *skip), service.image.tag if service.image else None):
            yield ("services", name, "lifecycle", key), message
        yield from _calls_without_staging(name, service, catalog)


def _calls_without_staging(name: str, service: ServiceFile, catalog: CatalogFile) -> Iterator[tuple[Path, str]]:
    """Find the calls that could not go to staging, which is where each call goes if its target is not live."""
    for called, dependency in service.depends_on.items():
        staging = catalog.services[called].staging
        endpoint: Endpoint = dependency.endpoint or service.endpoint
        other: Endpoint = "public" if endpoint == "internal" else "internal"
        if staging.of(endpoint) is None:
            hint = f', or call its endpoint "{other}"' if staging.of(other) else ""
            message = f"calls {called}, which has no {endpoint} URL on staging: add staging.{endpoint} there{hint}"
            yield ("services", name, "depends_on", called), message
