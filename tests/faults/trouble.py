"""What is wrong with GitHub at the moment, and what that does to an answer. The faults themselves are the fake's."""

import random
from dataclasses import dataclass, field

from tests.fakes.github import Intercept, faults
from tests.faults.truth import LAG, Clock

PAGE = 2  # entries, of a listing that ends too early
SECONDS, TIMEOUT = 3.0, 21.0  # the second is longer than the plugin waits

LAGGING, SLOW, SOMETIMES, TOO_SLOW = (
    "answers from the past",
    "slow",
    "every other request fails",
    "so slow that nobody waits",
)
OUTAGES = {**faults.OUTAGES, **faults.SILENCING}
UNCOUNTED = ("half of a listing lost", "first page only")  # nothing in the answer says that it is short
LIES = {
    UNCOUNTED[0]: faults.lost_half(honest=False),
    "half of a listing lost, but counted": faults.lost_half(honest=True),
    UNCOUNTED[1]: faults.first_page_only(PAGE, honest=False),
    "first page only, but all counted": faults.first_page_only(PAGE, honest=True),
}
PARTIAL = {
    **faults.PARTIAL,
    "null nodes": faults.null_nodes(),
    "null repository in each answer": faults.null_repository(),
    "forbidden repository in each answer": faults.alias_error("r0"),
}
OUT_OF_ORDER = ("entries out of order", "pages out of order")
SILENCE = {*OUTAGES, SOMETIMES, TOO_SLOW}


@dataclass(slots=True)
class Trouble:
    """Several things can be wrong at once; each request meets one of them."""

    clock: Clock
    chance: random.Random
    names: list[str] = field(default_factory=list)

    def met(self) -> str:
        """Tell what a request meets; "" for nothing."""
        name = self.chance.choice(self.names) if self.names else ""
        return "" if name in (LAGGING, SOMETIMES) and self.chance.random() < 0.4 else name

    def fault(self, name: str) -> Intercept:
        """Return what it does to a request."""
        return {
            **OUTAGES,
            **LIES,
            **PARTIAL,
            LAGGING: faults.going_back(self.chance, LAG.total_seconds()),
            SLOW: faults.slow(SECONDS, self.clock.pass_by),
            TOO_SLOW: faults.slow(TIMEOUT, self.clock.pass_by),
            SOMETIMES: faults.server_error(500),
            OUT_OF_ORDER[0]: faults.out_of_order(self.chance),
            OUT_OF_ORDER[1]: faults.pages_out_of_order(),
        }[name]


KINDS: dict[str, tuple[str, ...]] = {
    "GitHub is down or refuses": tuple(OUTAGES),
    "GitHub answers in part or late": (*PARTIAL, SLOW, SOMETIMES, TOO_SLOW, *OUT_OF_ORDER),
    "GitHub is wrong": (*LIES, LAGGING, LAGGING, LAGGING),
}
