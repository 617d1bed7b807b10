"""A broken `.preview.yaml` never breaks an environment: the last valid one stays in force.

It is kept as text and checked again against the current catalog, because the catalog can change under it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from plugin.core.config.catalog import Catalog
from plugin.core.config.messages import one_line
from plugin.core.config.repo_config import FILE_NAME, REMEMBERED, REMEMBERED_LENGTH, ServiceConfig, read_config
from plugin.core.facts.model import PullRequest
from plugin.errors import InvalidFile

_NOTHING: Mapping[str, ServiceConfig] = {}


@dataclass(frozen=True, slots=True)
class ConfigInForce:
    """What one pull request's file asks for, by service, and what is wrong with the file, or ""."""

    services: Mapping[str, ServiceConfig]
    error: str

    def of(self, service: str) -> ServiceConfig:
        """Return what the file asks for one service."""
        return self.services.get(service, ServiceConfig())


def config_in_force(pull_request: PullRequest, repository: str, catalog: Catalog) -> ConfigInForce:
    """Choose between the file at the head commit and the last valid one."""
    if pull_request.config is None:
        return ConfigInForce(_NOTHING, "")
    services, error = _head_config(pull_request, repository, catalog)
    if error and pull_request.last_good_config is not None:
        services, _ = _read(pull_request.last_good_config, repository, catalog)
    return ConfigInForce(services, error)


def last_good_config(
    pull_request: PullRequest, before: PullRequest | None, repository: str, catalog: Catalog
) -> str | None:
    """Return the newest valid text of a pull request's file, which may come from an earlier reading.

    None if there never was one, or if the file was removed: then its text is forgotten.
    """
    config = pull_request.config
    if config is None:
        return None
    previous = before.last_good_config if before else None
    if previous == config.text and not config.problem:  # valid or not now, it stays the last good one
        return previous
    _, error = _head_config(pull_request, repository, catalog)
    return previous if error else config.text


def _head_config(
    pull_request: PullRequest, repository: str, catalog: Catalog
) -> tuple[Mapping[str, ServiceConfig], str]:
    config = pull_request.config
    assert config is not None  # noqa: S101  both callers have checked
    if config.problem:
        return _NOTHING, one_line(f"{FILE_NAME}: {config.problem}")
    return _read(config.text, repository, catalog)


def _read(text: str, repository: str, catalog: Catalog) -> tuple[Mapping[str, ServiceConfig], str]:
    # A cold start and every refresh read the same files in the same order, so a cache that holds fewer of them would
    # never hit. Huge files are not kept: they would fill the memory.
    return (_remembered if len(text) <= REMEMBERED_LENGTH else _judge)(text, repository, catalog)


def _judge(text: str, repository: str, catalog: Catalog) -> tuple[Mapping[str, ServiceConfig], str]:
    try:
        return read_config(text, catalog, repository), ""
    except InvalidFile as error:
        first, *others = error.problems
        more = f" (and {len(others)} more)" if others else ""
        return _NOTHING, one_line(f"{first}{more}")
    except Exception as error:  # noqa: BLE001  an unexpected error about one file must not harm all others
        return _NOTHING, one_line(f"{FILE_NAME}: could not be understood ({type(error).__name__})")


_remembered = lru_cache(maxsize=REMEMBERED)(_judge)
