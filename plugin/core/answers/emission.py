"""Emission: which previews one input gets, and what is remembered of all of them."""

import json
from collections.abc import Iterator, Mapping

from plugin.core.answers.filters import EVERYTHING, PLACES, Filters
from plugin.core.answers.live import Live
from plugin.core.config.names import folded
from plugin.core.decision.decide import Decision, changed
from plugin.core.decision.preview import LivePreview

# What an engine wants before and after the list. It is joined with it, because each copy of megabytes takes its time.
Envelope = tuple[bytes, bytes]
BARE: Envelope = (b"", b"")


def parameters(decision: Decision, filters: Filters = EVERYTHING, envelope: Envelope = BARE) -> bytes:
    """Return what the templates of one input get: a JSON list of objects, by service and number."""
    chunks = list(_chunks(decision, filters)) or [b""]
    before, after = envelope
    chunks[0] = before + b"[" + chunks[0]
    chunks[-1] += b"]" + after
    return b",".join(chunks)


def filtered(everything: bytes, filters: Filters, envelope: Envelope = BARE) -> bytes:
    """Return what one input gets of an old answer to everything."""
    objects: list[Mapping[str, str]] = json.loads(everything)
    kept = [each for each in objects if filters.admits(each["service"], each["profile"], each["origin"])]
    return json.dumps(kept, separators=(",", ":")).encode().join(envelope)


def deployed(everything: bytes) -> dict[str, str]:
    """Return which commits an old answer to everything gave previews, by the preview's key."""
    return {f"{each['service']}/{each['number']}": each.get("deploy_sha", "") for each in json.loads(everything)}


def live_previews(decision: Decision, before: Live | None) -> Live:
    """Return what is remembered of a decision; what has not changed is the same object as before."""
    known = before.by_repository if before else {}
    now = {
        name: old if (old := known.get(name)) is previews or old == previews else previews
        for name, previews in decision.remembered.items()
    }
    if before and before.catalog == decision.catalog.fingerprint and not changed(known, now):
        return before
    return Live(decision.catalog.fingerprint, now)


def missing(live: Live, decision: Decision) -> Iterator[tuple[str, LivePreview]]:
    """Find the live previews that a decision lacks, or names differently, with their repositories."""
    respelt = _respelt(live, decision)
    for name, previews in live.by_repository.items():
        now = decision.remembered.get(respelt.get(name, name), ())
        if now is not previews and now != previews:
            kept = frozenset(now)  # one repository can have thousands
            yield from ((name, preview) for preview in previews if preview not in kept)


def _respelt(live: Live, decision: Decision) -> Mapping[str, str]:
    """Return the names that the decision's catalog spells in another case, with their new spelling."""
    lacking = [name for name in live.by_repository if name not in decision.catalog.repositories]
    if not lacking:
        return {}
    folds = {folded(name): name for name in decision.catalog.repositories}
    return {name: folds[folded(name)] for name in lacking if folded(name) in folds}


def _chunks(decision: Decision, filters: Filters) -> Iterator[bytes]:
    for service in decision.catalog.services.values():
        if part := decision.parts.get(service.repository):
            for origin in PLACES:
                chunk = part.parameters.get((service.name, origin))
                if chunk and filters.admits(service.name, service.profile, origin):
                    yield chunk
