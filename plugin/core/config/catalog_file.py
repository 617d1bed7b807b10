"""The catalog as people write it: keys, their meaning and what is refused, each mistake by itself."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, ValidationInfo

from plugin.core.config import names
from plugin.core.config.references import REPOSITORY
from plugin.core.config.strict_yaml import Limits
from plugin.core.config.validation import FileModel, Version, did_you_mean, parse_yaml, validate

LIMITS = Limits(bytes=4 * 1024 * 1024, nodes=500_000)  # the platform team's own file: only a guard against accidents

RESERVED_VARIABLES = frozenset({"PUBLIC_URL", "DATABASE_URL", "REDIS_URL", "MONGODB_URL"})
RESERVED_PREFIX = "PREVIEW_"
MAX_PORT = 65535
MAX_DOMAIN = 189  # characters: of the 253 that DNS allows, a label and its dot go in front

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)


@dataclass(frozen=True)
class _Context:
    """What one key must know of the others, so that each can be checked by itself."""

    services: frozenset[str]
    prefix: str


def _context(info: ValidationInfo[_Context]) -> _Context:
    assert info.context is not None  # noqa: S101  read_catalog_file always gives one
    return info.context


def _matches(pattern: str, description: str) -> AfterValidator:
    compiled = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(f'"{text}" is not {description}')
        return text

    return AfterValidator(check)


def _checked_by(check: Callable[[str], str | None]) -> AfterValidator:
    """Make a validator of a function that returns what is wrong, or None."""

    def validator(text: str) -> str:
        if complaint := check(text):
            raise ValueError(f'"{text}" {complaint}')
        return text

    return AfterValidator(validator)


def _wrong_domain(text: str) -> str | None:
    labels = text.split(".")
    if len(text) > MAX_DOMAIN or not all(_is_dns_label(label) for label in labels):
        return "is not a DNS name in lower case, for example preview.example.com"
    return None


def _is_dns_label(text: str) -> bool:
    return len(text) <= names.MAX_LABEL and names.DNS_LABEL.fullmatch(text) is not None


def _wrong_host(text: str) -> str | None:
    host, colon, port = text.partition(":")
    if colon and not re.fullmatch(r"[1-9][0-9]{0,4}", port, re.ASCII):
        return "has a port that is no number"
    if host.rpartition(".")[2].isdigit():  # 10.0.0.1, and 2130706433 for those who know
        return "is an IP address; only names are allowed"
    if f".{host}".endswith((".svc", ".local", ".localhost")):
        return "is a name inside the cluster; only public names are allowed"
    return _wrong_domain(host)


def _wrong_endpoint(text: str) -> str | None:
    if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~!&'()*+,;=:@%/-]*)?", text, re.ASCII):
        return "is not an http or https URL of a host, with a path at most"
    parts = urlsplit(text)
    host = (parts.hostname or "").lower()
    if not all(_is_dns_label(label) for label in host.split(".")):
        return "has a host that is no DNS name"
    return (
        None
        if int(text.partition("://")[2].partition("/")[0].partition(":")[2] or 1) <= MAX_PORT
        else "has a port above 65535"
    )


def _wrong_tag(text: str) -> str | None:
    filled = text.replace("{sha}", "0" * 40).replace("{number}", str(names.MAX_NUMBER))
    if "{" in filled or "}" in filled:
        return "has a placeholder that does not exist; there are {sha} and {number}"
    return None if _TAG.fullmatch(filled) else "is not a valid image tag"


def _wrong_prefix(text: str) -> str | None:
    if not names.DNS_LABEL.fullmatch(text):
        return "is not a DNS label (a-z, 0-9 and -)"
    return (
        'starts with "fork"; that is how the previews of forks are told apart'
        if f"{text}-".startswith("fork-")
        else None
    )


def _wrong_variable(text: str) -> str | None:
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", text, re.ASCII):
        return "is not an environment variable in capitals, for example PAYMENTS_API"
    reserved = text in RESERVED_VARIABLES or text.startswith(RESERVED_PREFIX)
    return "is reserved for what a preview knows of itself" if reserved else None


def _service_name(name: str, info: ValidationInfo[_Context]) -> str:
    context = _context(info)
    if not names.DNS_LABEL.fullmatch(name):
        raise ValueError(f'"{name}" is not a DNS label (a-z, 0-9 and -)')
    if not names.fits(context.prefix, name):
        longest = names.preview_name(context.prefix, name, names.MAX_NUMBER, fork=True)
        raise ValueError(f"the name is too long: {longest} would have more than {names.MAX_LABEL} characters")
    return name


def _known_service(name: str, info: ValidationInfo[_Context]) -> str:
    context = _context(info)
    if name not in context.services:
        raise ValueError(f"there is no such service{did_you_mean(name, context.services)}")
    return name


def _map_of_dependencies(value: object) -> object:
    """Accept the short form `[payments, users]`; anything that is not made of words is left to be refused."""
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        if twice := [name for name, count in Counter(value).items() if count > 1]:
            raise ValueError(f'"{twice[0]}" stands twice')
        return {name: {} for name in value}
    return value


def _variables_differ(dependencies: dict[str, "DependencyFile"]) -> dict[str, "DependencyFile"]:
    owners: dict[str, str] = {}
    for service, dependency in dependencies.items():
        variable = dependency.env or names.default_variable(service)
        if not dependency.env and (complaint := _wrong_variable(variable)):
            raise ValueError(f'"{variable}", the variable for {service}, {complaint}; name another with env')
        if other := owners.setdefault(variable, service) != service and owners[variable]:
            raise ValueError(f"{other} and {service} both use the variable {variable}; name another with env")
    return dependencies


def _has_default(datasets: dict[str, str]) -> dict[str, str]:
    if "default" not in datasets:
        raise ValueError('the dataset "default" is missing')
    return datasets


Domain = Annotated[str, _checked_by(_wrong_domain)]
Host = Annotated[str, _checked_by(_wrong_host)]
Url = Annotated[str, _checked_by(_wrong_endpoint)]
Tag = Annotated[str, _checked_by(_wrong_tag)]
Prefix = Annotated[str, _checked_by(_wrong_prefix)]
Variable = Annotated[str, _checked_by(_wrong_variable)]
Label = Annotated[str, Field(min_length=1)]
Word = Annotated[
    str, _matches(f"(?=.{{1,{names.MAX_LABEL}}}$){names.DNS_LABEL.pattern}", "a DNS label (a-z, 0-9 and -)")
]
Key = Annotated[str, _matches("[A-Za-z_][A-Za-z0-9_]*", "a name that a template can use (letters, digits and _)")]
Repository = Annotated[str, _matches(REPOSITORY.pattern, "a repository, for example acme/orders")]
HealthPath = Annotated[
    str, _matches(r"/([A-Za-z0-9._~!&'()*+,;=:@%-][A-Za-z0-9._~!&'()*+,;=:@%/-]*)?", 'a path that starts with one "/"')
]
Image = Annotated[
    str,
    _matches(
        r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*",
        "an image without a tag, for example ghcr.io/acme/orders",
    ),
]
ImageTag = Annotated[str, _matches(_TAG.pattern, "a valid image tag")]
ServiceName = Annotated[str, AfterValidator(_service_name)]
KnownService = Annotated[str, AfterValidator(_known_service)]
Endpoint = Literal["internal", "public"]


class ImageFile(FileModel):
    """Which image is deployed."""

    name: Image = Field(description="Image without a tag")
    tag: Tag = Field("{sha}", description="Tag; {sha} is the deployed commit, {number} the pull request")


class LabelsFile(FileModel):
    """Which labels a pull request must and must not have; compared exactly."""

    require: tuple[Label, ...] | None = Field(None, description="All of these; default [preview]")
    skip: tuple[Label, ...] | None = Field(None, description="None of these; default []")


class StagingFile(FileModel):
    """Where the service runs for everybody: the targets when nothing else is asked for."""

    internal: Url = Field(description="URL inside the cluster")
    public: Url = Field(description="URL for browsers")


class DependencyFile(FileModel):
    """How a service calls another one."""

    env: Variable | None = Field(None, description="Variable that holds the URL; default <SERVICE>_URL")
    endpoint: Endpoint | None = Field(None, description="Overrides the service's endpoint for this dependency")


class SeedFile(FileModel):
    """The image that carries the service's data."""

    image: Image = Field(description="Image without a tag")
    datasets: Annotated[dict[str, ImageTag], AfterValidator(_has_default)] = Field(
        description="Tags by name; default is required"
    )


