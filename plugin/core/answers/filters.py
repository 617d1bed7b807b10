"""Filters: which previews one ApplicationSet asks for.

A value that the catalog does not know is refused: a misspelt filter must never look like "none left".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plugin.core.config.catalog import Catalog
from plugin.core.config.messages import one_line
from plugin.core.config.validation import did_you_mean
from plugin.errors import InvalidRequest

PLACES = ("same-repository", "fork")  # where the code of a preview can come from
ORIGINS = (*PLACES, "any")
_KNOWN = ("services", "profile", "origin")


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions that must all hold. None means no restriction."""

    services: frozenset[str] | None = None
    profile: str | None = None
    origin: str = "same-repository"

    def admits(self, service: str, profile: str, origin: str) -> bool:
        """Tell whether a preview is asked for; `origin` is `same-repository` or `fork`."""
        return (
            (self.services is None or service in self.services)
            and (self.profile is None or profile == self.profile)
            and self.origin in ("any", origin)
        )


EVERYTHING = Filters(origin="any")


def parse_filters(parameters: Mapping[str, Any], catalog: Catalog) -> Filters:
    """Read the input parameters of an ApplicationSet. Raises InvalidRequest."""
    for name in parameters:
        if name not in _KNOWN:
            known = ", ".join(_KNOWN)
            raise _invalid(f'unknown input parameter "{name}"; known are {known}{did_you_mean(name, _KNOWN)}')
    filters = Filters(
        services=_services(parameters["services"], catalog) if "services" in parameters else None,
        profile=_profile(parameters["profile"], catalog) if "profile" in parameters else None,
        origin=_origin(parameters.get("origin", "same-repository")),
    )
    if filters.services and filters.profile not in (
        None,
        *(catalog.services[name].profile for name in filters.services),
    ):
        raise _invalid(f'none of these services has the profile "{filters.profile}"')
    return filters


def _services(value: object, catalog: Catalog) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise _invalid("services must be a list of service names")
    if not value:
        raise _invalid("services is an empty list; leave it out to ask for all services")
    for name in value:
        if name not in catalog.services:
            raise _invalid(f'services: the catalog has no service "{name}"{did_you_mean(name, catalog.services)}')
    return frozenset(value)


def _profile(value: object, catalog: Catalog) -> str:
    profiles = sorted({service.profile for service in catalog.services.values() if service.profile})
    if not isinstance(value, str):
        raise _invalid("profile must be a string")
    if value not in profiles:
        known = f"; there are {', '.join(profiles)}" if profiles else ""
        raise _invalid(f'profile: no service of the catalog has the profile "{value}"{known}')
    return value


def _origin(value: object) -> str:
    if not isinstance(value, str) or value not in ORIGINS:
        raise _invalid(f"origin must be one of {', '.join(ORIGINS)}")
    return value


def _invalid(message: str) -> InvalidRequest:
    return InvalidRequest(one_line(message))
