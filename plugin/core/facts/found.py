"""Found: what a refresh found out beside pull requests: ready commits, traffic, and what has not changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from plugin.core.config.references import Locator
from plugin.core.facts.traffic import Used


@dataclass(frozen=True, slots=True)
class Found:
    """What was asked for the lives of previews in one refresh."""

    ready: Mapping[tuple[str, str], bool] = field(default_factory=dict)  # by service and commit; missing: unknown
    commits: Mapping[Locator, tuple[str, ...]] = field(default_factory=dict)  # the newest first
    used: Used | None = None  # None: traffic is not measured, or not known
    traffic_in_doubt: bool = False
    nothing_newer: frozenset[Locator] = frozenset()  # looked up by number: nobody has done anything since


NOTHING_FOUND = Found()