class DefaultsFile(FileModel):
    """Policy for all services; each can override it."""

    labels: LabelsFile = LabelsFile()
    drafts: StrictBool = Field(default=True, description="Whether draft pull requests get previews")
    link: Literal["same-branch", "none"] = Field("none", description="Whether equal branch names link previews")


class ServiceFile(FileModel):
    """One deployable thing."""

    repository: Repository = Field(description="owner/name on GitHub")
    profile: Word = Field(description="The app in manifests/apps")
    overlay: Word = Field(
        "preview",
        description="The overlay in manifests/apps/<profile>/overlays; a fork always gets preview-fork",
    )
    image: ImageFile
    port: Annotated[int, Field(strict=True, ge=1, le=MAX_PORT)] = Field(description="The container's port")
    health_path: HealthPath = Field("/", description="Answers 200 when the service can be used")
    extra: dict[Key, str] = Field(default={}, description="Free strings for templates")
    staging: StagingFile
    endpoint: Endpoint = Field("internal", description="Which endpoint of its dependencies the service calls")
    depends_on: Annotated[
        dict[KnownService, DependencyFile],
        AfterValidator(_variables_differ),
        BeforeValidator(_map_of_dependencies, json_schema_input_type=list[str] | dict[str, DependencyFile]),
    ] = Field(default={}, description="The services it calls")
    seed: SeedFile | None = None
    labels: LabelsFile = LabelsFile()
    drafts: StrictBool | None = None
    link: Literal["same-branch", "none"] | None = None


def _repositories_differ(services: dict[str, ServiceFile]) -> dict[str, ServiceFile]:
    spelt: dict[str, str] = {}
    for service in services.values():
        first = spelt.setdefault(service.repository.casefold(), service.repository)
        if first != service.repository:
            raise ValueError(f"{first} and {service.repository} are one repository on GitHub; write them alike")
    return services


class CatalogFile(FileModel):
    """catalog.yaml: all services and the policy for previews."""

    version: Version
    domain: Domain = Field(description="Public hosts are <service>-<number>.<domain>")
    prefix: Prefix = Field("preview", description="Applications and namespaces are <prefix>-<service>-<number>")
    allowed_hosts: tuple[Host, ...] = Field((), description="Hosts that a url: target may name")
    defaults: DefaultsFile = DefaultsFile()
    services: Annotated[dict[ServiceName, ServiceFile], AfterValidator(_repositories_differ)] = Field(min_length=1)


def read_catalog_file(text: str, file: str) -> CatalogFile:
    """Read and check the file. Raises InvalidFile with every mistake in it."""
    document = parse_yaml(text, file, LIMITS)
    data: Any = document.data if isinstance(document.data, dict) else {}
    services = data.get("services")
    prefix = data.get("prefix", "preview")
    context = _Context(
        services=frozenset(services if isinstance(services, dict) else ()),
        prefix=prefix if isinstance(prefix, str) else "preview",
    )
    return validate(CatalogFile, document, file, context)
