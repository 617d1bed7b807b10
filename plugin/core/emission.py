"""Emission: what of all previews one input gets, as names to remember and as the bytes of the answer. Pure."""

import json
from collections.abc import Iterable

from plugin.core.breaker import Emitted, EmittedPreview
from plugin.core.catalog import Catalog
from plugin.core.decide import Preview
from plugin.core.filters import Filters
from plugin.core.parameters import parameters


def emission(version: int, catalog: Catalog, previews: Iterable[Preview], filters: Filters) -> Emitted:
    """Return what an input would get."""
    return Emitted(
        version,
        catalog.fingerprint,
        {
            preview.name: EmittedPreview(preview.service.name, preview.repository.name, preview.pull_request.number)
            for preview in previews
            if _is_emitted(preview, filters)
        },
    )


def body(catalog: Catalog, previews: Iterable[Preview], filters: Filters) -> bytes:
    """Return the answer of `getparams.execute`."""
    emitted = [parameters(preview, catalog) for preview in previews if _is_emitted(preview, filters)]
    return json.dumps({"output": {"parameters": emitted}}, separators=(",", ":")).encode()


def _is_emitted(preview: Preview, filters: Filters) -> bool:
    return preview.verdict.live and filters.admits(preview)
