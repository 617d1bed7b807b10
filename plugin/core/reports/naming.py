"""Naming: what may be named on a repository. Nothing of a private one is named on a public one.

A repository whose visibility is not known counts as private where it is named, and as public where it is named on.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from plugin.core.config.catalog import Catalog
from plugin.core.config.names import folded
from plugin.core.facts.model import Repository

HIDDEN = "it has to do with a private repository, which is not named here"
_LINE = re.compile(r"\S{1,100}:[0-9]+(?=: )", re.ASCII)


@dataclass(frozen=True, eq=False)
class Naming:
    """What may be named on one repository."""

    on: str
    confidential: bool  # not everybody may read it, so everything may be named
    _hidden: frozenset[str] = frozenset()  # folded names of other repositories and of their services

    def names(self, repository: str) -> bool:
        """Tell whether a repository of the catalog, its services and its pull requests may be named."""
        return self.confidential or folded(repository) not in self._hidden

    def sentence(self, text: str) -> str:
        """Return a sentence, or another one if it names what it must not."""
        return HIDDEN if text and self._pattern and self._pattern.search(folded(text)) else text

    def mistake(self, config_error: str) -> str:
        """Return a message about a `.preview.yaml`; where it names what it must not, only the line that is wrong."""
        line = _LINE.match(config_error)
        return f"{line[0]}: {HIDDEN}" if line and self.sentence(config_error) is HIDDEN else self.sentence(config_error)

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        if self.confidential or not self._hidden:
            return None
        # A host or a namespace contains a service's name between hyphens and dots.
        return re.compile(rf"(?<![a-z0-9])(?:{'|'.join(map(re.escape, sorted(self._hidden)))})(?![a-z0-9])")


def naming(catalog: Catalog, repositories: Mapping[str, Repository], on: str) -> Naming:
    """Return what may be named on a repository of the catalog."""
    own = repositories.get(on)
    if own is not None and own.public is False:
        return Naming(on, confidential=True)
    private = [
        name
        for name in catalog.repositories
        if name != on and not ((known := repositories.get(name)) and known.public is True)
    ]
    hidden = {folded(text) for name in private for text in _names_of(name, catalog)}
    return Naming(on, confidential=False, _hidden=frozenset(hidden - {folded(text) for text in _names_of(on, catalog)}))


def _names_of(repository: str, catalog: Catalog) -> Iterator[str]:
    yield repository
    yield repository.partition("/")[2]
    yield from (service.name for service in catalog.repositories[repository])
