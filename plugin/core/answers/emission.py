"""Emission: what of all previews one input gets, as names to remember and as the bytes of the answer. Pure."""

from collections.abc import Iterator

from plugin.core.answers.breaker import Emitted
from plugin.core.answers.filters import Filters
from plugin.core.decision.decide import Decided, Decision


def emission(version: int, decision: Decision, filters: Filters) -> Emitted:
    """Return what an input would get."""
    previews = {each.preview.name: each.emitted for each in _emitted(decision, filters)}
    return Emitted(version, decision.catalog.fingerprint, previews)


def body(decision: Decision, filters: Filters) -> bytes:
    """Return the answer of `getparams.execute`."""
    parameters = [each.parameters for each in _emitted(decision, filters)] or [b""]
    parameters[0] = b'{"output":{"parameters":[' + parameters[0]
    parameters[-1] += b"]}}"
    return b",".join(parameters)  # once: of megabytes each copy takes its time


def _emitted(decision: Decision, filters: Filters) -> Iterator[Decided]:
    return (each for each in decision.live.values() if filters.admits(each.preview))
