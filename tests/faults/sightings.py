"""Sightings: what the oracle knows of an environment that it saw in an answer."""

from dataclasses import dataclass

from tests.faults.truth import Fact, Repository


class Wrong(AssertionError):
    """An answer that must never have been given."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """An environment in an answer: the oldest fact that this can be."""

    service: str
    repository: Repository
    number: int
    fact: int  # its index

    @property
    def facts(self) -> list[Fact]:
        return self.repository.pulls[self.number]

    @property
    def rank(self) -> tuple[int, float]:
        return self.repository.generation, self.facts[self.fact].updated_at.timestamp()
