"""Changes: which previews get something else than before, or nothing. Argo CD knows them by the names in the answer."""

import json
from collections.abc import Collection, Mapping

from plugin.core.decision.decide import Decision, changed
from plugin.core.decision.parameters import parameters
from plugin.core.decision.part import Part
from plugin.mirror.current import Current

Answer = Mapping[str, object]  # what templates get, by the preview's name


def changed_previews(before: Current, after: Current) -> frozenset[str]:
    """Return the names of the previews in the answer before that have left it, or whose parameters differ now.

    New previews are not among them. Where no answer is known, before or after, there are none: nothing is certain.
    Only repositories that were decided again are looked at.
    """
    if after.known.hold or after.decision is None:  # the answer stays as it was, or there is none
        return frozenset()
    if before.known.hold:
        return _differing(_held(before.known.hold.parameters), _all(after.decision))
    if before.decision is None:
        return frozenset()
    old, new = before.decision.parts, after.decision.parts
    names = changed(old, new)
    return _differing(_of(old, names), _of(new, names))


def _differing(before: Answer, after: Answer) -> frozenset[str]:
    return frozenset(name for name, given in before.items() if after.get(name) != given)


def _of(parts: Mapping[str, Part], repositories: Collection[str]) -> Answer:
    return {
        preview.name: parameters(preview, part.catalog)
        for part in (parts[name] for name in repositories if name in parts)
        for preview in part.live.values()
    }


def _all(decision: Decision) -> Answer:
    return _of(decision.parts, decision.parts)


def _held(answer: bytes | None) -> Answer:
    return {} if answer is None else {given["name"]: given for given in json.loads(answer)}
