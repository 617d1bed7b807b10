"""The repository config, `.preview.yaml`: data with bounded effect, written by anybody who can push."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import islice
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from plugin.core.config.catalog import Catalog, Service
from plugin.core.config.lifecycle import NOT_SHORTENED, Shortened
from plugin.core.config.names import folded
from plugin.core.config.references import FORMS, PullRequestReference, Reference, Url, parse_reference
from plugin.core.config.strict_yaml import Document, Path
from plugin.core.config.validation import (
    MAX_PROBLEMS,
    FileModel,
    Suggest,
    Version,
    invalid_file,
    parse_yaml,
    problem_at,
    suggestions,
    validate,
)
from plugin.core.config.values import Duration
from plugin.errors import InvalidFile, Problem

FILE_NAME = ".preview.yaml"
MISNAMED = ".preview.yml"  # what people write by mistake; it is never read
MAX_NAMED = 3  # services that a message names
REMEMBERED, REMEMBERED_LENGTH = 16_384, 1024  # files, and characters of each; real files have a few hundred


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """What a repository config asks for one service."""

    dependencies: Mapping[str, Reference] = field(default_factory=dict)
    dataset: str | None = None  # None for the catalog's default
    lifecycle: Shortened = NOT_SHORTENED


def _reference(value: object) -> Reference:
    match value:
        case str():
            return parse_reference(value)
        case bool():
            pass
        case int() if value > 0:
            raise ValueError(f'write "pr:{value}" for pull request {value}')
        case None:
            raise ValueError('is empty; "#" starts a comment in YAML, so write "pr:123" for pull request 123')
        case {"pr": int(number)}:
            raise ValueError(f'write "pr:{number}" without a space')
    raise ValueError(f"must be a string: {FORMS}")


Target = Annotated[
    Any,
    BeforeValidator(_reference),
    WithJsonSchema({"type": "string", "description": f"Where this dependency points: {FORMS}"}),
]


class LifecyclePart(FileModel):
    """When a preview pauses and ends, if that is sooner than the catalog says."""

    pause_after: Duration | None = Field(None, description="Pauses it this long after the last activity")
    expire_after: Duration | None = Field(None, description="Ends it this long after the last activity")


class ServicePart(FileModel):
    """Settings for one service of the repository; they override the top level."""

    dependencies: dict[str, Target] = Field(default={}, description="Where each dependency points")
    dataset: str | None = Field(None, description="One of the datasets that the catalog offers")
    lifecycle: LifecyclePart = LifecyclePart()


class RepositoryConfigFile(ServicePart):
    """.preview.yaml: where this pull request's previews point, and which data they start with."""

    version: Version
    services: dict[str, ServicePart] = Field(default={}, description="Settings for single services of a repository")


def read_file(text: str, file: str = FILE_NAME) -> tuple[RepositoryConfigFile, Document] | None:
    """Check a file without a catalog; None if it is empty. Raises InvalidFile with every mistake in it."""
    try:
        document = parse_yaml(text, file)
    except InvalidFile as error:
        raise InvalidFile([_hint(problem) for problem in error.problems]) from None
    if document.data is None:
        return None
    return validate(RepositoryConfigFile, document, file), document


