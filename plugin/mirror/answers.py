"""Answers: from what somebody asks to what is published."""

from collections.abc import Mapping
from typing import Any

from plugin.core.answers.filters import parse_filters
from plugin.errors import NotReady
from plugin.mirror.current import Current
from plugin.mirror.refresh import Mirror


class Answers:
    """What the routes and the commands ask."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror

    def parameters(self, filters: Mapping[str, Any]) -> bytes:
        """Answer `getparams.execute`. Raises NotReady or InvalidRequest."""
        try:
            catalog, current = self._mirror.current()
        except NotReady:  # a server that has just started may know more in a moment
            self._mirror.wait_for_first_refresh()
            catalog, current = self._mirror.current()
        return self._mirror.answer(current, parse_filters(filters, catalog))

    def current(self) -> Current:
        """Return everything that is known, decided. Raises NotReady."""
        _, current = self._mirror.current()
        return current
