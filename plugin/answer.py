"""Answers: from what is known to the bytes that Argo CD gets, computed once and kept until something changes."""

import json
import threading
from collections.abc import Mapping
from typing import Any

from cachetools import LRUCache

from plugin.core.catalog import Catalog
from plugin.core.decide import Preview, decide
from plugin.core.filters import Filters, parse_filters
from plugin.core.model import Snapshot
from plugin.core.parameters import parameters
from plugin.mirror.refresh import Mirror
from plugin.state import Known

KEPT = 64  # different filters; an installation has a handful


class Answers:
    """Decides once for each version of what is known, whoever asks how often."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._deciding = threading.Lock()
        self._decided: tuple[int, tuple[Preview, ...]] = (-1, ())
        self._bodies: LRUCache[Filters, bytes] = LRUCache(KEPT)  # of the version that was decided last

    def parameters(self, filters: Mapping[str, Any]) -> bytes:
        """Answer `getparams.execute`. Raises NotReady or InvalidRequest."""
        self._mirror.wait_for_first_refresh()
        with self._deciding:  # what is known is looked at inside, so that no answer is older than one before it
            catalog, known = self._mirror.known()
            parsed = parse_filters(filters, catalog)
            previews = self._previews(catalog, known)
            if parsed not in self._bodies:
                self._bodies[parsed] = _body(catalog, parsed, previews)
            return self._bodies[parsed]

    def previews(self) -> tuple[tuple[Preview, ...], Snapshot]:
        """Return every preview, live or not, and the snapshot that it comes from. Raises NotReady."""
        with self._deciding:
            catalog, known = self._mirror.known()
            return self._previews(catalog, known), known.snapshot

    def _previews(self, catalog: Catalog, known: Known) -> tuple[Preview, ...]:
        version, previews = self._decided
        if version != known.version:
            previews = decide(catalog, known.snapshot)
            self._decided = known.version, previews
            self._bodies.clear()
        return previews


def _body(catalog: Catalog, filters: Filters, previews: tuple[Preview, ...]) -> bytes:
    emitted = [parameters(preview, catalog) for preview in previews if preview.verdict.live and filters.admits(preview)]
    return json.dumps({"output": {"parameters": emitted}}, separators=(",", ":")).encode()