def read_config(text: str, catalog: Catalog, repository: str, file: str = FILE_NAME) -> dict[str, ServiceConfig]:
    """Check a file for one repository of the catalog and return what it asks for each service of it.

    Raises InvalidFile with every mistake in it.
    """
    services = {service.name: service for service in catalog.repositories.get(repository, ())}
    content = (_remembered if len(text) <= REMEMBERED_LENGTH else _parse)(text, file)
    if isinstance(content, tuple):
        raise InvalidFile(content)
    if mistakes := list(islice(_mistakes(content, services, catalog), MAX_PROBLEMS + 1)):
        document = parse_yaml(text, file)
        raise invalid_file(problem_at(document, file, path, message) for path, message in mistakes)
    return {name: _for_service(content, service) for name, service in services.items()}


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a file without its line numbers, so that thousands of files fit into memory."""

    dependencies: Mapping[str, Reference]
    dataset: str | None
    lifecycle: Shortened = NOT_SHORTENED

    @staticmethod
    def of(part: ServicePart) -> "_Part":
        return _Part(part.dependencies, part.dataset, Shortened(**dict(part.lifecycle)))


@dataclass(frozen=True, slots=True)
class _Content:
    top: _Part
    services: Mapping[str, _Part]


def _parse(text: str, file: str) -> _Content | tuple[Problem, ...]:
    """Return what a file says, whatever the catalog, or its problems."""
    try:
        read = read_file(text, file)
    except InvalidFile as error:
        return error.problems  # not the error itself, which would keep the frames of its traceback
    if read is None:
        return _EMPTY
    content, _ = read
    services = {name: _Part.of(part) for name, part in content.services.items()}
    return _Content(_Part.of(content), services or _EMPTY.services)


_EMPTY = _Content(_Part({}, None), {})

# Every file is read again at a cold start and whenever the catalog changes, while its text stays the same.
_remembered = lru_cache(maxsize=REMEMBERED)(_parse)


def links(content: RepositoryConfigFile) -> Iterator[Path]:
    """Find the targets that must not reach the default branch: links to pull requests and branches."""
    parts: list[tuple[Path, ServicePart]] = [((), content)]
    parts += [(("services", name), part) for name, part in content.services.items()]
    for prefix, part in parts:
        for name, target in part.dependencies.items():
            if str(target) != "staging" and not isinstance(target, Url):
                yield (*prefix, "dependencies", name)


def _for_service(content: _Content, service: Service) -> ServiceConfig:
    own = content.services.get(service.name, _EMPTY.top)
    wishes = {**content.top.dependencies, **own.dependencies} if own.dependencies else content.top.dependencies
    life, default = own.lifecycle, content.top.lifecycle
    called = {dependency.service for dependency in service.dependencies}
    if not wishes.keys() <= called:
        wishes = {name: target for name, target in wishes.items() if name in called}
    return ServiceConfig(
        dependencies=wishes,
        dataset=own.dataset or (content.top.dataset if content.top.dataset in _datasets(service) else None),
        lifecycle=Shortened(life.pause_after or default.pause_after, life.expire_after or default.expire_after),
    )


def _mistakes(content: _Content, services: Mapping[str, Service], catalog: Catalog) -> Iterator[tuple[Path, str]]:
    """Compare a file with the catalog; `services` are those of the file's repository."""
    suggest = suggestions()
    yield from _mistakes_of_part((), content.top, list(services.values()), catalog, suggest)
    for name, part in content.services.items():
        if service := services.get(name):
            yield from _mistakes_of_part(("services", name), part, [service], catalog, suggest)
        else:
            yield ("services", name), f"is not a service of this repository{suggest(name, services)}"


def _mistakes_of_part(
    prefix: Path, part: _Part, services: list[Service], catalog: Catalog, suggest: Suggest
) -> Iterator[tuple[Path, str]]:
    known = {dependency.service for service in services for dependency in service.dependencies}
    for name, target in part.dependencies.items():
        path = (*prefix, "dependencies", name)
        if name not in known:
            yield path, f"is not a dependency of {_named(services)}{suggest(name, known)}"
        elif complaint := _wrong_target(target, catalog.services[name], catalog):
            yield path, complaint
    if part.dataset is None:
        return
    datasets = {dataset for service in services for dataset in _datasets(service)}
    if part.dataset not in datasets:
        offered = (
            f"choose one of {', '.join(sorted(datasets))}"
            if datasets
            else f"the catalog defines no seed for {_named(services)}"
        )
        yield (*prefix, "dataset"), f'"{part.dataset}" is not a dataset; {offered}'


def _named(services: list[Service]) -> str:
    named = " or ".join(service.name for service in services[:MAX_NAMED])
    return f"{named} or {len(services) - MAX_NAMED} others" if len(services) > MAX_NAMED else named


def _wrong_target(target: Reference, dependency: Service, catalog: Catalog) -> str | None:
    if isinstance(target, PullRequestReference) and target.repository:
        if folded(target.repository) != folded(dependency.repository):
            return f"{dependency.name} is in the repository {dependency.repository}, not in {target.repository}"
    elif isinstance(target, Url) and target.host not in catalog.allowed_hosts:
        label, _, domain = target.host.partition(".")
        service, _, number = label.rpartition("-")
        if (service, domain) == (dependency.name, catalog.domain) and number.isdecimal():
            return f'write "pr:{number}" for the preview of pull request {number}'
        allowed = ", ".join(sorted(catalog.allowed_hosts)) or "none"
        return f'the host "{target.host}" is not allowed; allowed hosts: {allowed}'
    return None


def _datasets(service: Service) -> Mapping[str, str]:
    return service.seed.datasets if service.seed else {}


def _hint(problem: Problem) -> Problem:
    # `payments: pr: 123` is the most common slip, and libyaml's message for it does not help.
    if problem.message.startswith("mapping values are not allowed"):
        message = 'a second ":" on one line; write targets without a space, for example payments: pr:123'
        return replace(problem, message=message)
    return problem
