"""What is wrong with GitHub at the moment; what each of it does to an answer is in `tests.fakes.github.faults`."""

import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from tests.fakes.github.faults import OUTAGES
from tests.faults.truth import LAG

HALF, FIRST_PAGE, LAGGING, PARTIAL, SOMETIMES = (
    "a listing that lost half of its entries",
    "first page only",
    "answers from the past",
    "some repositories cannot be answered",
    "every other request fails",
)
KINDS = (*sorted(OUTAGES), HALF, FIRST_PAGE, LAGGING, PARTIAL, SOMETIMES)
LIES = {HALF, FIRST_PAGE, LAGGING}
PAGE = 2

Item = TypeVar("Item")


@dataclass(slots=True)
class Trouble:
    names: list[str] = field(default_factory=list)
    struck: frozenset[str] = frozenset()  # the repositories that cannot be answered while that is so

    def strikes(self, repository: str, chance: random.Random) -> bool:
        """Tell whether a request about a repository fails."""
        return (
            any(name in OUTAGES for name in self.names)
            or (PARTIAL in self.names and repository in self.struck)
            or (SOMETIMES in self.names and chance.random() < 0.5)
        )

    def shortened(self, items: list[Item], chance: random.Random) -> list[Item]:
        """Return what is left of a listing."""
        if HALF in self.names:
            return [item for item in items if chance.random() < 0.5]
        return items[:PAGE] if FIRST_PAGE in self.names else items

    def lag(self, chance: random.Random) -> timedelta:
        """Tell how old an answer is."""
        return LAG * chance.random() if LAGGING in self.names and chance.random() < 0.7 else timedelta(0)
